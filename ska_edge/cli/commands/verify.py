"""`ska-edge verify`: let device and host learn the same samples, and compare every integer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import numpy as np

from ska_edge.cli.device import device
from ska_edge.cli.options.complete import PATH
from ska_edge.cli.options.count import COUNT
from ska_edge.cli.options.data import Reader, data_options
from ska_edge.cli.options.key import key_option
from ska_edge.cli.options.port import Line, board_option, line_options, port_option
from ska_edge.cli.options.shared import data_argument
from ska_edge.cli.screen.columns import Explained
from ska_edge.cli.screen.console import Output, json_option
from ska_edge.cli.screen.curve import Curve
from ska_edge.cli.screen.metrics import metrics_table, progress_title
from ska_edge.data.dataset import Dataset
from ska_edge.device.info import Result
from ska_edge.device.link import Link
from ska_edge.device.sample import Truth
from ska_edge.errors import InputError
from ska_edge.model.model_file import Model
from ska_edge.model.open import open_model
from ska_edge.monitor.verify import NONE, Report
from ska_edge.monitor.verify import verify as verify_device
from ska_edge.network.measures.metrics import updated
from ska_edge.network.output import output_distance
from ska_edge.plan.plan import Plan
from ska_edge.plural import counted
from ska_edge.rules.confidence import UNKNOWN


def learn_and_compare(
    link: Link,
    model: Model,
    rows: Dataset,
    out: Output,
    added: Mapping[int, str] = NONE,
    curve: Curve | None = None,
) -> Report:
    """Run the proof on matched rows with a live table, and report the result.

    `added` has the names of new classes, by their labels. `curve` is told each learned sample.
    """
    info = link.hello()
    labels = model.truth(rows)
    if not info.learns:
        return _classify_and_compare(link, model, rows, out)
    out.line(f"{info.board} at {link.port} learns {counted(len(labels), 'sample')}")
    correct, unknown, last = 0, 0, Result(0, 0, 0, ())
    missed = np.zeros(model.plan.classes, dtype=np.int64)
    with out.live() as update:

        def show(number: int, label: Truth, result: Result) -> None:
            nonlocal missed, correct, unknown, last
            if model.plan.regression:
                missed = missed + output_distance(result.decisions, label)
            else:
                correct += result.predicted == label
            unknown += result.predicted == UNKNOWN
            last = result if updated(result.metrics) else last
            title = progress_title(model, number, labels, correct, unknown, missed)
            update(metrics_table(model.plan, title, last), title)
            if curve is not None:
                curve.learned(number)

        def pushed(number: int, windows: int) -> None:
            what = "pixels of image" if _has_images(model.plan) else "raw samples of window"
            line = f"{what} {number} of {windows}"
            update(line, line)

        inputs = model.quantize(rows.x)
        report = verify_device(link, model, inputs, labels, show, added, rows, pushed)
    _say_windows(report, model.plan, out)
    if curve is not None and report.equal:
        curve.show(out)
    if report.first_difference is None and report.steps == 0:
        out.line(
            f"no update was made: the rule collects {model.plan.batch} samples before it learns;"
            " give at least as many"
        )
    elif report.first_difference is None:
        out.line(
            f"device and host are equal: all {report.parameters} parameters after"
            f" {counted(report.samples, 'sample')}, and every decision and metric on the way"
        )
    return report


def _classify_and_compare(link: Link, model: Model, rows: Dataset, out: Output) -> Report:
    labels = model.truth(rows)
    samples = counted(len(labels), "sample")
    out.line(f"{link.info.board} at {link.port} only classifies; it classifies {samples}")
    with out.progress("classifying", "samples") as update:

        def show(number: int, _label: Truth, _result: Result) -> None:
            update(number, len(labels))

        report = verify_device(
            link, model, model.quantize(rows.x), labels, show, raw=rows, on_window=update
        )
    _say_windows(report, model.plan, out)
    if report.first_difference is None:
        out.line(
            f"device and host are equal: the CRC-32 of all {report.parameters} parameters, and"
            f" every decision for {samples}"
            + (f"; {report.correct} right" if _has_classes(model.plan) else "")
        )
    return report


def _say_windows(report: Report, plan: Plan, out: Output) -> None:
    if report.windows:
        window, raw = ("image", "pixels") if _has_images(plan) else ("window", "raw samples")
        out.line(
            f"the device computed {counted(plan.inputs, 'feature')} of"
            f" {counted(report.windows, window)} from {raw}"
        )


def _has_images(plan: Plan) -> bool:
    return plan.front is not None and plan.front.image


def _has_classes(plan: Plan) -> bool:
    return plan.rule_definition.supervised and not plan.regression


def verify_document(report: Report, plan: Plan) -> dict[str, Any]:
    """Return the keys of `verify --json`; without labels, no decision is right or wrong."""
    difference = report.first_difference
    return {
        "samples": report.samples,
        "equal": report.equal,
        "first_difference": None if difference is None else difference.as_dict(),
        "parameters": report.parameters,
        "windows": report.windows,
        "correct": report.correct if _has_classes(plan) else None,
    }


@click.command(
    cls=Explained,
    epilog="Example:  ska-edge verify digits.ska digits --board virtual-m4 --samples 300",
)
@click.argument("model", type=PATH)
@data_argument()
@board_option
@port_option
@line_options
@key_option
@click.option("--samples", type=COUNT, help="How many rows to learn [default: all].")
@data_options
@json_option
def verify(
    model: Path,
    data: str,
    board: str | None,
    port: str | None,
    line: Line,
    key: Path | None,
    samples: int | None,
    reader: Reader,
    as_json: bool,
) -> None:
    """Prove that a device learns what the host learns, from MODEL's weights and rows of DATA.

    The device first returns to its flashed weights. If MODEL has a front end, the device computes
    the features of all windows or images of DATA before it learns. If an integer differs, the exit
    code is 1, and the error names the first difference. For a firmware that only classifies, the
    decisions are compared.
    """
    out, loaded = Output(as_json), open_model(model)
    added, dataset = reader.grown(data, loaded, out)
    if samples is not None and samples > len(dataset.y):
        raise InputError(
            f"--samples is {samples}, but {dataset.name} has {counted(len(dataset.y), 'row')}"
        )
    rows = dataset.take(np.arange(len(dataset.y))[:samples])
    with device(loaded, board, port, line, out, key) as link:
        report = learn_and_compare(link, loaded, rows, out, added)
    out.document(verify_document(report, loaded.plan))
    report.require_equal()
