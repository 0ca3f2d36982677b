"""Reads the graph of an ONNX file from another program as a chain of layers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from ska_edge.errors import InputError
from ska_edge.model.foreign.advice import advice
from ska_edge.model.foreign.network import ForeignNetwork
from ska_edge.model.foreign.operators import (
    FLOATS,
    OPERATORS,
    Choice,
    Node,
    Refused,
    Value,
)
from ska_edge.model.foreign.outside import with_outside_tensors
from ska_edge.model.foreign.signal import LOGITS, RELU, SIGMOID, SOFTMAX, Layer, Signal, elements

DOMAINS = ("", "ai.onnx", "ai.onnx.ml")
MOST_INPUTS = 2**16 - 1  # a device counts inputs in 16 bits


def read_foreign(path: Path, found: onnx.ModelProto) -> ForeignNetwork:
    """Read a chain of layers; `path` is for error sentences and for tensors beside the file.

    Raises InputError with one sentence, which says what to do, for any other graph.
    """
    with_outside_tensors(path, found)
    values = _inputs(path, found.graph)
    names = tuple(values) if len(values) > 1 else None
    for tensor in found.graph.initializer:
        values[tensor.name] = _tensor(path, tensor)
    used = Counter(name for node in found.graph.node for name in node.input)
    used.update(output.name for output in found.graph.output)
    for node in found.graph.node:
        value = _applied(path, found, node, values)
        for name in node.input:
            used[name] -= 1
            if not used[name]:  # large matrices are dropped after their last use
                values.pop(name, None)
        values[node.output[0]] = value
    scores = _scores(path, [values.get(output.name) for output in found.graph.output])
    hidden, output = _layers(path, scores)
    if len({layer.activation == RELU for layer in hidden}) > 1:
        raise InputError(
            f"{path} has hidden layers with Relu and others without, but all hidden layers of a"
            " device have the same activation: train the network with Relu in all or in none"
        )
    return ForeignNetwork(
        path=path,
        producer=f"{found.producer_name} {found.producer_version}".strip() or "unknown",
        features=names,
        hidden=hidden,
        output=output,
        labels=_labels(path, scores.labels, len(output.bias)),
        operators=tuple(sorted({node.op_type for node in found.graph.node})),
        content=found.SerializeToString(),
    )


def _inputs(path: Path, graph: onnx.GraphProto) -> dict[str, Value]:
    """Return the graph's inputs as parts of one row; an input is the whole row, or one feature."""
    constants = {tensor.name for tensor in graph.initializer}
    inputs = [found for found in graph.input if found.name not in constants]
    if not inputs:
        raise InputError(f"{path} has no input: export the network again")
    shapes = [_row_shape(path, found) for found in inputs]
    if len(inputs) > 1 and any(elements(shape) != 1 for shape in shapes):
        raise InputError(
            f"{path} has {len(inputs)} inputs ({', '.join(found.name for found in inputs[:3])}),"
            " and not one for each feature: export a network with one input, and store its"
            " constants in the file (Keras loses those of a layer Normalization: leave it out)"
        )
    width = sum(elements(shape) for shape in shapes)
    if width > MOST_INPUTS:
        raise InputError(f"{path} has {width} inputs, and a device takes at most {MOST_INPUTS}")
    made: dict[str, Value] = {}
    no_layers: tuple[Layer, ...] = ()
    for at, (found, shape) in enumerate(zip(inputs, shapes, strict=True)):
        columns = np.arange(at, at + elements(shape), dtype=np.int64)
        made[found.name] = Signal.of_source(no_layers, width, columns, shape)
    return made


def _row_shape(path: Path, found: onnx.ValueInfoProto) -> tuple[int, ...]:
    if not found.type.HasField("tensor_type") or found.type.tensor_type.elem_type not in FLOATS:
        raise InputError(
            f"{path}: the input {found.name!r} has no real numbers: export it as float"
        )
    lengths = [d.dim_value for d in found.type.tensor_type.shape.dim]
    if len(lengths) < 2 or min(lengths[1:]) < 1:
        raise InputError(
            f"{path}: the input {found.name!r} has no fixed number of features: export the network"
            " with an input of shape (rows, features), where the number of features is known"
        )
    return tuple(lengths[1:])


