"""The learning rule, written once: what one neuron computes, on `Fixed` values of any back end.

Per layer, with knowledge z = W a + b and decision D = sigmoid(z):

    delta = alignment * z D' + shift        W += rate * delta a^T        b += rate * delta

The rules differ in the shift (arXiv 2503.13942 for `published`; the others aim the same update at a
target), in the weight of the alignment term and in what the next layer sees (see `Rule`). Loops
over neurons and weights are not here: `trainer` has them in numpy, the C runtime by hand, and
agreement tests compare them bit for bit. To change a rule or add one, change this file.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ska_edge.arithmetic.fixedpoint import Fixed, QFormat, Rate, T, Table, interpolate

# Sums over the neurons of a layer (and the samples of a batch) that the device sends after a step;
# `metrics.py` turns them into the paper's quantities. The first six are sums of `METRIC_TERMS`.
METRICS = (
    "entropy",  # sum of z * shift
    "z_square",  # sum of z * z
    "shift_square",  # sum of shift * shift
    "decision_net",  # sum of D * (z - previous z); previous: the step before, `published` only
    "alignment_net",  # sum of z * D' * (z - previous z)
    "flow_square",  # sum of (z - previous z) ** 2
    "w_square",  # sum of W * W, of wider weights the upper 16 bits
    "z_saturated",  # knowledge values at a limit of their format
    "w_saturated",  # weights at a limit of their format
    "zero_updates",  # weights whose update rounded to zero in the last step
)

METRIC_TERMS = METRICS[:6]
SIGNED_METRICS = ("entropy", "decision_net", "alignment_net")  # others are squares and counts
METRIC_WEIGHT_BITS = 16  # the sum of squares of wider weights would leave 64 bits

TABLE_STEPS_LOG2 = 4  # the decision table has 16 steps per unit of z


@dataclass(frozen=True, slots=True)
class NeuronFormats:
    """Formats of what one neuron computes; the same in every layer of a plan."""

    knowledge: QFormat
    decision: QFormat
    activation: QFormat
    shift: QFormat
    error: QFormat  # an output shift narrowed so that its back-projection fits the accumulator
    projection: QFormat  # the back-projected error A^T e, or B e
    weight_bits: int  # a weight as it is stored and learns
    forward_bits: int  # a weight as it takes part in sums


@dataclass(frozen=True, slots=True)
class RawInput:
    """How a device standardizes raw integers itself: x = round(raw * multiplier + offset).

    Attributes:
        multipliers, offsets: one a feature, with `frac` fractional bits and in units of the input's
            last bit: 2**input.frac / scale and -mean * 2**input.frac / scale.
        frac: the same for all features, 1 to 31.
    """

    multipliers: tuple[int, ...]
    offsets: tuple[int, ...]
    frac: int


RAW = QFormat(16, 0)  # raw features are 16-bit integers


def decision_table(format: QFormat, limit: int) -> tuple[int, ...]:
    """sigmoid(z) at z = -limit, -limit + 1/16, ..., limit as integers of `format`, saturated."""
    steps = 1 << TABLE_STEPS_LOG2
    half = steps * limit
    values = (1 / (1 + math.exp(-i / steps)) for i in range(-half, half + 1))
    return tuple(min(math.floor(v * 2**format.frac + 0.5), format.maximum) for v in values)


# --- one neuron, forward --------------------------------------------------------------------------


def decision(knowledge: Fixed[T], table: Table) -> Fixed[T]:
    """D = sigmoid(z) by table and linear interpolation; z beyond the table takes its end."""
    limit = len(table.values) // 2 ** (TABLE_STEPS_LOG2 + 1)  # the table spans [-limit, limit]
    end = limit << knowledge.frac
    inside = knowledge.saturated(-end, end - 1)
    position = (inside + inside.constant(float(limit))).named("position")
    return interpolate(table, position, knowledge.frac - TABLE_STEPS_LOG2)


def signed_activation(decision: Fixed[T], format: QFormat) -> Fixed[T]:
    """The activation a = 2D - 1, the next layer's input."""
    centered = (decision.scaled(1) - decision.constant(1.0)).named("centered")
    return centered.requantize(format)


