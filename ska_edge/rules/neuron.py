"""Computes one neuron, in functions that are written once on `Fixed` values of any back end.

Per layer, with knowledge z = W a + b and decision D = sigmoid(z):

    delta = alignment * z D' + shift        W += rate * delta a^T        b += rate * delta

The rules differ in the shift, in the factor `alignment`, and in the input of the next layer; `rule`
has the table of rules. `published` is the rule of arXiv 2503.13942; the others use the same update
with a target. The loops over neurons and weights are in `trainer` (numpy) and in the C runtime.
Agreement tests compare both loops bit for bit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ska_edge.arithmetic.fixedpoint import (
    ArrayOps,
    Fixed,
    QFormat,
    Rate,
    T,
    Table,
    dot,
    interpolate,
)

TABLE_STEPS_LOG2 = 4  # the decision table has 16 steps per unit of z


@dataclass(frozen=True, slots=True)
class NeuronFormats:
    """Formats of one neuron's values, which are the same in every layer of a plan."""

    knowledge: QFormat
    decision: QFormat
    activation: QFormat
    shift: QFormat
    error: QFormat  # an output shift in fewer bits, so that its projection fits the accumulator
    projection: QFormat  # the back-projected error A^T e, or B e
    weight_bits: int  # width of a stored weight
    forward_bits: int  # width of a weight in sums


@dataclass(frozen=True, slots=True)
class RawInput:
    """Integers with which a device standardizes raw features: x = round(raw * multiplier + offset).

    Attributes:
        multipliers, offsets: one per feature, with `frac` fractional bits, in units of the input's
            last bit: 2**input.frac / scale and -mean * 2**input.frac / scale.
        frac: 1 to 31, the same for all features.
        points: None if the raw features are integers. If they are float32, one per feature: the
            integer `raw` is the feature times 2**point, and the multiplier has 2**-point as a
            factor. The JSON of a plan lacks this key if `points` is None, because older plans do
            not have the key.
    """

    multipliers: tuple[int, ...]
    offsets: tuple[int, ...]
    frac: int
    points: tuple[int, ...] | None = None


RAW = QFormat(16, 0)  # raw features of at most 16 bits
WIDE_RAW = QFormat(32, 0)  # raw features that may be beyond 16 bits, such as those of a 24-bit ADC

AVERAGED_LOG2 = 8  # a running mean or variance moves by 2**-8 of a difference
VARIANCE = QFormat(16, 10)  # the format of a running variance minus 1
DEVIATION = QFormat(16, 12)  # the format of the deviation of an input from its running mean
# The factor of an input is 1/8, doubled for each of these limits that the variance does not exceed.
VARIANCE_LIMITS = (32.0, 8.0, 2.0, 0.5, 0.125)


def decision_table(format: QFormat, limit: int) -> tuple[int, ...]:
    """Return sigmoid(z) at z = -limit, -limit + 1/16, ..., limit as saturated `format` integers."""
    steps = 1 << TABLE_STEPS_LOG2
    half = steps * limit
    values = (1 / (1 + math.exp(-i / steps)) for i in range(-half, half + 1))
    return tuple(min(math.floor(v * 2**format.frac + 0.5), format.maximum) for v in values)


# --- one neuron, forward --------------------------------------------------------------------------


def decision(knowledge: Fixed[T], table: Table) -> Fixed[T]:
    """Return D = sigmoid(z), interpolated in a table; z is clipped to the range of the table."""
    limit = len(table.values) // 2 ** (TABLE_STEPS_LOG2 + 1)  # the table spans [-limit, limit]
    end = limit << knowledge.frac
    inside = knowledge.saturated(-end, end - 1)
    position = (inside + inside.constant(float(limit))).named("position")
    return interpolate(table, position, knowledge.frac - TABLE_STEPS_LOG2)


def signed_activation(decision: Fixed[T], format: QFormat) -> Fixed[T]:
    """Return the activation a = 2D - 1, the next layer's input."""
    centered = (decision.scaled(1) - decision.constant(1.0)).named("centered")
    return centered.requantize(format)


def plain_activation(decision: Fixed[T], format: QFormat) -> Fixed[T]:
    """Return the activation a = D, which is the next layer's input in the papers."""
    return decision.requantize(format)


def relu_activation(knowledge: Fixed[T], format: QFormat) -> Fixed[T]:
    """Return the activation a = max(0, z), the next layer's input, saturated to the format."""
    return knowledge.saturated(0, knowledge.hi).requantize(format)


