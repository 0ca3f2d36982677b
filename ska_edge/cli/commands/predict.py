"""`ska-edge predict`: classify rows, or predict their targets, on the host or on a device."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from ska_edge.api.device import Device
from ska_edge.cli.device import device
from ska_edge.cli.options.complete import PATH
from ska_edge.cli.options.data import Reader, data_options
from ska_edge.cli.options.paths import check_output
from ska_edge.cli.options.port import Line, board_option, line_options, port_option
from ska_edge.cli.options.shared import data_argument
from ska_edge.cli.screen.console import Output, json_option
from ska_edge.data.load import reads_windows
from ska_edge.data.rows import Rows
from ska_edge.device.info import DeviceInfo
from ska_edge.files import write_file
from ska_edge.model.model_file import Model
from ska_edge.model.open import open_model
from ska_edge.model.regression import Fit
from ska_edge.monitor.teach import as_known
from ska_edge.network.measures.warning import general_warning
from ska_edge.plural import counted, listed
from ska_edge.rules.confidence import UNKNOWN, UNKNOWN_NAME, confidences


@click.command(epilog="Example:  ska-edge predict digits.ska unlabeled.csv -o classes.csv")
@click.argument("model", type=PATH)
@data_argument()
@board_option
@port_option
@line_options
@click.option("-o", "--output", type=PATH, help="CSV to write [default: stdout].")
@data_options
@json_option
def predict(
    model: Path,
    data: str,
    board: str | None,
    port: str | None,
    line: Line,
    output: Path | None,
    reader: Reader,
    as_json: bool,
) -> None:
    """Classify every row of DATA with MODEL, and print CSV: row, class, confidence. For a
    regression, print row and the value of each target.

    If DATA have labels, the output has them in a column "truth"; targets have a column each, such
    as "truth power". A CSV file without labels has the columns of the training data except the
    label column. Rows count from 0. The confidence, 0 to 1, is the difference of the two largest
    decisions. A row whose confidence is below the limit of the model (`train --reject`) is
    "unknown".

    With --port or --board, the device classifies with its present weights and classes. No weight
    changes.
    """
    out, loaded = Output(as_json, data=output is None), open_model(model)
    loaded.require_labels()
    if output is not None:
        recorded = reads_windows(data, loaded.takes)
        check_output(output, data, model, recorded=recorded)
    rows = reader.rows(data, loaded, out)
    where = None
    if board is None and port is None:
        decisions = loaded.decisions(rows.x)
    else:
        loaded, decisions, where = _on_device(loaded, rows, board, port, line, out)
    lines = _lines(loaded, rows, decisions)
    fit = None
    if loaded.plan.regression and rows.targets is not None:
        fit = Fit.of(loaded.plan.labels, rows.targets, loaded.values_of(decisions))
    accuracy = _accuracy(loaded, lines)
    if output is not None:
        write_file(output, _csv(lines).encode())
        out.line(f"wrote {output}: {counted(len(lines), 'row')}")
    elif not as_json:
        out.lines(_csv(lines))
    unknown = _unknown(loaded, lines)
    if unknown:
        out.warning(unknown)
    rejected = sum(line.get("class") == UNKNOWN_NAME for line in lines)
    if loaded.plan.least_confidence:
        out.note(
            f"{rejected} of {counted(len(lines), 'row')} unknown: their confidence is below"
            f" {loaded.least_confidence:.4f}"
        )
    if accuracy is not None:
        right, labeled = accuracy
        out.note(f"{right} of {counted(labeled, 'labeled row')} right ({right / labeled:.2%})")
    for label, error in (fit.mae if fit else {}).items():
        out.note(f"mean absolute error of {label}: {error:.4g} in {counted(len(lines), 'row')}")
    if as_json:
        out.document(
            {
                "rows": len(lines),
                "unknown": rejected if loaded.plan.least_confidence else None,
                **_measured(loaded, accuracy, fit),
                "digest": loaded.plan.digest,
                "model": str(model),
                "port": where,
                "output": None if output is None else str(output),
                "warnings": [general_warning("unknown labels", unknown)] if unknown else [],
                "predictions": lines,
            }
        )


def _on_device(
    model: Model, rows: Rows, board: str | None, port: str | None, line: Line, out: Output
) -> tuple[Model, NDArray[np.int64], str]:
    """Return the model with the classes of the device, the device's decisions, and its port."""
    with device(model, board, port, line, out) as link:
        found = Device(link, model)
        info, known = found.info(), as_known(link, model)
        out.note(
            f"{info.board} at {link.port} {_history(info)}, and classifies"
            f" {counted(len(rows.x), 'row')}"
        )
        with out.progress("classifying", "rows") as update:
            return known, found.infer(rows.x, update), link.port