def plain_activation(decision: Fixed[T], format: QFormat) -> Fixed[T]:
    """The activation a = D, the next layer's input in the papers."""
    return decision.requantize(format)


def slope(decision: Fixed[T], format: QFormat) -> Fixed[T]:
    """D' = D (1 - D), at most 1/4; the largest decision stands for 1, so that its slope is 0."""
    largest = decision.constant(1.0 - 2.0**-decision.frac)
    product = decision * (largest - decision)
    # The parabola's top lies at D = 1/2, which the corners of the interval do not show.
    return product.bounded(0, 1 << (product.frac - 2)).rounded(format.frac).named("slope")


# --- one input, one weight ------------------------------------------------------------------------


def standardized(
    raw: Fixed[T], multiplier: Fixed[T], offset: Fixed[T], format: QFormat
) -> Fixed[T]:
    """A raw feature as an integer of the input's format: raw * multiplier + offset."""
    return (raw * multiplier + offset).rounded(0).saturated(format.minimum, format.maximum)


def forward_weight(weight: Fixed[T], bits: int) -> Fixed[T]:
    """A weight as it takes part in sums: the rounded upper `bits` of the stored one."""
    surplus = weight.hi.bit_length() + 1 - bits
    return weight.requantize(QFormat(bits, weight.frac - surplus)) if surplus > 0 else weight


# --- one neuron, the shifts -----------------------------------------------------------------------


def output_shift(target: Fixed[T], decision: Fixed[T]) -> Fixed[T]:
    """Y - D; the target is 0 or the largest decision."""
    return target - decision


def projected_shift(
    projection: Fixed[T], decision: Fixed[T], gain: int, format: QFormat
) -> Fixed[T]:
    """2**gain D' (A^T e) or 2**gain D' (B e): an error says where the decisions should move."""
    product = (slope(decision, format) * projection).named("product")
    return product.scaled(gain).requantize(format)


def code_shift(present: Fixed[T], target: Fixed[T], decision: Fixed[T]) -> Fixed[T]:
    """Target - D where the class has a code for this neuron (present is 1), else 0."""
    return (target - decision) * present


def published_shift(decision: Fixed[T], previous: Fixed[T]) -> Fixed[T]:
    """D_k - D_{k-1} of the same sample, one step apart."""
    return decision - previous


# --- one neuron, the update -----------------------------------------------------------------------


def aligned_delta(knowledge: Fixed[T], decision: Fixed[T], shift: Fixed[T]) -> Fixed[T]:
    """The delta z D' + shift, in the format of the shift."""
    format = QFormat(16, shift.frac)
    pull = (knowledge * slope(decision, format)).rounded(format.frac).named("pull")
    return (pull + shift).requantize(format)


def plain_delta(_knowledge: Fixed[T], _decision: Fixed[T], shift: Fixed[T]) -> Fixed[T]:
    """The shift alone: the alignment term has weight 0."""
    return shift


def step(delta: Fixed[T], mantissa: Fixed[T], format: QFormat) -> Fixed[T]:
    """Delta times the mantissa of the rate; the rate's shift is left to the weight update."""
    return (delta * mantissa).requantize(format)


def mantissa_of(like: Fixed[T], data: T) -> Fixed[T]:
    """A rate's mantissa as a value with its proven interval (see `fixedpoint.Rate`)."""
    half = 1 << (Rate.MANTISSA_FRAC - 1)
    return Fixed(like.ops, data, Rate.MANTISSA_FRAC, half + 1, 2 * half)


# --- a layer: what every loop that is not C shares ------------------------------------------------


def weight_change(weight: Fixed[T], products: Fixed[T], rate_shift: int) -> Fixed[T]:
    """How much W changes: products * 2**-rate_shift, rounded to the fraction of the weight."""
    return products.scaled(-rate_shift).rounded(weight.frac)


def weight_step(weight: Fixed[T], products: Fixed[T], rate_shift: int) -> Fixed[T]:
    """W + round(products * 2**-rate_shift), saturated: the only place where a weight changes."""
    change = weight_change(weight, products, rate_shift)
    return (weight + change).saturated(weight.lo, weight.hi)


# --- metrics --------------------------------------------------------------------------------------