def slope(decision: Fixed[T], format: QFormat) -> Fixed[T]:
    """Return D' = D (1 - D), at most 1/4; the largest decision counts as 1 and has slope 0."""
    largest = decision.constant(1.0 - 2.0**-decision.frac)
    product = decision * (largest - decision)
    # D (1 - D) is largest at D = 1/2, so the ends of the interval of D do not give its bound.
    return product.bounded(0, 1 << (product.frac - 2)).rounded(format.frac).named("slope")


# --- one input, one weight ------------------------------------------------------------------------


def standardized(
    raw: Fixed[T], multiplier: Fixed[T], offset: Fixed[T], format: QFormat
) -> Fixed[T]:
    """Convert a raw feature to an integer of the input's format: raw * multiplier + offset."""
    return (raw * multiplier + offset).rounded(0).saturated(format.minimum, format.maximum)


def mean_format(input: QFormat) -> QFormat:
    """Return the format of the running mean of an input: it has 8 more fractional bits."""
    return QFormat(2 * input.bits, input.frac + AVERAGED_LOG2)


def normalized_input(x: Fixed[T], mean: Fixed[T], variance: Fixed[T], format: QFormat) -> Fixed[T]:
    """Return a normalized input: (x - mean) times a power of two from 1/8 to 4.

    On a logarithmic scale, the factor is the power of two nearest to 1 / sqrt(variance). `mean` has
    the format `mean_format`. `variance` is the variance minus 1, in the format `VARIANCE`.
    """
    factor = Fixed(x.ops, x.ops.constant(1), 3, 1, 1)  # 1/8
    for doublings, limit in enumerate(VARIANCE_LIMITS):
        least_above = variance.constant(limit - 1 + 2.0**-variance.frac)
        within = (least_above - variance).saturated(0, 1)  # the integer 0 or 1
        factor = factor + within.scaled(variance.frac - factor.frac + doublings)
    return (_deviation(x, mean) * factor.named("factor")).requantize(format)


def moved_mean(x: Fixed[T], mean: Fixed[T]) -> Fixed[T]:
    """Return the running mean after an input x: it moves by 1/256 of the difference."""
    change = _deviation(x, mean).scaled(-AVERAGED_LOG2).rounded(mean.frac)
    return (_limited_mean(x, mean) + change).saturated(mean.lo, mean.hi)


def moved_variance(x: Fixed[T], mean: Fixed[T], variance: Fixed[T]) -> Fixed[T]:
    """Return the running variance minus 1 after an input x; `mean` is the mean before x.

    The variance moves by 1/256 of the difference to (x - mean)^2. A deviation beyond 8 counts as 8.
    """
    deviation = _deviation(x, mean).requantize(DEVIATION).named("deviation")
    square = (deviation * deviation).bounded(0, DEVIATION.minimum**2)  # a square is not negative
    difference = square - (variance + variance.constant(1.0))
    change = difference.scaled(-AVERAGED_LOG2).rounded(variance.frac)
    return (variance + change).requantize(VARIANCE)


def _deviation(x: Fixed[T], mean: Fixed[T]) -> Fixed[T]:
    return (x - _limited_mean(x, mean)).named("difference")


def _limited_mean(x: Fixed[T], mean: Fixed[T]) -> Fixed[T]:
    """Return the mean within the range of an input; a damaged state may have any integer."""
    surplus = mean.frac - x.frac
    return mean.saturated(x.lo << surplus, ((x.hi + 1) << surplus) - 1)


def forward_weight(weight: Fixed[T], bits: int) -> Fixed[T]:
    """Return a weight as used in sums: the rounded upper `bits` of the stored weight."""
    surplus = weight.hi.bit_length() + 1 - bits
    return weight.requantize(QFormat(bits, weight.frac - surplus)) if surplus > 0 else weight


# --- one neuron, the shifts -----------------------------------------------------------------------


def output_shift(target: Fixed[T], decision: Fixed[T]) -> Fixed[T]:
    """Return Y - D; the target Y is 0 or the largest decision."""
    return target - decision


def output_value(knowledge: Fixed[T], format: QFormat) -> Fixed[T]:
    """Return the output of a regression: z itself, in the format of the targets."""
    return knowledge.requantize(format)


def value_shift(target: Fixed[T], value: Fixed[T], format: QFormat) -> Fixed[T]:
    """Return target - value, saturated to the format of the shift."""
    return (target - value).requantize(format)


