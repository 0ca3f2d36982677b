"""`ska-edge export`: write a model as ONNX, and compare it with the trainer."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from ska_edge.cli.options.complete import DATA, PATH
from ska_edge.cli.options.data import Reader, data_options
from ska_edge.cli.options.paths import check_output
from ska_edge.cli.options.word import Word
from ska_edge.cli.screen.console import Output, json_option
from ska_edge.model.evaluation import Agreement
from ska_edge.model.model_file import Model
from ska_edge.model.onnx.export import (
    FORMS,
    compare,
    is_wrong,
    probe,
    require_agreement,
    save,
)
from ska_edge.model.onnx.export import export as export_model
from ska_edge.model.open import open_model


def export_and_check(
    model: Model,
    path: Path,
    form: str,
    features: NDArray[np.float64],
    out: Output,
    what: str,
    float_input: bool = False,
    windows: NDArray[np.int16] | None = None,
) -> Agreement:
    """Export a model as ONNX, and compare the ONNX with the trainer.

    The ONNX is written and reported unless it is wrong. If a front end has computed the features,
    `windows` has their raw samples.
    """
    exported = export_model(model, form, float_input)
    agreement = compare(exported, model, features, windows)
    if is_wrong(agreement, form):
        return agreement
    save(exported, path)
    same = agreement.rows - agreement.mismatches
    out.line(
        f"wrote {path}: {form} ONNX agrees with the trainer on {same} of {agreement.rows} {what}"
    )
    return agreement


@click.command(epilog="Example:  ska-edge export digits.ska -o digits.onnx --data digits")
@click.argument("model", type=PATH)
@click.option("-o", "--output", type=PATH, required=True)
@click.option("--form", type=Word(FORMS), default="integer", show_default=True)
@click.option(
    "--float-input",
    is_flag=True,
    help="The integer form takes features, float64 in the unit of the training data.",
)
@click.option("--data", type=DATA, help="Compare on these data instead of on random inputs.")
@data_options
@json_option
def export(
    model: Path,
    output: Path,
    form: str,
    float_input: bool,
    data: str | None,
    reader: Reader,
    as_json: bool,
) -> None:
    """Write MODEL as ONNX, and compare it with the trainer in onnxruntime. The integer form
    computes the same bits as a device.
    """
    out, loaded = Output(as_json), open_model(model)
    check_output(output, data, model)
    if data is None:
        features, windows, what = probe(loaded), None, "random rows"
    else:
        dataset = reader.matched(data, loaded, out)
        features, windows, what = dataset.x, dataset.windows, f"rows of {dataset.name}"
    agreement = export_and_check(loaded, output, form, features, out, what, float_input, windows)
    out.document(
        {
            "rows": agreement.rows,
            "mismatches": agreement.mismatches,
            "form": form,
            "digest": loaded.plan.digest,
            "output": None if is_wrong(agreement, form) else str(output),
        }
    )
    require_agreement(agreement, output, form)