def metric_term(
    name: str, knowledge: Fixed[T], decision: Fixed[T], shift: Fixed[T], previous: Fixed[T]
) -> Fixed[T]:
    """What one neuron adds to the sum of this name in `METRICS`: an exact product.

    `previous` is the knowledge one step before; rules without steps pass the knowledge itself.
    """
    if name == "entropy":
        return knowledge * shift
    if name == "z_square":
        return knowledge * knowledge
    if name == "shift_square":
        return shift * shift
    if name == "decision_net":
        return decision * (knowledge - previous)
    if name == "flow_square":
        change = (knowledge - previous).named("change")
        return change * change
    if name == "alignment_net":
        pull = (knowledge * slope(decision, QFormat(16, decision.frac))).named("pull")
        return pull * (knowledge - previous)
    raise ValueError(f"{name!r} is not a sum over neurons")


# --- the rules ------------------------------------------------------------------------------------


# What tells a hidden layer where its decisions should move.
READOUT = "readout"  # the error of the layer's own readout, back through that readout
SIGNS = "signs"  # the output layer's error through fixed random signs
CODE = "code"  # a fixed random code of the class
PAST = "past"  # its own decisions one step before


@dataclass(frozen=True, slots=True)
class Rule:
    """A learning rule: which of the functions above it is made of.

    Attributes:
        name: as on the command line.
        summary: one line for people.
        teacher: what a hidden layer's shift comes from: READOUT, SIGNS, CODE or PAST.
        signed: a = 2D - 1 between layers, otherwise a = D.
        aligned: delta has the alignment term z D'.
    """

    name: str
    summary: str
    teacher: str
    signed: bool
    aligned: bool

    @property
    def supervised(self) -> bool:
        """Learns from labels, one step a batch; otherwise `steps` steps on a held batch."""
        return self.teacher != PAST

    @property
    def heads(self) -> bool:
        """Hidden layers carry a readout of their own (the top one shares the output layer)."""
        return self.teacher == READOUT

    def gain(self, classes: int) -> int:
        """The exponent g of a projected shift: 4 D' (A^T e) for a readout; for random signs the
        power of two next to 4 / sqrt(classes), as so many signs add up to a random walk.
        """
        return 2 - round(math.log2(classes) / 2) if self.teacher == SIGNS else 2

    def activation(self, decision: Fixed[T], format: QFormat) -> Fixed[T]:
        """The next layer's input."""
        return (signed_activation if self.signed else plain_activation)(decision, format)

    def delta(self, knowledge: Fixed[T], decision: Fixed[T], shift: Fixed[T]) -> Fixed[T]:
        """What the update multiplies with the layer's input."""
        return (aligned_delta if self.aligned else plain_delta)(knowledge, decision, shift)


RULES = {
    rule.name: rule
    for rule in (
        Rule(
            name="local",
            summary="every hidden layer follows the error of its own small readout (needs labels)",
            teacher=READOUT,
            signed=True,
            aligned=False,
        ),
        Rule(
            name="feedback",
            summary="hidden layers follow the output's error through random signs (needs labels)",
            teacher=SIGNS,
            signed=True,
            aligned=False,
        ),
        Rule(
            name="code",
            summary="hidden layers follow a random code of the class (needs labels)",
            teacher=CODE,
            signed=True,
            aligned=False,
        ),
        Rule(
            name="published",
            summary="the paper's dynamics: decisions follow their own change (no labels)",
            teacher=PAST,
            signed=False,
            aligned=True,
        ),
    )
}


