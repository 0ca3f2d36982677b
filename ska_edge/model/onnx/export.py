"""Exports models as ONNX for inference, in an exact integer form or in a float form.

The integer form also contains the plan and the whole state; `onnx/read.py` restores the model from
them.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from ska_edge.arithmetic.fixedpoint import Fixed, QFormat, dot
from ska_edge.errors import CheckError, InputError, OptionError
from ska_edge.files import write_file
from ska_edge.frontend.front import SAMPLE, Front
from ska_edge.frontend.frontends import features_of
from ska_edge.model.evaluation import Agreement
from ska_edge.model.onnx.input import (
    FEATURES,
    INTEGERS,
    WINDOWS,
    incoming,
    input_entries,
    input_kind,
    input_shape,
    input_words,
    taken,
)
from ska_edge.model.onnx.onnx_ops import IR_VERSION, OPSET, OnnxOps
from ska_edge.model.scaling import Scaling
from ska_edge.network.measures.range_tracker import Range
from ska_edge.network.running import real_averages
from ska_edge.network.state import State
from ska_edge.network.trainer import FixedTrainer
from ska_edge.plan.plan import Plan
from ska_edge.rules import neuron
from ska_edge.rules.confidence import UNKNOWN, classified, confidences
from ska_edge.spelling import did_you_mean

FORMS = ("integer", "float")
VALUES = "values"  # the output of a regression
CLOSE = 0.1  # allowed error of the float form's values, in units of two standard deviations
PREFIX = "ska_edge."  # prefix of every key in the metadata
CONTENT = f"{PREFIX}content"


class Exportable(Protocol):
    """What an export needs of a model; `model_file.Model` has it."""

    plan: Plan
    state: State
    scaling: Scaling
    ranges: list[Range]
    units: Scaling | None
    notes: dict[str, Any]

    @property
    def features(self) -> tuple[str, ...] | None:
        """The names of the inputs, (inputs,), if they are known."""

    def quantize(self, features: NDArray[np.float64]) -> NDArray[np.int64]:
        """Convert features (n, d) to the integers of the plan's input."""


def export(model: Exportable, form: str, float_input: bool = False) -> onnx.ModelProto:
    """Export the model as ONNX.

    Args:
        form: "integer": input int8 or int16 (n, d), or with a front end, raw samples of windows,
            int16 (n, length, axes); outputs `decisions` int32 (n, classes) in
            Q0.15 and `label` int64 (n,), with the same bits as the trainer and the device. If the
            plan has a least confidence, a row with a smaller confidence has the label `UNKNOWN`,
            and there is a third output, `confidence` int32 (n,) in Q0.15. The metadata contain the
            plan and the state, including the samples of a replay buffer.
            "float": the same network with dequantized weights, float32 features and decisions; the
            decisions are close to those of the integers, but not equal.
            A regression has one output in place of these: `values` (n, targets), in the integer
            form int32 in the plan's `output` format, and in the float form in the unit of the data.
        float_input: the integer form takes features, float64 (n, d) in the unit of the training
            data, and quantizes them in the graph, with the same bits.

    Raises InputError for an unknown form, for `float_input` with another form than "integer", and
    for a sum that is too wide for ONNX.
    """
    if form not in FORMS:
        raise InputError(
            f"no form {form!r}{did_you_mean(form, FORMS)}; there are {', '.join(FORMS)}"
        )
    if float_input and form != "integer":
        raise OptionError(
            "the form {given} takes features anyway; leave {float_input} out", given=form
        )
    return exported_as(
        model, form, FEATURES if form != "integer" else taken(model.plan, float_input)
    )


def exported_as(model: Exportable, form: str, takes: str) -> onnx.ModelProto:
    """Export the model in a form; `takes` is one of the kinds of input of `onnx/input.py`."""
    graph = _integer_graph(model, takes) if form == "integer" else _float_graph(model)
    graph.input[0].doc_string = input_words(model.plan, takes)
    exported = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET)],
        producer_name="ska-edge",
    )
    exported.ir_version = IR_VERSION
    for key, value in _metadata(model, form, takes).items():
        entry = exported.metadata_props.add()
        entry.key, entry.value = key, value
    onnx.checker.check_model(exported, full_check=True)
    return exported