def _history(info: DeviceInfo) -> str:
    return f"has learned {counted(info.samples, 'sample')}" if info.learns else "never learns"


def _lines(model: Model, rows: Rows, decisions: NDArray[np.int64]) -> list[dict[str, Any]]:
    if model.plan.regression:
        return _value_lines(model, rows, decisions)
    plan, labels, lines = model.plan, model.labels, []
    indices = model.classified(decisions).tolist()
    confident = plan.formats.decision.dequantize(confidences(decisions)).tolist()
    for row, (index, confidence) in enumerate(zip(indices, confident, strict=True)):
        line = {
            "row": row,
            "class": UNKNOWN_NAME if index == UNKNOWN else labels[index],
            "confidence": round(confidence, 4),
        }
        if rows.truth is not None:
            line["truth"] = rows.truth[row]
        lines.append(line)
    return lines


def _value_lines(model: Model, rows: Rows, decisions: NDArray[np.int64]) -> list[dict[str, Any]]:
    names, lines = model.plan.labels, []
    places = [_decimals(step) for step in model.resolutions().tolist()]
    for row, values in enumerate(model.values_of(decisions).tolist()):
        line = {"row": row}
        for name, value, place in zip(names, values, places, strict=True):
            line[name] = round(value, place)
        if rows.targets is not None:
            truth = rows.targets[row].tolist()
            line |= {f"truth {name}": v for name, v in zip(names, truth, strict=True)}
        lines.append(line)
    return lines


def _decimals(step: float) -> int:
    """Return how many decimals distinguish values that differ by `step`, perhaps below 0."""
    return math.floor(-math.log10(step)) + 1


def _measured(model: Model, accuracy: tuple[int, int] | None, fit: Fit | None) -> dict[str, Any]:
    if model.plan.regression:
        return {"r2": fit and fit.r2, "mae": fit and fit.mae}
    return {"accuracy": None if accuracy is None else accuracy[0] / accuracy[1]}


def _accuracy(model: Model, lines: list[dict[str, Any]]) -> tuple[int, int] | None:
    """Return the numbers of correct rows and of labeled rows; None if no row has a label.

    "unknown" is correct for a label that is not a class of the model.
    """
    labeled = [line for line in lines if line.get("truth")]
    if not labeled:
        return None
    correct = [
        line["class"] == (line["truth"] if line["truth"] in model.labels else UNKNOWN_NAME)
        for line in labeled
    ]
    return sum(correct), len(labeled)


def _unknown(model: Model, lines: list[dict[str, Any]]) -> str:
    """Return a sentence about labels that are not classes of the model; "" without any."""
    if model.plan.regression:
        return ""
    known = set(model.labels)
    found = [label for line in lines if (label := line.get("truth")) and label not in known]
    if not found:
        return ""
    return (
        f"{counted(len(found), 'row')} with labels that the model does not know"
        f" ({listed(sorted(set(found)))}); they count as wrong"
        + (" unless they are unknown" if model.plan.least_confidence else "")
    )


def _csv(lines: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(lines[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()
