"""Shows the metrics and the progress of a device that learns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from ska_edge.cli.screen.columns import LAYER, LAYERS, METRICS
from ska_edge.cli.screen.console import UNLIMITED
from ska_edge.device.info import Result
from ska_edge.model.model_file import Model
from ska_edge.network.measures.metrics import LayerMetrics, layer_metrics
from ska_edge.plan.plan import Plan
from ska_edge.plural import counted, listed
from ska_edge.report.printable import printable

BESIDE = 3  # layers that fit side by side in 46 columns


@dataclass(frozen=True, slots=True)
class MetricsTable:
    """The metrics of one step, as a table that fits the screen.

    Attributes:
        wide: the table with one row per layer.
        narrow: the table with one column per layer, for a screen on which the other is too wide.
    """

    wide: Table
    narrow: RenderableType

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the table that fits."""
        unlimited = options.update(width=UNLIMITED)
        fits = console.measure(self.wide, options=unlimited).maximum <= options.max_width
        yield self.wide if fits else self.narrow


def metrics_table(plan: Plan, title: str, result: Result) -> MetricsTable:
    """Return a table with the metrics of one step, one row per layer if that fits."""
    text = Text(printable(title), style="bold")
    wide = Table(title=text, title_justify="left")
    for number, column in enumerate(LAYERS):
        wide.add_column(column.title, justify="right" if number else "left", no_wrap=True)
    found = [layer_metrics(plan, index, sums) for index, sums in enumerate(result.metrics)]
    for index, metrics in enumerate(found):
        cells = (column.text(metrics) for column in METRICS)
        wide.add_row(f"{index} ({plan.layers[index].outputs})", *cells)
    narrow = layers_beside(plan, found)
    return MetricsTable(wide, Group(text, narrow) if title else narrow)


def layers_beside(plan: Plan, found: Sequence[LayerMetrics]) -> RenderableType:
    """Return the metrics of layers, one column per layer, in several tables if there are many."""
    tables = []
    for first in range(0, len(found), BESIDE):
        part = range(first, min(first + BESIDE, len(found)))
        table = Table(box=None, padding=(0, 1, 0, 0))
        table.add_column(LAYER.title, no_wrap=True)
        for index in part:
            head = f"{index} ({plan.layers[index].outputs})"
            table.add_column(head, justify="right", no_wrap=True)
        for metric in METRICS:
            table.add_row(metric.title, *(metric.text(found[index]) for index in part))
        tables.append(table)
    return Group(*tables)


def progress_title(
    model: Model,
    count: int,
    labels: NDArray[np.int64],
    correct: int,
    unknown: int,
    missed: NDArray[np.int64],
) -> str:
    """Return the progress as text, with the number of correct rows if the outputs are classes.

    `labels` are those of all rows; they are empty for a device that learns by itself. `unknown` is
    the number of rows that the device gave no class. For a regression, the text has the mean
    absolute error; `missed` is the sum of |target - value| of each target.
    """
    title = f"{count}/{counted(len(labels), 'sample')}" if len(labels) else counted(count, "sample")
    if model.plan.regression:
        return f"{title}, {_mean_errors(model, missed, count)}"
    if model.plan.rule_definition.supervised:
        title += f", {correct} right before learning them"
    if model.plan.least_confidence:
        title += f", {unknown} unknown"
    return title


def mae_document(model: Model, missed: NDArray[np.int64], count: int) -> dict[str, Any]:
    """Return the key "mae" of a regression, the mean absolute error of each target by name.

    `missed` is the sum of |target - value| of each target in `count` rows. {} for classes.
    """
    if model.units is None or model.plan.output is None:
        return {}
    means = model.plan.output.dequantize(missed) * model.units.scale / max(count, 1)
    return {"mae": dict(zip(model.plan.labels, means.tolist(), strict=True))}


def _mean_errors(model: Model, missed: NDArray[np.int64], count: int) -> str:
    found = mae_document(model, missed, count)["mae"]
    named = (f"{name} {error:.4g}" for name, error in found.items())
    return f"mean absolute error before learning: {listed(list(named))}"
