"""`ska-edge check-onnx`: show what a device can run of another program's ONNX file; import it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ska_edge.cli.options.complete import PATH
from ska_edge.cli.options.data import Reader, data_options
from ska_edge.cli.options.paths import check_output
from ska_edge.cli.options.shared import data_argument
from ska_edge.cli.options.training import options_from, training_options
from ska_edge.cli.screen.console import Output, json_option
from ska_edge.errors import InputError, OptionError
from ska_edge.model.foreign.network import ForeignNetwork
from ska_edge.model.foreign.signal import LOGITS, RELU, SIGMOID, SOFTMAX, TANH
from ska_edge.model.open import open_start
from ska_edge.report.table import percent
from ska_edge.training.options import Options
from ska_edge.training.preparation.foreign import Comparison, Import, import_network

LEARNING = (
    "rule",
    "rate",
    "hidden_halvings",
    "margin",
    "normalized_step",
    "running_normalization",
    "precision",
    "batch",
    "seed",
    "scale",
    "stored",
    "relearned",
    "readout_only",
)
HIDDEN = {
    SIGMOID: "equal; the next layer's weights are halved",
    TANH: "equal; its weights and biases are doubled",
    RELU: "equal",
}
OUTPUT = {
    SIGMOID: "equal",
    SOFTMAX: "same class, close probabilities",
    LOGITS: "same class; taken as the inputs of a softmax",
}


def _described(network: ForeignNetwork) -> list[dict[str, Any]]:
    layers = [*network.hidden, network.output]
    names = [*(f"hidden {at}" for at, _ in enumerate(network.hidden, 1)), "output"]
    return [
        {
            "layer": name,
            "weights": list(layer.weight.shape),
            "activation": layer.activation,
            "device": (OUTPUT if layer is network.output else HIDDEN)[layer.activation],
        }
        for name, layer in zip(names, layers, strict=True)
    ]


def _report(network: ForeignNetwork, out: Output) -> None:
    sizes = "-".join(map(str, (network.inputs, *network.widths, network.classes)))
    out.table(
        f"{network.path}, by {network.producer}: {sizes}",
        ["layer", "weights", "activation", "on a device"],
        [
            [
                each["layer"],
                " x ".join(map(str, each["weights"])),
                each["activation"],
                each["device"],
            ]
            for each in _described(network)
        ],
    )
    out.line(f"operators, folded into these layers: {', '.join(network.operators)}")
    out.line(
        "classes: " + (", ".join(network.labels) if network.labels else "numbered from 0, no names")
    )
    if network.features is not None:
        out.line(f"features: {', '.join(network.features)}")


def _report_rows(found: Comparison, name: str, out: Output) -> None:
    titles = {"file": "the file, in onnxruntime", "float": "float", "fixed": "fixed"}
    out.table(
        f"{found.rows} rows of {name}",
        ["arithmetic", "accuracy", "same class as the file"],
        [
            [titles[kind], percent(fraction), f"{found.same[kind]} of {found.rows}"]
            for kind, fraction in found.accuracy.items()
        ],
    )


def network_in(path: Path) -> ForeignNetwork:
    """Read a network; raise InputError for a file of ska-edge, which needs no import."""
    found = open_start(path, "an ONNX file")
    if not isinstance(found, ForeignNetwork):
        raise InputError(
            f"{path} is a model of ska-edge already: `ska-edge eval {path} DATA` shows its accuracy"
        )
    return found


def imported_with_notes(
    network: ForeignNetwork, data: str, options: Options, reader: Reader, out: Output
) -> Import:
    """Import a network, calibrated on data; print how the data are read."""
    made = import_network(network, reader.dataset(data), options)
    for remark in made.dataset.remarks:
        out.note(remark)
    return made


@click.command("check-onnx", epilog="Example:  ska-edge check-onnx mlp.onnx iris -o mlp.ska")
@click.argument("file", type=PATH)
@data_argument(required=False)
@click.option("-o", "--output", type=PATH, help="Model to write; needs DATA.")
@training_options(LEARNING)
@data_options
@json_option
def check_onnx(
    file: Path,
    data: str | None,
    output: Path | None,
    reader: Reader,
    as_json: bool,
    **values: Any,
) -> None:
    """Say what a device can run of FILE, an ONNX file of another program.

    DATA are rows like those that the network was trained on. With DATA, the command chooses the
    number formats, and compares the accuracy in float and in fixed point with that of the file
    itself. The options of learning are for the model that -o writes.
    """
    out = Output(as_json)
    if output is not None:
        if data is None:
            raise OptionError("number formats are chosen from data; name DATA beside {output}")
        check_output(output, data, file)
    network = network_in(file)
    document: dict[str, Any] = {
        "file": str(file),
        "producer": network.producer,
        "inputs": network.inputs,
        "features": network.features,
        "classes": network.classes,
        "labels": network.labels,
        "layers": _described(network),
        "operators": network.operators,
        "model": None if output is None else str(output),
        "rows": None,
        "accuracy": None,
        "same": None,
    }
    if data is None:
        _report(network, out)
        out.document(document)
        return
    made = imported_with_notes(network, data, options_from({**values, "start": file}), reader, out)
    found = made.compare(network)
    if output is not None:
        made.model.save(output)
    _report(network, out)
    _report_rows(found, made.dataset.name, out)
    if output is not None:
        plan = made.model.plan
        out.line(f"{plan.parameter_count} parameters, plan {plan.digest}, wrote {output}")
    out.document({**document, "rows": found.rows, "accuracy": found.accuracy, "same": found.same})
