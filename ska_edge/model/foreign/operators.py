"""Applies the operators of a foreign graph: one function each, in the table `OPERATORS`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper

from ska_edge.errors import InputError
from ska_edge.model.foreign.signal import RELU, SIGMOID, TANH, Reals, Signal, joined

FLOATS = (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BFLOAT16)


@dataclass(frozen=True, slots=True)
class Choice:
    """The class with the largest score: its index, or its name if the scores have labels."""

    scores: Signal


@dataclass(frozen=True, slots=True)
class ShapeOf:
    """A shape that depends on the number of rows, or a number computed from it."""


Value: TypeAlias = "NDArray[Any] | Signal | Choice | ShapeOf"


class Refused(InputError):
    """An operator whose inputs or attributes cannot be imported; the message is the reason."""


@dataclass(frozen=True, slots=True)
class Node:
    """An operator of a graph, with the values of its inputs and the version of its definition."""

    operator: str
    values: list[Value]
    attributes: dict[str, Any]
    opset: int

    def number(self, name: str, default: float) -> float:
        """Return an attribute that is a number, or `default` if it is missing."""
        return float(self.attributes.get(name, default))

    def axes(self) -> list[int]:
        """Return the axes of Squeeze or Unsqueeze: an attribute, or since opset 13 an input.

        Raises Refused if the operator names no constant axes.
        """
        found = self.attributes.get("axes")
        if found is None and len(self.values) > 1:
            found = _constant(self.values[1]).tolist()
        if found is None:
            raise Refused("it names no axes")
        return [int(axis) for axis in found]


def _signal(value: Value) -> Signal:
    if not isinstance(value, Signal):
        raise Refused("its input does not come from the features")
    if value.softmax:
        raise Refused("it follows the softmax, which must be the last operator of the network")
    return value


def _constant(value: Value) -> NDArray[Any]:
    if not isinstance(value, np.ndarray):
        raise Refused("an input that must be constant is computed from the features")
    return value


def _row(value: Value, signal: Signal) -> Reals:
    """Return a constant as one row, with a number for each element of a signal."""
    constant = _constant(value).astype(np.float64)
    shape = (1, *signal.shape)
    try:
        return np.broadcast_to(constant, shape).reshape(signal.size)
    except ValueError as error:
        raise Refused(
            f"a constant of shape {list(constant.shape)} does not fit rows of {list(signal.shape)}"
        ) from error


def _sides(values: Sequence[Value]) -> tuple[Signal, Value, bool]:
    """Return the signal and the constant of two inputs, and whether the signal comes first."""
    one, other = values
    if isinstance(one, Signal) and isinstance(other, Signal):
        raise Refused("it combines two branches of the network; only a chain of layers can be read")
    first = isinstance(one, Signal)
    return (_signal(one), other, True) if first else (_signal(other), one, False)


def _add(node: Node) -> Value:
    signal, other, _ = _sides(node.values)
    return signal.shifted(_row(other, signal))


def _sub(node: Node) -> Value:
    signal, other, first = _sides(node.values)
    by = _row(other, signal)
    return signal.shifted(-by) if first else signal.scaled(-np.ones(signal.size)).shifted(by)


def _mul(node: Node) -> Value:
    signal, other, _ = _sides(node.values)
    return signal.scaled(_row(other, signal))


def _div(node: Node) -> Value:
    signal, other, first = _sides(node.values)
    if not first:
        raise Refused("it divides by the features")
    by = _row(other, signal)
    if not by.all():
        raise Refused("it divides by zero")
    return signal.scaled(1 / by)


def _neg(node: Node) -> Value:
    signal = _signal(node.values[0])
    return signal.scaled(-np.ones(signal.size))


def _product(signal: Signal, matrix: NDArray[Any]) -> Signal:
    """Return the rows of a signal times a matrix (inputs, outputs)."""
    if matrix.ndim != 2 or signal.shape[-1:] != (len(matrix),) or signal.size != len(matrix):
        raise Refused(
            f"its weights of shape {list(matrix.shape)} do not fit rows of {list(signal.shape)}"
        )
    made = signal.times(matrix.T.astype(np.float64))
    return replace(made, shape=(*signal.shape[:-1], made.size))


def _matmul(node: Node) -> Value:
    signal, other, first = _sides(node.values)
    if not first:
        raise Refused("its first input is constant; rows come first in a layer")
    return _product(signal, _constant(other))


def _gemm(node: Node) -> Value:
    signal, matrix = _signal(node.values[0]), _constant(node.values[1]).astype(np.float64)
    if node.attributes.get("transA"):
        raise Refused("its attribute transA mixes different rows")
    if node.attributes.get("transB"):
        matrix = matrix.T
    made = _product(signal, matrix * node.number("alpha", 1.0))
    if len(node.values) > 2:
        made = made.shifted(_row(node.values[2], made) * node.number("beta", 1.0))
    return made


def _batch_normalization(node: Node) -> Value:
    signal = _signal(node.values[0])
    if len(signal.shape) != 1:
        raise Refused("it normalizes channels of an image; only layers of a chain can be read")
    if node.attributes.get("training_mode"):
        raise Refused("it is in training mode; export the network in evaluation mode")
    scale, bias, mean, variance = (_row(value, signal) for value in node.values[1:5])
    factor = scale / np.sqrt(variance + node.number("epsilon", 1e-5))
    return signal.scaled(factor).shifted(bias - mean * factor)


def _scaler(node: Node) -> Value:
    signal = _signal(node.values[0])
    offset, scale = (
        _row(np.array(node.attributes.get(name, [default])), signal)
        for name, default in (("offset", 0.0), ("scale", 1.0))
    )
    return signal.shifted(-offset).scaled(scale)


def _join(node: Node) -> Value:
    if not any(isinstance(value, (Signal, Choice)) for value in node.values):
        return ShapeOf()
    parts = tuple(_signal(value) for value in node.values)
    same = all(part.layers is parts[0].layers for part in parts)
    if not same or any(len(part.shape) != 1 for part in parts):
        raise Refused("it combines two branches of the network; only a chain of layers can be read")
    if int(node.attributes.get("axis", 1)) not in (1, -1):
        raise Refused("it does not join columns")
    return joined(parts)


def _cast(node: Node) -> Value:
    value = node.values[0]
    if isinstance(value, np.ndarray):
        return value
    if isinstance(value, Signal) and int(node.attributes["to"]) not in FLOATS:
        raise Refused("it rounds values between two layers to integers")
    return value


def _first(node: Node) -> Value:
    return node.values[0]


def _as_row(node: Node) -> Value:
    """Apply Flatten or Reshape, which keep the order of the elements of a row."""
    value = node.values[0]
    if isinstance(value, np.ndarray):
        if node.operator == "Flatten" or len(node.values) < 2:
            raise Refused("it reshapes a constant")
        return value.reshape([int(length) for length in _constant(node.values[1])])
    if not isinstance(value, Signal):
        return value
    return replace(value, shape=_row_shape(node, value))


def _row_shape(node: Node, signal: Signal) -> tuple[int, ...]:
    """Return the shape of a row after Flatten or Reshape; rows must stay rows."""
    if node.operator == "Flatten":
        if int(node.attributes.get("axis", 1)) != 1:
            raise Refused("it mixes different rows")
        return (signal.size,)
    if len(node.values) < 2 or isinstance(node.values[1], ShapeOf):
        return (signal.size,)  # computed from the number of rows; the next layer checks the width
    shape = [int(length) for length in _constant(node.values[1])]
    row = tuple(
        signal.shape[at - 1] if length == 0 and 0 < at <= len(signal.shape) else length
        for at, length in enumerate(shape)
    )[1:]
    if row.count(-1) == 1:
        others = int(np.prod([length for length in row if length != -1]))
        row = tuple(signal.size // max(others, 1) if length == -1 else length for length in row)
    if not row or int(np.prod(row)) != signal.size:
        raise Refused(f"it mixes different rows: {list(signal.shape)} becomes {shape}")
    return row


def _squeeze(node: Node) -> Value:
    value = node.values[0]
    if not isinstance(value, Signal):
        return value
    rank = len(value.shape) + 1
    dropped = {axis % rank for axis in node.axes()}
    if 0 in dropped or any(value.shape[axis - 1] != 1 for axis in dropped):
        raise Refused("it removes the axis of the rows")
    shape = tuple(n for at, n in enumerate(value.shape, 1) if at not in dropped)
    return replace(value, shape=shape or (1,))


def _unsqueeze(node: Node) -> Value:
    value = node.values[0]
    if not isinstance(value, Signal):
        return value
    axes = node.axes()
    rank = len(value.shape) + 1 + len(axes)
    shape = [-1, *value.shape]
    for axis in sorted(axis % rank for axis in axes):
        shape.insert(axis, 1)
    if shape[0] != -1:
        raise Refused("it moves the axis of the rows")
    return replace(value, shape=tuple(shape[1:]))


def _transpose(node: Node) -> Value:
    value = node.values[0]
    order = node.attributes.get("perm")
    if isinstance(value, np.ndarray):
        return np.transpose(value, order)
    signal = _signal(value)
    rank = len(signal.shape) + 1
    order = list(order) if order is not None else list(range(rank))[::-1]
    if sorted(order) != list(range(rank)) or order[0] != 0:
        raise Refused("it moves the axis of the rows")
    places = np.arange(signal.size, dtype=np.int64).reshape(signal.shape)
    moved = np.transpose(places, [axis - 1 for axis in order[1:]])
    return signal.taken(moved.ravel(), moved.shape)


def _activation(node: Node) -> Value:
    kinds = {"Relu": RELU, "Sigmoid": SIGMOID, "Tanh": TANH}
    return _signal(node.values[0]).activated(kinds[node.operator])


def _softmax(node: Node) -> Value:
    signal = _signal(node.values[0])
    axis = int(node.attributes.get("axis", -1 if node.opset >= 13 else 1))
    if axis not in (-1, len(signal.shape)) or signal.shape != (signal.size,):
        raise Refused("it is not a softmax over the classes of a row")
    return replace(signal, softmax=True)


def _slice(node: Node) -> Value:
    if not isinstance(node.values[0], ShapeOf):
        raise Refused("it takes a part of the values; only whole rows can be read")
    return node.values[0]


def _argmax(node: Node) -> Value:
    scores = node.values[0]
    if not isinstance(scores, Signal) or int(node.attributes.get("axis", 0)) not in (1, -1):
        raise Refused("it does not choose one class for each row")
    return Choice(scores)


def _pick(node: Node) -> Value:
    """Apply Gather or ArrayFeatureExtractor, which name the chosen class or choose columns."""
    first, index = node.values
    if isinstance(first, ShapeOf) or isinstance(index, ShapeOf):
        return ShapeOf()
    if isinstance(first, np.ndarray) and isinstance(index, Choice):
        return Choice(replace(index.scores, labels=class_names(first.ravel().tolist())))
    signal, places = _signal(first), _constant(index).ravel().astype(np.int64)
    column = node.operator == "ArrayFeatureExtractor" or node.attributes.get("axis", 0) in (1, -1)
    if not column or len(signal.shape) != 1 or not len(places):
        raise Refused("it does not choose columns")
    if (places < 0).any() or (places >= signal.size).any():
        raise Refused(f"it chooses a column beyond {signal.size}")
    return signal.taken(places, (len(places),))


def _zip_map(node: Node) -> Value:
    if not isinstance(node.values[0], Signal):
        raise Refused("its input is not a score of the classes")
    names = node.attributes.get("classlabels_strings") or node.attributes["classlabels_int64s"]
    return replace(node.values[0], labels=class_names(names))


def class_names(labels: Sequence[Any]) -> tuple[str, ...]:
    """Return the labels of a graph as class names."""
    return tuple(
        name.decode("utf-8", "backslashreplace") if isinstance(name, bytes) else str(name)
        for name in labels
    )


def _value(node: Node) -> Value:
    """Apply Constant."""
    for name in ("value_float", "value_int", "value_floats", "value_ints"):
        if name in node.attributes:
            return np.array(node.attributes[name])
    tensor = node.attributes.get("value")
    if not isinstance(tensor, onnx.TensorProto):
        raise Refused("its value is not a tensor")
    return numpy_helper.to_array(tensor)


Operator = Callable[[Node], Value]

OPERATORS: dict[str, Operator] = {
    "Add": _add,
    "ArgMax": _argmax,
    "ArrayFeatureExtractor": _pick,
    "BatchNormalization": _batch_normalization,
    "Cast": _cast,
    "Concat": _join,
    "Constant": _value,
    "Div": _div,
    "Dropout": _first,
    "FeatureVectorizer": _join,
    "Flatten": _as_row,
    "Gather": _pick,
    "Gemm": _gemm,
    "Identity": _first,
    "LogSoftmax": _softmax,
    "MatMul": _matmul,
    "Mul": _mul,
    "Neg": _neg,
    "Relu": _activation,
    "Reshape": _as_row,
    "Scaler": _scaler,
    "Shape": lambda _: ShapeOf(),
    "Sigmoid": _activation,
    "Slice": _slice,
    "Softmax": _softmax,
    "Squeeze": _squeeze,
    "Sub": _sub,
    "Tanh": _activation,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
    "ZipMap": _zip_map,
}
