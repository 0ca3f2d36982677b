"""Describes charts by their numbers, without drawing them: `figures` draws them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ska_edge.report.table import Table

WIDEST = 30  # classes of the largest confusion matrix that is written out as a table


@dataclass(frozen=True, slots=True)
class Line:
    """A line through points; `None` in `y` is a gap.

    Attributes:
        name: name in the legend.
        x, y: coordinates of the points, of the same length.
        steps: whether a value holds until the next point.
        path: whether the line has a direction, so its start and its end are marked.
        points: whether each point is a measurement with a marker of its own.
    """

    name: str
    x: tuple[float, ...]
    y: tuple[float | None, ...]
    steps: bool = False
    path: bool = False
    points: bool = False


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines in one coordinate system.

    Attributes:
        name: name of the chart, unique in a page; letters, digits and hyphens.
        title: title of the chart.
        note: how to read the chart, one or two sentences.
        x, y: titles of the axes, with units.
        lines: the lines.
        share: whether y is a fraction from 0 to 1, which is shown in percent.
    """

    name: str
    title: str
    note: str
    x: str
    y: str
    lines: tuple[Line, ...]
    share: bool = False

    def table(self) -> Table:
        """Return the points of all lines."""
        rows = [
            [line.name, f"{x:g}", "-" if y is None else f"{y:.4g}"]
            for line in self.lines
            for x, y in zip(line.x, line.y, strict=True)
        ]
        return Table.of("", ["line", self.x, self.y.replace(", %", "")], rows)

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Bars:
    """A horizontal bar for each name; its value is a fraction from 0 to 1, or None."""

    name: str
    title: str
    note: str
    x: str
    bars: Mapping[str, float | None]

    def table(self) -> Table:
        """Return the values of the bars."""
        rows = [[name, "-" if x is None else f"{x:.2%}"] for name, x in self.bars.items()]
        return Table.of("", ["name", self.x.replace(", %", "")], rows)

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {**asdict(self), "bars": dict(self.bars)}


@dataclass(frozen=True, slots=True)
class Matrix:
    """A confusion matrix: `counts[i][j]` rows of class i were decided to be class j."""

    name: str
    title: str
    note: str
    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]

    def table(self) -> Table:
        """Return the counts.

        For a large matrix, return only the confusions that occurred, the most frequent first.
        """
        if len(self.labels) <= WIDEST:
            whole = [[n, *c] for n, c in zip(self.labels, self.counts, strict=True)]
            return Table.of("", ["truth", *self.labels], whole)
        wrong = [
            (count, i, j)
            for i, counts in enumerate(self.counts)
            for j, count in enumerate(counts)
            if i != j and count
        ]
        wrong.sort(key=lambda row: -row[0])
        rows = [[self.labels[i], self.labels[j], count] for count, i, j in wrong]
        return Table.of("", ["truth", "decision", "rows"], rows)

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts of the values of a tensor in bins of the same width, for one state or several.

    Attributes:
        name, title, note: as in `Lines`.
        x: title of the axis of the values.
        edges: limits of the bins, (bins + 1,).
        counts: numbers of values in the bins, (bins,), by the name of the state.
        limits: least and largest value of the tensor's format.
        format: name of the format.
    """

    name: str
    title: str
    note: str
    x: str
    edges: tuple[float, ...]
    counts: Mapping[str, tuple[int, ...]]
    limits: tuple[float, float]
    format: str

    def table(self) -> Table:
        """Return the counts of the bins that are not empty."""
        rows = []
        for place, (left, right) in enumerate(zip(self.edges, self.edges[1:], strict=False)):
            found = [counts[place] for counts in self.counts.values()]
            if any(found):
                rows.append([f"{left:.4g}", f"{right:.4g}", *found])
        return Table.of("", ["from", "to", *self.counts], rows)

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {**asdict(self), "counts": {name: list(c) for name, c in self.counts.items()}}


Chart = Lines | Bars | Matrix | Histogram


def block_means(
    values: NDArray[np.float64], most: int
) -> tuple[tuple[float, ...], tuple[float | None, ...], int]:
    """Divide values (n,) into at most `most` blocks, and return the mean of each block.

    Returns the number, from 1, of the last value of each block; the mean of each block without its
    NaN, or None if all its values are NaN; and the size of the blocks, of which the last may be
    smaller.
    """
    size = max(1, -(-len(values) // most))
    ends, means = list[float](), list[float | None]()
    for first in range(0, len(values), size):
        block = values[first : first + size]
        known = block[~np.isnan(block)]
        ends.append(float(first + len(block)))
        means.append(float(known.mean()) if len(known) else None)
    return tuple(ends), tuple(means), size
