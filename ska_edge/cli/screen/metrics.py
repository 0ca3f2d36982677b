"""Shows the metrics and the progress of a device that learns."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table
from rich.text import Text

from ska_edge.cli.screen.columns import LAYERS, METRICS
from ska_edge.device.info import Result
from ska_edge.model.model_file import Model
from ska_edge.network.measures.metrics import layer_metrics
from ska_edge.plan.plan import Plan
from ska_edge.plural import counted, listed
from ska_edge.report.printable import printable


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
