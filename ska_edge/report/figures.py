"""Draws charts as SVG with matplotlib, which is imported only when a chart is drawn.

The same chart gives the same bytes. The colors are those of Okabe and Ito, which color-blind people
can tell apart. Lines also differ in their dashes, for prints without colors.
"""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from ska_edge.extras import package
from ska_edge.report.chart import Bars, Chart, Histogram, Line, Lines, Matrix
from ska_edge.report.printable import printable
from ska_edge.report.table import short_names

EXTRA = "report"
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1.5, 1)), (0, (6, 1.5, 1.5, 1.5)))
MARKERS = "DsPXv^"
WIDTH, HEIGHT = 4.8, 2.9  # inches; small, so that the text can be read on a phone
WIDEST = 9.0  # inches
NAME = 14  # most characters of a name at an axis
NUMBERED = 30  # classes of the largest matrix whose cells have numbers
TICKS = 60  # most names at an axis
STYLE = {
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.xmargin": 0.02,
    "font.size": 9.0,
    "font.family": "sans-serif",
    "grid.alpha": 0.6,
    "grid.linewidth": 0.4,
    "legend.fontsize": 8.0,
    "legend.frameon": False,
    "lines.linewidth": 1.4,
    "svg.fonttype": "none",  # the browser draws the text, with the letters of any language
    "svg.hashsalt": "ska-edge",  # without it, the ids in the SVG are random
}


def require_figures() -> None:
    """Raise ToolError if matplotlib is missing."""
    package("matplotlib.figure", EXTRA, "a report")


def draw(chart: Chart) -> bytes:
    """Draw a chart as SVG, without a title; raise ToolError if matplotlib is missing."""
    matplotlib: Any = package("matplotlib", EXTRA, "a report")
    picture = io.BytesIO()
    with matplotlib.rc_context(), warnings.catch_warnings():
        # The browser has more letters than the font with which matplotlib measures the text.
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        figure = _figure(chart)
        figure.savefig(picture, format="svg", metadata={"Date": None, "Creator": None})
    return picture.getvalue()


def _figure(chart: Chart) -> Any:
    if isinstance(chart, Lines):
        return _lines(chart)
    if isinstance(chart, Bars):
        return _bars(chart)
    if isinstance(chart, Matrix):
        return _matrix(chart)
    return _histogram(chart)


