"""`ska-edge run`: do the main job, from data to a proven, learning device, in one command."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np

from firmware_gen.board.board import load_board
from ska_edge.cli.commands.build import build_document
from ska_edge.cli.commands.export import export_and_check
from ska_edge.cli.commands.train import (
    report_training,
    train_with_bar,
    training_document,
)
from ska_edge.cli.commands.verify import learn_and_compare, verify_document
from ska_edge.cli.device import started
from ska_edge.cli.options.complete import BOARD, PATH
from ska_edge.cli.options.count import COUNT
from ska_edge.cli.options.data import Reader, data_options
from ska_edge.cli.options.inference import inference_only_option
from ska_edge.cli.options.shared import data_argument, shared_option
from ska_edge.cli.options.training import options_from, training_options
from ska_edge.cli.screen.columns import Explained
from ska_edge.cli.screen.console import Output, json_option
from ska_edge.cli.screen.curve import Curve
from ska_edge.data.dataset import Dataset
from ska_edge.data.several import name_of
from ska_edge.device.link import Link
from ska_edge.errors import InputError, OptionError, ToolError
from ska_edge.files import check_folder
from ska_edge.model.evaluation import Agreement
from ska_edge.model.onnx.export import require_agreement
from ska_edge.plan.resolve import RULE
from ska_edge.rules.rule import RULES

SAMPLES, UNTRAINED_SAMPLES = 300, 1000  # rows for the device, after a training and without one


@click.command(cls=Explained, epilog="Example:  ska-edge run digits --board virtual-m4")
@data_argument()
@shared_option(
    "--board",
    type=BOARD,
    default="virtual-m4",
    show_default=True,
    help="A name, or a folder.",
)
@click.option("-o", "--output", type=PATH, help="Folder [default: run-DATA-BOARD].")
@click.option(
    "--samples",
    type=COUNT,
    help="How many rows the device learns, or only classifies: held-out rows [default: 300]; with"
    " --untrained, training rows [default: 1000].",
)
@inference_only_option
@training_options()
@data_options
@json_option
def run(
    data: str,
    board: str,
    output: Path | None,
    samples: int | None,
    inference_only: bool,
    reader: Reader,
    as_json: bool,
    **values: Any,
) -> None:
    """Train on DATA, export ONNX, generate C, build, flash, let the device learn, verify.

    With --untrained, the device begins with random weights. It learns the training rows and
    answers held-out rows now and then, so you see it learn.
    """
    out, options = Output(as_json), options_from(values)
    target = load_board(board)
    target.check_startable()
    missing = target.available()
    if missing:
        raise ToolError(missing)
    if options.hidden is None and options.start is None:
        options = replace(options, hidden=target.hidden)
    folder = output or Path(f"run-{name_of(data)}-{target.name}")
    if folder.is_file():
        raise InputError(f"{folder} is a file; name a folder with -o")
    check_folder(folder)
    learns = not inference_only
    if options.untrained and inference_only:
        raise OptionError(
            "a device that only classifies keeps its random weights; leave {untrained} or"
            " --inference-only out"
        )
    if learns and RULES[options.rule or RULE].supervised and options.batch not in (None, 1):
        raise InputError("a device learns one sample at a time; leave --batch out")

    trained = train_with_bar(data, reader, out, options)
    model, held_out = trained.model, trained.test
    if not len(held_out.y):
        raise InputError(
            "no row is held out, and `run` compares device and host on held-out rows: hold some out"
            " with --test-fraction"
        )
    folder.mkdir(exist_ok=True)  # created only when there is something to write
    model_file, onnx_file = folder / "model.ska", folder / "model.onnx"
    model.save(model_file)
    report_training(trained, out)
    if trained.log_fault is not None:
        raise trained.log_fault
    agreement = export_and_check(
        model, onnx_file, "integer", held_out.x, out, "test rows", windows=held_out.windows
    )
    require_agreement(agreement, onnx_file, "integer")

    project = folder / "firmware"
    with (
        started(model, board, project, out, inference_only=inference_only) as (port, report),
        Link(port) as link,
    ):
        # The test accuracy is measured already, so the device may now learn the held-out rows.
        rows, curve = held_out, None
        if options.untrained and learns:
            rows = _in_random_order(trained.train, trained.options.seed)
            samples = min(samples or UNTRAINED_SAMPLES, len(rows.y))
            curve = Curve(link, model, held_out, samples)
        first = rows.take(np.arange(len(rows.y))[: samples or SAMPLES])
        proof = learn_and_compare(link, model, first, out, curve=curve)
    out.document(
        {
            **training_document(trained, model_file),
            "board": target.name,
            "onnx": _onnx_document(agreement, onnx_file),
            "build": build_document(report, project),
            "verify": verify_document(proof, model.plan),
            "curve": None if curve is None else curve.document(),
        }
    )
    proof.require_equal()
    out.line(
        f"everything was written to {folder}: {model_file.name}, {onnx_file.name},"
        f" firmware/ (C sources, build/{report.elf.name})"
    )


def _in_random_order(rows: Dataset, seed: int | None) -> Dataset:
    return rows.take(np.random.default_rng(seed).permutation(len(rows.y)))


def _onnx_document(agreement: Agreement, path: Path) -> dict[str, Any]:
    return {"rows": agreement.rows, "mismatches": agreement.mismatches, "output": str(path)}
