"""`ska-edge eval`: show the accuracy and the confusion of a model on data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ska_edge.cli.options.complete import PATH
from ska_edge.cli.options.data import Reader, data_options
from ska_edge.cli.options.shared import data_argument
from ska_edge.cli.screen.accuracy import (
    accuracy_document,
    confusion_table,
    part_titles,
    split_line,
)
from ska_edge.cli.screen.console import Output, json_option
from ska_edge.data.dataset import Dataset
from ska_edge.data.split.division import Division
from ska_edge.model.model_file import Model
from ska_edge.model.open import open_model
from ska_edge.network.measures.warning import general_warning
from ska_edge.plural import counted
from ska_edge.report.result_tables import result_table, shown
from ska_edge.training.accuracy import evaluations
from ska_edge.training.preparation.division import lacks_groups, parts_of, unknown_because


@click.command("eval", epilog="Example:  ska-edge eval digits.ska digits")
@click.argument("model", type=PATH)
@data_argument()
@click.option("--group", help="Take only the rows of this group, by its number or name.")
@data_options
@json_option
def evaluate(model: Path, data: str, group: str | None, reader: Reader, as_json: bool) -> None:
    """Show the accuracy of MODEL on DATA in fixed point and in float, and the confusion matrix; for
    a regression, R2 and the mean absolute error.
    """
    out, loaded = Output(as_json), open_model(model)
    dataset = reader.matched(data, loaded, out)
    division = parts_of(loaded, dataset, group)
    rows = dataset if group is None else dataset.of_group(group)
    parts = division.parts if division else {"train": rows.take([]), "test": rows}
    found = evaluations(loaded, parts)
    titles = part_titles(division) if division else {"test": f"rows ({len(rows.y)})"}
    out.show(result_table(f"{model.name} on {dataset.name}", titles, found))
    split_line(division, out)
    warnings = _warnings(loaded, dataset, division)
    if division is None:
        out.line(unknown_because(loaded, dataset))
    for warning in warnings:
        out.warning(warning["text"])
    if loaded.state.samples:
        out.line(
            f"the model has learned {counted(loaded.state.samples, 'more sample')} on a device;"
            " if these are rows of DATA, this is no test"
        )
    one = shown(found)
    if one is not None:
        confusion_table(out, one[1])
    elif not loaded.plan.regression:
        out.line(f"the rule {loaded.plan.rule} sees no labels: its outputs represent no classes")
    out.document(
        {
            **accuracy_document(found),
            "split": division.as_dict() if division else None,
            "held_out": True if division else None,
            "parameters": loaded.plan.parameter_count,
            "digest": loaded.plan.digest,
            "model": str(model),
            "confusion": one[1].confusion.tolist() if one else None,
            "warnings": warnings,
        }
    )


def _warnings(model: Model, dataset: Dataset, division: Division | None) -> list[dict[str, Any]]:
    """Return the warnings of the split; without a split, a warning if groups are missing."""
    if division is not None:
        return [general_warning(sign, text) for sign, text in division.cautions.items()]
    if not lacks_groups(model, dataset):
        return []
    text = (
        "the data of the model were split by groups, but these data have none, so the model's test"
        " rows cannot be found; name the column of the groups with --group-column"
    )
    return [general_warning("no groups", text)]
