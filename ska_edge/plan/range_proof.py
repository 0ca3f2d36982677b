"""Proves the ranges of a plan: computes the intervals of its sums from the formats alone."""

from __future__ import annotations

from dataclasses import dataclass

from ska_edge.arithmetic.fixedpoint import Fixed, RangeError, dot, width
from ska_edge.arithmetic.interval_ops import IntervalOps
from ska_edge.errors import InputError
from ska_edge.plan.layer import LayerPlan, Matrix
from ska_edge.plan.plan import Plan
from ska_edge.rules.neuron import forward_weight, square_sum, weight_change
from ska_edge.rules.rule import READOUT, SIGNS

SQUARE_SUM = "square sum"  # of the inputs of a sample, for a normalized step


@dataclass(frozen=True, slots=True)
class Bound:
    """One line of the range proof: every integer of this quantity is in [lo, hi]."""

    layer: int
    quantity: str
    lo: int
    hi: int
    width: int  # bits of the C integer that has this quantity
    update: bool = False  # whether it is a sum of an update, see `update_width`


def range_proof(plan: Plan) -> tuple[Bound, ...]:
    """Return the intervals of the sums of the forward pass, the projection and the update.

    The proof uses only the formats: weights and inputs may have any value in their format.
    Raises InputError, which names the layer, for a sum that exceeds 64 bits.
    """
    bounds: list[Bound] = []
    index = 0
    try:
        if plan.normalized:
            bounds.append(_square_bound(plan))
        for index, layer in enumerate(plan.layers):
            bounds += _matrix_bounds(plan, index, layer.matrix, "")
            if layer.readout is not None:
                bounds += _matrix_bounds(plan, index, layer.readout, "readout ")
            if index < plan.hidden:
                bounds += _projection_bounds(plan, index, layer)
    except RangeError as error:
        raise InputError(
            f"layer {index}: {error}; use fewer inputs or a narrower format"
        ) from error
    return tuple(bounds)


def _bound(layer: int, quantity: str, value: Fixed[None], shift: int, update: bool) -> Bound:
    half = 1 << (shift - 1) if shift > 0 else 0  # rounding adds this inside the accumulator
    return Bound(
        layer, quantity, value.lo, value.hi + half, width(value.lo, value.hi + half), update
    )


def _matrix_bounds(plan: Plan, index: int, matrix: Matrix, kind: str) -> list[Bound]:
    ops = IntervalOps()
    weight = Fixed.of(ops, None, matrix.weight)
    incoming = Fixed.of(ops, None, matrix.input)
    step = Fixed.of(ops, None, plan.formats.shift)
    forward = forward_weight(weight, plan.formats.forward_bits)
    sums = dot(ops, forward, incoming, matrix.inputs) + weight
    sums = sums.aligned(plan.sum_frac(matrix))
    products = dot(ops, step, incoming, plan.batch)
    changed = weight + weight_change(weight, products, plan.rate.shift)
    update_shift = plan.update_shift(matrix) + plan.rate.shift
    return [
        _bound(index, f"{kind}knowledge sum", sums, plan.forward_shift(matrix), False),
        _bound(index, f"{kind}update sum", products, update_shift, True),
        _bound(index, f"{kind}changed weight", changed, 0, True),
    ]


def _square_bound(plan: Plan) -> Bound:
    ops = IntervalOps()
    squares = square_sum(ops, Fixed.of(ops, None, plan.layers[0].input), plan.inputs)
    return _bound(0, SQUARE_SUM, squares, 0, False)


def _projection_bounds(plan: Plan, index: int, layer: LayerPlan) -> list[Bound]:
    ops, formats = IntervalOps(), plan.formats
    if plan.rule_definition.teacher == READOUT:
        readout = layer.readout or plan.layers[-1].matrix
        weight = forward_weight(Fixed.of(ops, None, readout.weight), formats.forward_bits)
        back = dot(ops, weight, Fixed.of(ops, None, formats.error), plan.classes)
        return [_bound(index, "projection sum", back, plan.projection_shift(readout), False)]
    if plan.rule_definition.teacher == SIGNS:
        sign = Fixed(ops, None, 0, -1, 1)
        back = dot(ops, sign, Fixed.of(ops, None, formats.shift), plan.classes)
        return [_bound(index, "projection sum", back, plan.signs_shift, False)]
    return []


def accumulator_width(plan: Plan) -> int:
    """Return 32 or 64, the accumulator width for all forward and projection sums of a plan."""
    bounds = (bound for bound in range_proof(plan) if bound.quantity != SQUARE_SUM)
    return max(bound.width for bound in bounds if not bound.update)


def square_width(plan: Plan) -> int:
    """Return 32 or 64, the width of the sum of the squares of an input, if a plan has this sum."""
    return max(bound.width for bound in range_proof(plan) if bound.quantity == SQUARE_SUM)


def update_width(plan: Plan) -> int:
    """Return 32 or 64, the width that fits all sums of an update, including the changed weight."""
    return max(bound.width for bound in range_proof(plan) if bound.update)