def _axes(width: float, height: float) -> tuple[Any, Any]:
    module: Any = package("matplotlib.figure", EXTRA, "a report")
    figure = module.Figure(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


def _names(labels: Sequence[str]) -> list[str]:
    return short_names([printable(label) for label in labels], NAME)


def _legend(figure: Any, names: Sequence[str]) -> None:
    """Add a legend above the axes, in rows that are not wider than the figure."""
    columns = max(1, min(3, 54 // (max(map(len, names)) + 8)))
    legend = figure.legend(loc="outside upper left", ncols=columns, handlelength=2.6)
    for text in legend.get_texts():
        text.set_parse_math(False)  # a name may have dollar signs


def _lines(chart: Lines) -> Any:
    rows = math.ceil(len(chart.lines) / 2)
    figure, axes = _axes(WIDTH, HEIGHT + 0.14 * rows)
    factor = 100.0 if chart.share else 1.0
    for place, line in enumerate(chart.lines):
        _line(axes, line, place, factor)
    if chart.share:
        known = [each for line in chart.lines for each in line.y if each is not None]
        axes.set_ylim(_least_percent(min(known, default=0.0)), 102)
    elif len(chart.lines) > 0 and not any(line.path for line in chart.lines):
        axes.axhline(0, color="#888888", linewidth=0.6, zorder=0)
    axes.set_xlabel(chart.x)
    axes.set_ylabel(chart.y)
    if len(chart.lines) > 1:
        _legend(figure, [line.name for line in chart.lines])
    return figure


def _least_percent(least: float) -> float:
    """Return where an axis of percent begins: at 0, or below `least` if this is near 100 %."""
    return -2 if least < 0.6 else 10 * math.floor(10 * least - 1)


def _line(axes: Any, line: Line, place: int, factor: float) -> None:
    color = COLORS[place % len(COLORS)]
    x = np.array(line.x)
    y = np.array([math.nan if each is None else each for each in line.y]) * factor
    name = printable(line.name)
    # matplotlib leaves a line out of the legend if its name starts with an underscore.
    style: dict[str, Any] = {"color": color, "label": f" {name}" if name[:1] == "_" else name}
    if line.points or len(x) == 1:
        marker = MARKERS[place % len(MARKERS)]
        axes.plot(x, y, linestyle=":", marker=marker, markersize=5, **style)
        return
    dashes = DASHES[place % len(DASHES)]
    if line.steps:
        axes.step(x, y, where="post", linestyle=dashes, **style)
        return
    axes.plot(x, y, linestyle=dashes, marker="." if line.path else "", **style)
    if line.path:
        axes.plot(x[:1], y[:1], "o", color=color, markersize=6, markerfacecolor="white")
        axes.plot(x[-1:], y[-1:], "s", color=color, markersize=6)


def _bars(chart: Bars) -> Any:
    names = _names(list(chart.bars))
    figure, axes = _axes(WIDTH, 0.75 + 0.2 * len(names))
    values = [math.nan if each is None else 100 * each for each in chart.bars.values()]
    places = range(len(names))
    axes.barh(places, np.nan_to_num(values), color=COLORS[0], height=0.72)
    for place, value in zip(places, values, strict=True):
        text = "no rows" if math.isnan(value) else f"{value:.1f}"
        axes.text(np.nan_to_num(value) + 1, place, text, va="center", fontsize=8)
    axes.set_yticks(places, names, fontsize=8, parse_math=False)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlim(0, 112)
    axes.set_xticks(range(0, 101, 20))
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(chart.x)
    return figure


def _matrix(chart: Matrix) -> Any:
    names, counts = _names(chart.labels), np.array(chart.counts)
    size = len(names)
    side = min(max(WIDTH, 1.3 + 0.3 * size), WIDEST)
    figure, axes = _axes(side, side * 0.95)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    every = max(1, math.ceil(size / TICKS))
    ticks, shown, small = range(0, size, every), names[::every], 8 if size <= 16 else 7
    long = max(map(len, names)) > 3
    axes.set_xticks(ticks, shown, rotation=90 if long else 0, fontsize=small, parse_math=False)
    axes.set_yticks(ticks, shown, fontsize=small, parse_math=False)
    if size <= NUMBERED:
        for row, column in np.argwhere(counts).tolist():
            color = "white" if shares[row, column] > 0.55 else "black"
            text, center = str(counts[row, column]), {"ha": "center", "va": "center"}
            axes.text(column, row, text, color=color, fontsize=small, **center)
    axes.grid(visible=False)
    axes.spines[["right", "top"]].set_visible(True)
    axes.set_xlabel("decision in fixed point")
    axes.set_ylabel("class of the row")
    return figure


def _histogram(chart: Histogram) -> Any:
    figure, axes = _axes(WIDTH, 2.3 + 0.14 * (len(chart.counts) > 1))
    for place, (name, counts) in enumerate(chart.counts.items()):
        last = place == len(chart.counts) - 1
        style: dict[str, Any] = {"color": COLORS[place], "label": name}
        if last:
            axes.stairs(counts, chart.edges, fill=True, alpha=0.55, **style)
        else:
            axes.stairs(counts, chart.edges, linewidth=1.4, **style)
    for limit in chart.limits:
        axes.axvline(limit, color=COLORS[1], linestyle=(0, (5, 1.5)), linewidth=1.2)
    least, most = chart.limits
    margin = 0.04 * (most - least)
    axes.set_xlim(least - margin, most + margin)
    axes.set_yscale("symlog", linthresh=1)
    axes.set_ylim(0)
    axes.set_xlabel(f"{chart.x}; dashed: the ends of {chart.format}")
    axes.set_ylabel("number of weights")
    if len(chart.counts) > 1:
        _legend(figure, list(chart.counts))
    return figure