def _metadata(model: Exportable, form: str, takes: str) -> dict[str, str]:
    plan, scaling = model.plan, model.scaling
    entries = {
        "form": form,
        "digest": plan.digest,
        "labels": json.dumps(model.state.labels),
        "weight_formats": " ".join(layer.matrix.weight.name for layer in plan.layers),
        **input_entries(plan, scaling, model.features, takes),
    }
    if model.units is not None and plan.output is not None:
        entries["output_format"] = plan.output.name
        entries["target_mean"] = " ".join(map(repr, model.units.mean.tolist()))
        entries["target_scale"] = " ".join(map(repr, model.units.scale.tolist()))
    if form == "integer":
        entries["input_limit"] = repr(float(scaling.limit))
        entries["plan"] = json.dumps(plan.to_json(), sort_keys=True)
        entries["state"] = base64.b64encode(model.state.to_bytes()).decode("ascii")
        entries["step"] = str(model.state.step)
        entries["ranges"] = json.dumps([found.as_dict() for found in model.ranges])
        entries["notes"] = json.dumps(model.notes, sort_keys=True)
    metadata = {f"{PREFIX}{key}": value for key, value in entries.items()}
    return {**metadata, CONTENT: content_digest(metadata)}


def content_digest(metadata: Mapping[str, str]) -> str:
    """Return the SHA-256 of all metadata of ska-edge except the entry for this SHA-256."""
    ours = {k: v for k, v in metadata.items() if k.startswith(PREFIX) and k != CONTENT}
    return hashlib.sha256(json.dumps(ours, sort_keys=True).encode()).hexdigest()


def _integer_graph(model: Exportable, takes: str) -> onnx.GraphProto:
    ops, plan, state = OnnxOps(), model.plan, model.state
    integers = incoming(ops, plan, model.scaling, takes)
    signal = Fixed.of(ops, integers, plan.layers[0].input)
    if plan.running_normalization:
        signal = _normalized(ops, plan, state, signal)
    trainer = FixedTrainer(state)
    for index, layer in enumerate(plan.layers):
        matrix, narrow = layer.matrix, plan.forward_format(layer.matrix)
        # The sums may use fewer bits of a weight than learning does; store only these bits.
        weights = trainer.forward_weights(index)
        weight = Fixed.of(ops, _stored(ops, f"layer{index}_weight", weights, narrow), narrow)
        biases = _stored(ops, f"layer{index}_bias", state.tensor(index, "bias"), matrix.weight)
        bias = Fixed.of(ops, ops.cast(biases, TensorProto.INT64), matrix.weight)
        sums = dot(ops, weight, signal, layer.inputs) + bias
        z = sums.requantize(plan.formats.knowledge)
        decided = neuron.decision(z, plan.decision_table)
        signal = plan.rule_definition.activation(z, decided, plan.formats.activation)
    name = "decisions"
    if plan.output is not None:
        name, decided = VALUES, neuron.output_value(z, plan.output)
    last = decided.data
    if plan.spares:
        used = ops.initializer("used", state.used.astype(np.int64))
        ops.nodes.append(helper.make_node("Mul", [last, used], ["of_classes"]))
        last = "of_classes"
    ops.nodes.append(helper.make_node("Cast", [last], [name], to=TensorProto.INT32))
    outputs = [helper.make_tensor_value_info(name, TensorProto.INT32, ["n", plan.classes])]
    if plan.output is None:
        outputs += _label_outputs(ops, plan)
    needed = _used_nodes(ops.nodes, [output.name for output in outputs])
    edges = {edge for node in needed for edge in node.input}
    return helper.make_graph(
        needed,
        "ska_edge_integer",
        [helper.make_tensor_value_info("input", input_kind(plan, takes), input_shape(plan, takes))],
        outputs,
        [tensor for tensor in ops.initializers if tensor.name in edges],
    )


def _normalized(ops: OnnxOps, plan: Plan, state: State, signal: Fixed[str]) -> Fixed[str]:
    """Add the normalization of the inputs; the running averages are constants."""
    format = plan.layers[0].input
    mean = Fixed.of(ops, ops.initializer("running_mean", state.mean), neuron.mean_format(format))
    variance = Fixed.of(ops, ops.initializer("running_variance", state.variance), neuron.VARIANCE)
    return neuron.normalized_input(signal, mean, variance, format)