def _tensor(path: Path, tensor: onnx.TensorProto) -> NDArray[Any]:
    try:
        values = numpy_helper.to_array(tensor)
    except Exception as error:  # a damaged tensor can cause any error in onnx and numpy
        raise InputError(
            f"{path}: the tensor {tensor.name!r} is damaged: export it again"
        ) from error
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise InputError(
            f"{path}: the tensor {tensor.name!r} has a number that is not finite: train it again"
        )
    return values


def _applied(
    path: Path, found: onnx.ModelProto, node: onnx.NodeProto, values: dict[str, Value]
) -> Value:
    place = f"{path}: the operator {node.op_type}" + (f" ({node.name!r})" if node.name else "")
    operator = OPERATORS.get(node.op_type)
    if operator is None or node.domain not in DOMAINS:
        raise InputError(f"{place} cannot be imported; {advice(node.op_type)}")
    versions = {entry.domain: entry.version for entry in found.opset_import}
    attributes = {each.name: helper.get_attribute_value(each) for each in node.attribute}
    taken = [values[name] for name in _given(node) if name in values]
    if len(taken) < len(list(_given(node))) or not node.output:
        raise InputError(f"{place} has an input that nothing computes: export the network again")
    try:
        return operator(Node(node.op_type, taken, attributes, versions.get("", 13)))
    except Refused as error:
        raise InputError(f"{place} cannot be imported: {error}; {advice(node.op_type)}") from error
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise InputError(f"{place} is damaged: export the network again") from error


def _given(node: onnx.NodeProto) -> Iterator[str]:
    """Yield the inputs of a node that are given; an optional input may have an empty name."""
    return (name for name in node.input if name)


def _scores(path: Path, outputs: list[Value | None]) -> Signal:
    """Return the scores of the classes.

    Every output of the graph must be the scores, or the class with the best score.
    """
    found: list[Signal] = []
    for value in outputs:
        if isinstance(value, Choice):
            found.append(value.scores)
        elif isinstance(value, Signal):
            found.append(value)
        else:
            raise InputError(f"{path}: an output does not depend on the input: export it again")
    if not found:
        raise InputError(f"{path} has no output: export the network again")
    first = found[0]
    for other in found[1:]:
        same = other.layers is first.layers and other.softmax == first.softmax
        if not same or not np.array_equal(other.offset, first.offset):
            raise InputError(
                f"{path} has outputs of different layers: export the network with one output"
            )
    labels = next((each.labels for each in found if each.labels is not None), None)
    return replace(first, labels=labels)


def _layers(path: Path, scores: Signal) -> tuple[tuple[Layer, ...], Layer]:
    if scores.softmax:
        output = Layer(scores.dense(), scores.offset, SOFTMAX)
        return scores.layers, output
    last = scores.layers[-1] if scores.layers else None
    if last is not None and last.activation == SIGMOID and scores.columns is not None:
        plain = bool((scores.weight == 1).all()) and not scores.offset.any()
        if plain and np.array_equal(scores.columns, np.arange(scores.width)):
            return scores.layers[:-1], last
        if len(last.bias) == 1 and _complement(scores):
            return scores.layers[:-1], last
    if scores.size == 1:
        raise InputError(
            f"{path} has one output without a sigmoid, so it may be a regression, which a device"
            " cannot learn: end a network for two classes with a sigmoid"
        )
    return scores.layers, Layer(scores.dense(), scores.offset, LOGITS)


def _complement(scores: Signal) -> bool:
    """Tell whether scores are (1 - s, s), the two probabilities from a single sigmoid s."""
    return (scores.weight.tolist(), scores.offset.tolist()) == ([-1.0, 1.0], [1.0, 0.0])


def _labels(path: Path, labels: tuple[str, ...] | None, outputs: int) -> tuple[str, ...] | None:
    if labels is None:
        return None
    classes = max(outputs, 2)
    if len(labels) != classes or len(set(labels)) != classes or not all(labels):
        raise InputError(
            f"{path} names {len(labels)} classes, but the network has {classes}: export it again"
        )
    return labels
