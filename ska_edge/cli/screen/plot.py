"""Draws the last values of a sensor as lines of a terminal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from ska_edge.report.printable import printable

ROWS = 12  # lines of the screen for all axes together
TALLEST = 4  # lines of one axis
NAME, VALUE = 12, 12  # columns of the name of an axis, and of its last value
STYLES = ("cyan", "yellow", "magenta", "green", "blue", "red")
# A character of braille is 2 points wide and 4 high; these are the bits of its points, by row.
BRAILLE = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
BLANK = 0x2800
LEVELS = "_.-^"  # for a terminal without Unicode


class LinePlot:
    """A line plot for each axis of `values` (samples, axes), with the newest samples at the right.

    The height of a plot covers the smallest to the largest value shown.
    """

    def __init__(self, names: Sequence[str], values: NDArray[np.float64]) -> None:
        self._names, self._values = names, values

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the screen lines of all plots, as wide as the console."""
        height = max(min(ROWS // max(len(self._names), 1), TALLEST), 1)
        width = max(options.max_width - NAME - VALUE - 2, 4)
        for number, name in enumerate(self._names):
            column = self._values[:, number]
            draw = plain if options.ascii_only else braille
            strip = draw(column, width, 1 if options.ascii_only else height)
            for at, line in enumerate(strip):
                head = printable(name)[:NAME] if at == 0 else ""
                last = f"{column[-1]:g}"[:VALUE] if at == 0 and len(column) else ""
                text = Text(f"{head:<{NAME}} ", no_wrap=True, overflow="crop")
                text.append(line, style=STYLES[number % len(STYLES)])
                yield text.append(f" {last:>{VALUE}}")


def braille(values: NDArray[np.float64], width: int, height: int) -> list[str]:
    """Return a line through the last of the values (n,) in `height` lines of `width` characters."""
    cells = np.full((height, width), BLANK)
    points = _levels(values, 2 * width, 4 * height)
    first = 2 * width - len(points)
    for at, point in enumerate(points):
        low, high = sorted((point, points[max(at - 1, 0)]))
        for level in range(low, high + 1):
            above = 4 * height - 1 - level
            column, side = divmod(first + at, 2)
            cells[above // 4, column] |= BRAILLE[above % 4][side]
    return ["".join(map(chr, line)) for line in cells.tolist()]


def plain(values: NDArray[np.float64], width: int, height: int) -> list[str]:  # noqa: ARG001
    """Return the last of the values (n,) as one line of ASCII characters."""
    levels = _levels(values, width, len(LEVELS))
    return ["".join(LEVELS[level] for level in levels).rjust(width)]


def _levels(values: NDArray[np.float64], count: int, levels: int) -> list[int]:
    """Return the last `count` values as numbers from 0 to `levels` - 1; 0 if all are equal."""
    shown = values[-count:]
    if not len(shown):
        return []
    low, high = float(shown.min()), float(shown.max())
    scaled = (shown - low) / (high - low) if high > low else np.zeros(len(shown))
    found: list[int] = np.rint(scaled * (levels - 1)).astype(int).tolist()
    return found