def _label_outputs(ops: OnnxOps, plan: Plan) -> list[onnx.ValueInfoProto]:
    """Add the class of each row, and its confidence if the plan has a least confidence."""
    outputs = [helper.make_tensor_value_info("label", TensorProto.INT64, ["n"])]
    if plan.least_confidence:
        _reject(ops, plan.least_confidence)
        outputs.append(helper.make_tensor_value_info("confidence", TensorProto.INT32, ["n"]))
    else:
        ops.nodes.append(helper.make_node("ArgMax", ["decisions"], ["label"], axis=1, keepdims=0))
    return outputs


def _reject(ops: OnnxOps, least: int) -> None:
    """Add the outputs `confidence` and `label`; below `least`, the label is `UNKNOWN`."""
    two = ops.initializer("two", np.array([2]))
    top, _ = ops.nodes_of("TopK", "decisions", two, outputs=2, axis=1)
    first, second = ops.nodes_of("Split", top, outputs=2, axis=1)
    difference = ops.node("Sub", first, second)
    at = ops.initializer("second_axis", np.array([1]))
    ops.nodes.append(helper.make_node("Squeeze", [difference, at], ["confidence"]))
    limit = ops.initializer("least_confidence", np.array(least, dtype=np.int32))
    largest = ops.node("ArgMax", "decisions", axis=1, keepdims=0)
    rejected = ops.node("Less", "confidence", limit)
    unknown = ops.initializer("unknown", np.array(UNKNOWN))
    ops.nodes.append(helper.make_node("Where", [rejected, unknown, largest], ["label"]))


def _stored(ops: OnnxOps, name: str, values: NDArray[np.int64], format: QFormat) -> str:
    return ops.initializer(name, values.astype(f"int{format.bits}"))


def _used_nodes(nodes: Sequence[onnx.NodeProto], outputs: Sequence[str]) -> list[onnx.NodeProto]:
    """Return the nodes that the outputs need, so without the activation of the last layer."""
    wanted, kept = set(outputs), []
    for node in reversed(nodes):
        if wanted.intersection(node.output):
            wanted.update(node.input)
            kept.append(node)
    return kept[::-1]


def _float_graph(model: Exportable) -> onnx.GraphProto:
    plan, state = model.plan, model.state
    nodes, tensors = [], []

    def tensor(name: str, values: NDArray[np.float64]) -> str:
        tensors.append(numpy_helper.from_array(values.astype(np.float32), name))
        return name

    def node(operator: str, inputs: list[str], output: str, **attributes: Any) -> str:
        nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    mean, scale = tensor("mean", model.scaling.mean), tensor("scale", model.scaling.scale)
    scaled = node("Div", [node("Sub", ["input", mean], "centered"), scale], "scaled")
    limit = np.array(model.scaling.limit)
    signal = node("Clip", [scaled, tensor("least", -limit), tensor("most", limit)], "signal")
    if plan.running_normalization:
        average, factor = real_averages(state)
        signal = node("Sub", [signal, tensor("running_mean", average)], "deviation")
        signal = node("Mul", [signal, tensor("running_factor", factor)], "normalized")
    for index, layer in enumerate(plan.layers):
        weight = tensor(f"W{index}", layer.matrix.weight.dequantize(state.tensor(index, "weight")))
        bias = tensor(f"b{index}", layer.matrix.weight.dequantize(state.tensor(index, "bias")))
        z = node("Gemm", [signal, weight, bias], f"z{index}", transB=1)
        last = index == len(plan.layers) - 1
        if last and model.units is not None:
            in_units = node("Mul", [z, tensor("target_scale", model.units.scale)], "scaled_values")
            node("Add", [in_units, tensor("target_mean", model.units.mean)], VALUES)
            break
        if plan.rule_definition.relu and not last:
            signal = node("Relu", [z], f"signal{index}")
            continue
        name = "decisions" if last and not plan.spares else f"decision{index}"
        signal = node("Sigmoid", [z], name)
        if last and plan.spares:
            node("Mul", [signal, tensor("used", state.used.astype(np.float64))], "decisions")
        if plan.rule_definition.signed and not last:
            two, one = tensor(f"two{index}", np.array(2.0)), tensor(f"one{index}", np.array(1.0))
            doubled = node("Mul", [signal, two], f"doubled{index}")
            signal = node("Sub", [doubled, one], f"signal{index}")
    name = VALUES if plan.regression else "decisions"
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", plan.classes])]
    if not plan.regression:
        node("ArgMax", ["decisions"], "label", axis=1, keepdims=0)
        outputs.append(helper.make_tensor_value_info("label", TensorProto.INT64, ["n"]))
    return helper.make_graph(
        nodes,
        "ska_edge_float",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", plan.inputs])],
        outputs,
        tensors,
    )


