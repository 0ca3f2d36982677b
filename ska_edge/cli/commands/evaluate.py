"""`ska-edge eval`: show the accuracy and the confusion of a model on data."""

from __future__ import annotations

from pathlib import Path

import click

from ska_edge.cli.options.data import Reader, data_options
from ska_edge.cli.screen.console import Output, json_option, percent
from ska_edge.model.open import open_model
from ska_edge.plural import counted
from ska_edge.training.accuracy import accuracies
from ska_edge.training.division import parts_of


@click.command("eval", epilog="Example:  ska-edge eval digits.ska digits")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("data")
@click.option("--group", type=int, help="Take only the rows of this group.")
@data_options
@json_option
def evaluate(model: Path, data: str, group: int | None, reader: Reader, as_json: bool) -> None:
    """Show the accuracy of MODEL on DATA in fixed point and in float, and the confusion."""
    out, loaded = Output(as_json), open_model(model)
    dataset = reader.matched(data, loaded, out)
    if group is not None:
        dataset = dataset.of_group(group)
    divided = parts_of(loaded, dataset)
    accuracy = accuracies(loaded, divided)
    out.table(
        f"{model.name} on {dataset.name}",
        ["arithmetic", f"train ({len(divided['train'].y)})", f"test ({len(divided['test'].y)})"],
        [[kind, percent(a["train"]), percent(a["test"])] for kind, a in accuracy.items()],
    )
    if loaded.state.samples:
        out.line(
            f"the model has learned {counted(loaded.state.samples, 'more sample')} on a device;"
            " if these are rows of DATA, this is no test"
        )
    confusion = None
    if loaded.plan.rule_definition.supervised:
        shown = divided["test"] if len(divided["test"].y) else divided["train"]
        confusion = loaded.evaluate(shown).confusion.tolist()
        out.table(
            "confusion (rows: truth, columns: fixed-point decision)",
            ["", *loaded.plan.labels],
            [[name, *row] for name, row in zip(loaded.plan.labels, confusion, strict=True)],
        )
    else:
        out.line(f"the rule {loaded.plan.rule} sees no labels: its outputs represent no classes")
    out.document(
        {
            "accuracy": accuracy,
            "parameters": loaded.plan.parameter_count,
            "digest": loaded.plan.digest,
            "model": str(model),
            "confusion": confusion,
        }
    )