# --- the per-neuron functions as a list, for the C generator and for exhaustive tests -------------


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a `NeuronFunction`: its name, fraction and the integers it can take."""

    name: str
    frac: int
    lo: int
    hi: int

    @classmethod
    def of(cls, name: str, format: QFormat) -> Argument:
        """An argument that is stored in `format`."""
        return cls(name, format.frac, format.minimum, format.maximum)


@dataclass(frozen=True, slots=True)
class NeuronFunction:
    """One function of one neuron: arguments, what it says to a reader, and its body on `Fixed`."""

    name: str
    summary: str
    arguments: tuple[Argument, ...]
    body: Callable[..., Fixed[Any]]


def neuron_functions(
    rule: Rule,
    formats: NeuronFormats,
    table: Table,
    gain: int,
    input_format: QFormat,
    raw: RawInput | None = None,
) -> tuple[NeuronFunction, ...]:
    """Every per-neuron function that a plan with this rule needs, in reading order."""
    z = Argument.of("knowledge", formats.knowledge)
    d = Argument("decision", formats.decision.frac, 0, formats.decision.maximum)
    target = Argument("target", formats.decision.frac, 0, formats.decision.maximum)
    shift = Argument.of("shift", formats.shift)
    delta = Argument.of("delta", formats.shift)
    half = 1 << (Rate.MANTISSA_FRAC - 1)
    mantissa = Argument("mantissa", Rate.MANTISSA_FRAC, half + 1, 2 * half)
    # Only its width matters here: the fraction differs from layer to layer.
    weight = Argument.of("weight", QFormat(formats.weight_bits, 0))
    made_of = NeuronFunction

    functions = []
    if raw is not None:
        functions.append(
            made_of(
                "standardized",
                "a raw feature as an input",
                (
                    Argument.of("raw", RAW),
                    Argument("multiplier", raw.frac, 0, max(raw.multipliers)),
                    Argument("offset", raw.frac, min(raw.offsets), max(raw.offsets)),
                ),
                lambda r, m, o: standardized(r, m, o, input_format),
            )
        )
    functions += [
        made_of(
            "forward_weight",
            "a weight as it takes part in sums",
            (weight,),
            lambda w: forward_weight(w, formats.forward_bits),
        ),
        made_of("decision", "D = sigmoid(z)", (z,), lambda z: decision(z, table)),
        made_of(
            "activation",
            "a = 2D - 1, the next layer's input"
            if rule.signed
            else "a = D, the next layer's input",
            (d,),
            lambda d: rule.activation(d, formats.activation),
        ),
    ]
    if rule.supervised:
        functions.append(made_of("output_shift", "Y - D", (target, d), output_shift))
    functions += _hidden_functions(rule, formats, gain)
    functions += [
        made_of(
            "delta",
            "z D' + shift" if rule.aligned else "the shift: the alignment term has weight 0",
            (z, d, shift),
            rule.delta,
        ),
        made_of(
            "step",
            "delta times the mantissa of the rate",
            (delta, mantissa),
            lambda delta, m: step(delta, m, formats.shift),
        ),
        made_of(
            "metric_weight",
            "a weight as it counts in the norm of W",
            (weight,),
            lambda w: forward_weight(w, METRIC_WEIGHT_BITS),
        ),
    ]
    previous_z = Argument.of("previous", formats.knowledge)
    for name in METRIC_TERMS:
        functions.append(
            made_of(
                f"metric_{name}",
                f"what one neuron adds to {name!r}",
                (z, d, shift, previous_z),
                lambda z, d, s, before, name=name: metric_term(name, z, d, s, before),
            )
        )
    return tuple(functions)


def _hidden_functions(rule: Rule, formats: NeuronFormats, gain: int) -> list[NeuronFunction]:
    """The functions of a hidden layer's shift, by what teaches the layer."""
    d = Argument("decision", formats.decision.frac, 0, formats.decision.maximum)
    if rule.teacher == PAST:
        previous = Argument("previous", formats.decision.frac, 0, formats.decision.maximum)
        return [NeuronFunction("shift", "D_k - D_{k-1}", (d, previous), published_shift)]
    if rule.teacher == CODE:
        present = Argument("present", 0, 0, 1)
        target = Argument("target", formats.decision.frac, 0, formats.decision.maximum)
        return [
            NeuronFunction(
                "hidden_shift",
                "the code's target - D, where there is a code",
                (present, target, d),
                code_shift,
            )
        ]
    projection = Argument.of("projection", formats.projection)
    functions = [
        NeuronFunction(
            "hidden_shift",
            f"2^{gain} D' times the projected error",
            (projection, d),
            lambda p, d: projected_shift(p, d, gain, formats.shift),
        )
    ]
    if rule.teacher == READOUT:
        error = NeuronFunction(
            "error",
            "an output shift, narrowed for its way back through the readout",
            (Argument.of("shift", formats.shift),),
            lambda s: s.requantize(formats.error),
        )
        functions.insert(0, error)
    return functions