def save(exported: onnx.ModelProto, path: Path) -> None:
    """Write an exported model to a file; raise InputError if it cannot be written."""
    write_file(path, exported.SerializeToString(deterministic=True))


def compare(
    exported: onnx.ModelProto,
    model: Exportable,
    features: NDArray[np.float64],
    windows: NDArray[np.int16] | None = None,
) -> Agreement:
    """Run an exported model in onnxruntime on features (n, d) and compare it with the trainer.

    If the graph takes windows (n, length, axes), it gets `windows` in place of their features, or
    random windows if there are none.
    """
    import onnxruntime

    metadata = {entry.key: entry.value for entry in exported.metadata_props}
    form, takes = metadata[f"{PREFIX}form"], metadata[f"{PREFIX}input"]
    session = onnxruntime.InferenceSession(
        exported.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    fed: NDArray[Any] = features
    if takes == WINDOWS and model.plan.front is not None:
        fed = random_windows(model.plan.front) if windows is None else windows
        features = features_of(model.plan.front, fed).astype(np.float64)
    quantized = model.quantize(features)
    if takes == INTEGERS:
        fed = quantized.astype(f"int{model.plan.layers[0].input.bits}")
    expected = FixedTrainer(model.state).infer(quantized)
    if model.plan.output is not None and model.units is not None:
        fed = fed if form == "integer" else features.astype(np.float32)
        (got,) = session.run([VALUES], {"input": fed})
        if form == "integer":
            return Agreement(len(features), int((got != expected).any(axis=1).sum()))
        values = model.plan.output.dequantize(expected) * model.units.scale + model.units.mean
        far = np.abs(got - values) > CLOSE * model.units.scale
        return Agreement(len(features), int(far.any(axis=1).sum()))
    if form == "integer":
        got, labels = session.run(["decisions", "label"], {"input": fed})
        classes = classified(expected, model.plan.least_confidence)
        wrong = (got != expected).any(axis=1) | (labels != classes)
        if model.plan.least_confidence:
            (found,) = session.run(["confidence"], {"input": fed})
            wrong |= found != confidences(expected)
    else:
        (labels,) = session.run(["label"], {"input": features.astype(np.float32)})
        wrong = labels != expected.argmax(axis=1)
    return Agreement(rows=len(features), mismatches=int(wrong.sum()))


def probe(model: Exportable, rows: int = 1000) -> NDArray[np.float64]:
    """Return random features (rows, d) that cover the input's range, for a check without data."""
    format = model.plan.layers[0].input
    integers = np.random.default_rng(0).integers(
        format.minimum, format.maximum + 1, (rows, model.plan.inputs)
    )
    return format.dequantize(integers) * model.scaling.scale + model.scaling.mean


def random_windows(front: Front, rows: int = 100) -> NDArray[np.int16]:
    """Return random windows (rows, length, axes) for a check without data.

    Each axis of a window has a random amplitude and a random mean.
    """
    rng, axes = np.random.default_rng(0), (rows, 1, front.axes)
    deviations = 2.0 ** rng.uniform(-1, SAMPLE.bits, axes)
    samples = rng.normal(0, 1, (rows, front.length, front.axes)) * deviations
    samples += rng.uniform(SAMPLE.minimum, SAMPLE.maximum, axes)
    return SAMPLE.quantize(samples).astype(np.int16)


def is_wrong(agreement: Agreement, form: str) -> bool:
    """Tell whether an export is wrong: the integer form must not differ in any bit."""
    return form == "integer" and agreement.mismatches > 0


def require_agreement(agreement: Agreement, path: str | os.PathLike[str], form: str) -> None:
    """Raise CheckError if an export is wrong; such an export must not be written."""
    if is_wrong(agreement, form):
        raise CheckError(
            f"{path} was not written: the ONNX differs from the trainer in"
            f" {agreement.mismatches} of {agreement.rows} rows; report the versions of onnx and"
            " onnxruntime"
        )