def projected_shift(
    projection: Fixed[T], decision: Fixed[T], gain: int, format: QFormat
) -> Fixed[T]:
    """Return 2**gain D' projection; the projection is A^T e or B e, see `NeuronFormats`."""
    product = (slope(decision, format) * projection).named("product")
    return product.scaled(gain).requantize(format)


def relu_shift(projection: Fixed[T], knowledge: Fixed[T], gain: int, format: QFormat) -> Fixed[T]:
    """Return 2**gain projection if z > 0, otherwise 0; the slope of max(0, z) is 1 or 0."""
    active = knowledge.saturated(0, 1).scaled(knowledge.frac).named("active")  # the integer 0 or 1
    return (active * projection).scaled(gain).requantize(format)


def code_shift(present: Fixed[T], target: Fixed[T], decision: Fixed[T]) -> Fixed[T]:
    """Return target - D if the class has a code for this neuron (present is 1), otherwise 0."""
    return (target - decision) * present


def published_shift(decision: Fixed[T], previous: Fixed[T]) -> Fixed[T]:
    """Return D_k - D_{k-1}, the change of the decision for a sample in one step."""
    return decision - previous


# --- one neuron, the update -----------------------------------------------------------------------


def aligned_delta(knowledge: Fixed[T], decision: Fixed[T], shift: Fixed[T]) -> Fixed[T]:
    """Return the delta z D' + shift, in the format of the shift."""
    format = QFormat(16, shift.frac)
    pull = (knowledge * slope(decision, format)).rounded(format.frac).named("pull")
    return (pull + shift).requantize(format)


def plain_delta(_knowledge: Fixed[T], _decision: Fixed[T], shift: Fixed[T]) -> Fixed[T]:
    """Return only the shift, because `alignment` is 0."""
    return shift


def step(delta: Fixed[T], mantissa: Fixed[T], format: QFormat) -> Fixed[T]:
    """Return delta times the mantissa of the rate; the weight update applies the rate's shift."""
    return (delta * mantissa).requantize(format)


def mantissa_of(like: Fixed[T], data: T) -> Fixed[T]:
    """Return a rate's mantissa with its proven interval, in the back end of `like`."""
    half = 1 << (Rate.MANTISSA_FRAC - 1)
    return Fixed(like.ops, data, Rate.MANTISSA_FRAC, half + 1, 2 * half)


# --- the rate of one sample -----------------------------------------------------------------------


def square_sum(ops: ArrayOps[T], inputs: Fixed[T], terms: int) -> Fixed[T]:
    """Return the sum of the squares of the integers of an input, (1, terms), as an integer (1, 1).

    C has its own loop for this sum.
    """
    sums = dot(ops, inputs, inputs, terms)
    return sums.bounded(0, sums.hi).scaled(sums.frac)  # a square is not negative


def step_limits(terms: int, format: QFormat) -> tuple[int, ...]:
    """Return the limits of the sum of the squares of an input with `terms` numbers in `format`.

    Limit k is sqrt(2) 2^k terms in real numbers, rounded down. Limits that no sum can exceed are
    left out.
    """
    unit, most = terms << 2 * format.frac, terms * format.minimum**2
    limits = (math.isqrt(2 * (unit << k) ** 2) for k in range(2 * format.bits))
    return tuple(limit for limit in limits if limit < most)


def normalized_halvings(
    square: Fixed[T], halvings: Fixed[T], limits: Sequence[int], most: int
) -> Fixed[T]:
    """Return how often the rate is halved for a sample: once more for each limit below `square`.

    With the limits of `step_limits`, the rate is divided by the power of two nearest to |x|^2/d, by
    its logarithm, if |x|^2/d is above 1. The result is at most `most`.
    """
    for limit in limits[:most]:
        above = (square - square.constant(float(limit))).saturated(0, 1)
        halvings = (halvings + above).named("total")
    return halvings.saturated(0, most)


# --- the update of a matrix; C has its own functions for it ---------------------------------------


def weight_change(weight: Fixed[T], products: Fixed[T], rate_shift: int) -> Fixed[T]:
    """Return the change of W: products * 2**-rate_shift, rounded to the fraction of the weight."""
    return products.scaled(-rate_shift).rounded(weight.frac)


def weight_step(weight: Fixed[T], products: Fixed[T], rate_shift: int) -> Fixed[T]:
    """Return W + round(products * 2**-rate_shift), saturated."""
    change = weight_change(weight, products, rate_shift)
    return (weight + change).saturated(weight.lo, weight.hi)
