"""`ska-edge eval`: show the accuracy and the confusion of a model on data."""

from __future__ import annotations

from pathlib import Path

import click

from ska_edge.cli.options.complete import DATA
from ska_edge.cli.options.data import Reader, data_options
from ska_edge.cli.screen.accuracy import (
    accuracy_document,
    accuracy_table,
    confusion_table,
    shown,
    split_line,
)
from ska_edge.cli.screen.console import Output, json_option
from ska_edge.model.open import open_model
from ska_edge.plural import counted
from ska_edge.training.accuracy import evaluations
from ska_edge.training.division import parts_of


@click.command("eval", epilog="Example:  ska-edge eval digits.ska digits")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("data", type=DATA)
@click.option("--group", help="Take only the rows of this group, by its number or name.")
@data_options
@json_option
def evaluate(model: Path, data: str, group: str | None, reader: Reader, as_json: bool) -> None:
    """Show the accuracy of MODEL on DATA in fixed point and in float, and the confusion."""
    out, loaded = Output(as_json), open_model(model)
    dataset = reader.matched(data, loaded, out)
    if group is not None:
        dataset = dataset.of_group(group)
    division = parts_of(loaded, dataset)
    parts = division.parts if division else {"train": dataset.take([]), "test": dataset}
    found = evaluations(loaded, parts)
    sizes = {part: len(rows.y) for part, rows in parts.items()}
    accuracy_table(out, f"{model.name} on {dataset.name}", sizes, found)
    split_line(division, out)
    if loaded.state.samples:
        out.line(
            f"the model has learned {counted(loaded.state.samples, 'more sample')} on a device;"
            " if these are rows of DATA, this is no test"
        )
    one = shown(found)
    if one is not None:
        confusion_table(out, one[1])
    else:
        out.line(f"the rule {loaded.plan.rule} sees no labels: its outputs represent no classes")
    out.document(
        {
            **accuracy_document(found),
            "split": division.as_dict() if division else None,
            "parameters": loaded.plan.parameter_count,
            "digest": loaded.plan.digest,
            "model": str(model),
            "confusion": one[1].confusion.tolist() if one else None,
        }
    )
