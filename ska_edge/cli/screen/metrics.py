"""Shows the metrics and the progress of a device that learns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from rich.table import Table
from rich.text import Text

from ska_edge.cli.screen.columns import LAYERS, METRICS
from ska_edge.cli.screen.printable import printable
from ska_edge.device.info import Result
from ska_edge.model.model_file import Model
from ska_edge.network.metrics import layer_metrics
from ska_edge.plan.plan import Plan
from ska_edge.plural import counted


def metrics_table(plan: Plan, title: str, result: Result) -> Table:
    """Return a table with the metrics of one step, one row per layer."""
    table = Table(title=Text(printable(title)), title_justify="left", title_style="bold")
    for number, column in enumerate(LAYERS):
        table.add_column(column.title, justify="right" if number else "left")
    for index, sums in enumerate(result.metrics):
        found = layer_metrics(plan, index, sums)
        table.add_row(
            f"{index} ({plan.layers[index].outputs})", *(column.text(found) for column in METRICS)
        )
    return table


def progress_title(
    model: Model, count: int, labels: NDArray[np.int64], correct: int, unknown: int
) -> str:
    """Return the progress as text, with the number of correct rows if the outputs are classes.

    `labels` are those of all rows; they are empty for a device that learns by itself. `unknown` is
    the number of rows that the device gave no class.
    """
    title = f"{count}/{counted(len(labels), 'sample')}" if len(labels) else counted(count, "sample")
    if model.plan.rule_definition.supervised:
        title += f", {correct} right before learning them"
    if model.plan.least_confidence:
        title += f", {unknown} unknown"
    return title
