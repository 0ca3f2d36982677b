"""Writes the input of the integer ONNX form: integers, features, or windows of raw samples.

The graph quantizes features: its nodes repeat what `Model.quantize` computes, operation by
operation, so the integers are equal for every feature. NaN becomes the input 0, as on a device that
reads float32. For windows, the graph first computes the features of the front end.
"""

from __future__ import annotations

import json

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper

from ska_edge.arithmetic.fixedpoint import Fixed, QFormat
from ska_edge.frontend.front import SAMPLE
from ska_edge.frontend.frontends import FRONTENDS
from ska_edge.model.onnx.onnx_ops import OnnxOps
from ska_edge.model.scaling import Scaling
from ska_edge.plan.plan import Plan
from ska_edge.plural import counted
from ska_edge.rules.neuron import WIDE_RAW, RawInput, standardized

FEATURES, INTEGERS, WINDOWS = "features", "integers", "windows"
"""What the graph takes: features in the unit of the training data, integers of the plan's input, or
windows of raw samples, (n, length, axes)."""


def taken(plan: Plan, float_input: bool) -> str:
    """Return what the integer form takes."""
    return FEATURES if float_input else INTEGERS if plan.front is None else WINDOWS


def incoming(ops: OnnxOps, plan: Plan, scaling: Scaling, takes: str) -> str:
    """Append the nodes that make integers of the plan's input; return their edge, int64 (n, d)."""
    if takes == FEATURES:
        return integers_of(ops, plan, scaling)
    numbers = ops.cast("input", TensorProto.INT64)
    return numbers if takes == INTEGERS else _of_windows(ops, plan, numbers)


def _of_windows(ops: OnnxOps, plan: Plan, windows: str) -> str:
    """Append the nodes of the front end, and those that standardize its features."""
    front, raw = plan.front, plan.raw
    assert front is not None and raw is not None
    samples = Fixed.of(ops, windows, SAMPLE)
    features = FRONTENDS[front.kind].features(front, ops, samples)
    integers = Fixed(ops, features.data, WIDE_RAW.frac, features.lo, features.hi)
    return _standardized(ops, raw, integers, plan.layers[0].input)


def integers_of(ops: OnnxOps, plan: Plan, scaling: Scaling) -> str:
    """Append the nodes that quantize the float64 edge "input"; return the edge of the integers."""
    # The graph first replaces NaN by 0, because a runtime may convert NaN to any integer.
    missing = ops.node("IsNaN", "input")
    features = ops.node("Where", missing, ops.initializer("input_number", np.array(0.0)), "input")
    integers = _integers_of_numbers(ops, plan, scaling, features)
    return ops.node("Where", missing, ops.constant(0), integers)


def _integers_of_numbers(ops: OnnxOps, plan: Plan, scaling: Scaling, features: str) -> str:
    """Append the nodes that quantize features that are not NaN."""
    format, raw = plan.layers[0].input, plan.raw
    if raw is not None and raw.points is not None:
        return _float32_integers(ops, raw, raw.points, features, format)
    if raw is not None:
        line = ops.node("Mul", features, _row(ops, "input_multipliers", raw.multipliers))
        line = ops.node("Add", line, _row(ops, "input_offsets", raw.offsets))
        return ops.quantized(line, format, -(raw.frac + format.frac))
    centered = ops.node("Sub", features, _row(ops, "input_mean", scaling.mean))
    scaled = ops.node("Div", centered, _row(ops, "input_scale", scaling.scale))
    if np.isfinite(scaling.limit):
        limit = np.array(scaling.limit)
        ends = ops.initializer("input_least", -limit), ops.initializer("input_most", limit)
        scaled = ops.node("Clip", scaled, *ends)
    return ops.quantized(scaled, format)


def _float32_integers(
    ops: OnnxOps, raw: RawInput, points: tuple[int, ...], features: str, format: QFormat
) -> str:
    """Append the nodes that standardize features in float32, as `standardize` does."""
    narrow = ops.cast(ops.cast(features, TensorProto.FLOAT), TensorProto.DOUBLE)
    powers = _row(ops, "input_powers", np.ldexp(1.0, np.array(points)))
    integers = ops.quantized(ops.node("Mul", narrow, powers), WIDE_RAW)
    return _standardized(ops, raw, Fixed.of(ops, integers, WIDE_RAW), format)


def _standardized(ops: OnnxOps, raw: RawInput, integers: Fixed[str], format: QFormat) -> str:
    """Append the nodes that standardize raw features, which are integers, as a device does."""
    multipliers, offsets = (
        Fixed(ops, ops.initializer(name, np.array(values)), raw.frac, min(0, *values), max(values))
        for name, values in (
            ("input_multipliers", raw.multipliers),
            ("input_offsets", raw.offsets),
        )
    )
    return standardized(integers, multipliers, offsets, format).data


def _row(ops: OnnxOps, name: str, values: tuple[int, ...] | NDArray[np.float64]) -> str:
    return ops.initializer(name, np.array(values, dtype=np.float64))


def input_kind(plan: Plan, takes: str) -> int:
    """Return the element type of the graph's input."""
    if takes == FEATURES:
        return TensorProto.DOUBLE
    if takes == WINDOWS:
        return TensorProto.INT16
    kind: int = helper.np_dtype_to_tensor_dtype(np.dtype(f"int{plan.layers[0].input.bits}"))
    return kind


def input_shape(plan: Plan, takes: str) -> list[str | int]:
    """Return the shape of the graph's input; "n" is the number of rows."""
    if takes == WINDOWS and plan.front is not None:
        return ["n", plan.front.length, plan.front.axes]
    return ["n", plan.inputs]


def input_entries(
    plan: Plan, scaling: Scaling, features: tuple[str, ...] | None, takes: str
) -> dict[str, str]:
    """Return the metadata with which another program can fill the input."""
    entries = {
        "input": takes,
        "input_format": plan.layers[0].input.name,
        "input_mean": _text(scaling.mean.tolist()),
        "input_scale": _text(scaling.scale.tolist()),
    }
    if features is not None:
        entries["features"] = json.dumps(features)
    if plan.raw is not None:
        entries["input_multipliers"] = _text(plan.raw.multipliers)
        entries["input_offsets"] = _text(plan.raw.offsets)
        entries["input_frac"] = str(plan.raw.frac)
        if plan.raw.points is not None:
            entries["input_points"] = _text(plan.raw.points)
    return entries


def _text(values: list[float] | tuple[int, ...]) -> str:
    return " ".join(map(repr, values))


def input_words(plan: Plan, takes: str) -> str:
    """Return one sentence about the input, for the graph's documentation."""
    if takes == WINDOWS and plan.front is not None:
        return (
            f"Windows of {plan.front.length} samples of {counted(plan.front.axes, 'axis')}, as the"
            " sensor gave them; the graph computes the features of the front end"
            f" {plan.front.kind}."
        )
    if takes == FEATURES:
        return "Features in the unit of the training data; the graph quantizes them."
    format = plan.layers[0].input
    return (
        f"Integers in {format.name}: {_formula(plan.raw, format.frac)}, rounded half up and"
        f" saturated to {format.minimum} to {format.maximum}; see the metadata of this file."
    )


def _formula(raw: RawInput | None, frac: int) -> str:
    if raw is None:
        return f"(feature - input_mean) / input_scale * 2^{frac}"
    if raw.points is not None:
        return (
            "(round(float32(feature) * 2^input_points) * input_multipliers + input_offsets)"
            " / 2^input_frac"
        )
    return "(feature * input_multipliers + input_offsets) / 2^input_frac"
