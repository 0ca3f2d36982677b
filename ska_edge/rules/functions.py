"""Lists the per-neuron functions of a rule: names, arguments with their intervals, bodies.

The C generator traces every body into a C function.
"""

from __future__ import annotations

from dataclasses import dataclass

from ska_edge.arithmetic.fixedpoint import QFormat, Rate, Table
from ska_edge.arithmetic.function import Argument, FixedFunction
from ska_edge.rules.metric_sums import METRIC_TERMS, METRIC_WEIGHT_BITS, metric_term
from ska_edge.rules.neuron import (
    RAW,
    VARIANCE,
    WIDE_RAW,
    NeuronFormats,
    RawInput,
    code_shift,
    decision,
    forward_weight,
    mean_format,
    moved_mean,
    moved_variance,
    normalized_halvings,
    normalized_input,
    output_shift,
    output_value,
    plain_activation,
    projected_shift,
    published_shift,
    relu_activation,
    relu_shift,
    signed_activation,
    standardized,
    step,
    value_shift,
)
from ska_edge.rules.rule import CODE, PAST, READOUT, Rule


@dataclass(frozen=True, slots=True)
class NormalizedStep:
    """The arguments of `normalized_halvings` that a plan fixes.

    Attributes:
        limits: the rate is halved once for each limit below the sum of the squares of the inputs.
        largest: the largest sum of squares.
        most: how many times the rate can be halved.
    """

    limits: tuple[int, ...]
    largest: int
    most: int


def neuron_functions(
    rule: Rule,
    formats: NeuronFormats,
    table: Table,
    gain: int,
    input_format: QFormat,
    raw: RawInput | None = None,
    output: QFormat | None = None,
    normalized: NormalizedStep | None = None,
    running: bool = False,
) -> tuple[FixedFunction, ...]:
    """Return the per-neuron functions of a plan with this rule.

    `output` is the format of a regression's values; None if the outputs are decisions. `running`
    says whether inputs are normalized by running averages.
    """
    z = Argument.of("knowledge", formats.knowledge)
    d = Argument("decision", formats.decision.frac, 0, formats.decision.maximum)
    shift = Argument.of("shift", formats.shift)
    delta = Argument.of("delta", formats.shift)
    half = 1 << (Rate.MANTISSA_FRAC - 1)
    mantissa = Argument("mantissa", Rate.MANTISSA_FRAC, half + 1, 2 * half)
    # The fraction differs between layers; these functions use only the width.
    weight = Argument.of("weight", QFormat(formats.weight_bits, 0))
    made_of = FixedFunction

    functions = [] if raw is None else _raw_functions(raw, input_format)
    if running:
        functions += _running_functions(input_format)
    functions += [
        made_of(
            "forward_weight",
            "a weight as used in sums",
            (weight,),
            lambda w: forward_weight(w, formats.forward_bits),
        ),
        made_of("decision", "D = sigmoid(z)", (z,), lambda z: decision(z, table)),
        _activation(rule, formats),
    ]
    if rule.supervised:
        functions += _output_functions(formats, output)
    functions += _hidden_functions(rule, formats, gain)
    if normalized is not None:
        functions.append(_halvings_function(normalized))
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
            "a weight as used in the norm of W",
            (weight,),
            lambda w: forward_weight(w, METRIC_WEIGHT_BITS),
        ),
    ]
    previous_z = Argument.of("previous", formats.knowledge)
    for name in METRIC_TERMS:
        functions.append(
            made_of(
                f"metric_{name}",
                f"the term of one neuron in {name!r}",
                (z, d, shift, previous_z),
                lambda z, d, s, before, name=name: metric_term(name, z, d, s, before),
            )
        )
    return tuple(functions)


def _raw_functions(raw: RawInput, input_format: QFormat) -> list[FixedFunction]:
    # Features of float32 become integers of 32 bits, so they need only the wide function.
    multiplier = Argument("multiplier", raw.frac, 0, max(raw.multipliers))
    offset = Argument("offset", raw.frac, min(raw.offsets), max(raw.offsets))
    return [
        FixedFunction(
            name,
            summary,
            (Argument.of("raw", format), multiplier, offset),
            lambda r, m, o: standardized(r, m, o, input_format),
        )
        for name, summary, format in (
            ("standardized", "a raw feature as an input", RAW),
            ("standardized_wide", "a raw feature beyond 16 bits as an input", WIDE_RAW),
        )
        if raw.points is None or format is WIDE_RAW
    ]


def _running_functions(input_format: QFormat) -> list[FixedFunction]:
    x, variance = Argument.of("input", input_format), Argument.of("variance", VARIANCE)
    mean = Argument.of("mean", mean_format(input_format))
    return [
        FixedFunction(
            "normalized_input",
            "(x - mean) / sqrt(variance), with a power of two for the root",
            (x, mean, variance),
            lambda x, m, v: normalized_input(x, m, v, input_format),
        ),
        FixedFunction("moved_mean", "the running mean after an input", (x, mean), moved_mean),
        FixedFunction(
            "moved_variance",
            "the running variance minus 1 after an input",
            (x, mean, variance),
            moved_variance,
        ),
    ]


def _activation(rule: Rule, formats: NeuronFormats) -> FixedFunction:
    if rule.relu:
        return FixedFunction(
            "activation",
            "a = max(0, z), the next layer's input",
            (Argument.of("knowledge", formats.knowledge),),
            lambda z: relu_activation(z, formats.activation),
        )
    value, body = ("2D - 1", signed_activation) if rule.signed else ("D", plain_activation)
    return FixedFunction(
        "activation",
        f"a = {value}, the next layer's input",
        (Argument("decision", formats.decision.frac, 0, formats.decision.maximum),),
        lambda d: body(d, formats.activation),
    )


def _output_functions(formats: NeuronFormats, output: QFormat | None) -> list[FixedFunction]:
    if output is None:
        d = Argument("decision", formats.decision.frac, 0, formats.decision.maximum)
        target = Argument("target", formats.decision.frac, 0, formats.decision.maximum)
        return [FixedFunction("output_shift", "Y - D", (target, d), output_shift)]
    value, target = Argument.of("value", output), Argument.of("target", output)
    return [
        FixedFunction(
            "output_value",
            "the output of a regression: z in the format of the targets",
            (Argument.of("knowledge", formats.knowledge),),
            lambda z: output_value(z, output),
        ),
        FixedFunction(
            "output_shift",
            "target - value, saturated",
            (target, value),
            lambda target, value: value_shift(target, value, formats.shift),
        ),
    ]


def _halvings_function(step: NormalizedStep) -> FixedFunction:
    return FixedFunction(
        "halvings",
        "how many times the rate is halved for an input with this sum of squares",
        (Argument("square", 0, 0, step.largest), Argument("halvings", 0, 0, step.most)),
        lambda s, h: normalized_halvings(s, h, step.limits, step.most),
    )


def _hidden_functions(rule: Rule, formats: NeuronFormats, gain: int) -> list[FixedFunction]:
    d = Argument("decision", formats.decision.frac, 0, formats.decision.maximum)
    if rule.teacher == PAST:
        previous = Argument("previous", formats.decision.frac, 0, formats.decision.maximum)
        return [FixedFunction("shift", "D_k - D_{k-1}", (d, previous), published_shift)]
    if rule.teacher == CODE:
        present = Argument("present", 0, 0, 1)
        target = Argument("target", formats.decision.frac, 0, formats.decision.maximum)
        return [
            FixedFunction(
                "hidden_shift",
                "target of the code - D, if there is a code",
                (present, target, d),
                code_shift,
            )
        ]
    projection = Argument.of("projection", formats.projection)
    if rule.relu:
        hidden_shift = FixedFunction(
            "hidden_shift",
            f"2^{gain} times the projected error if z > 0, otherwise 0",
            (projection, Argument.of("knowledge", formats.knowledge)),
            lambda p, z: relu_shift(p, z, gain, formats.shift),
        )
    else:
        hidden_shift = FixedFunction(
            "hidden_shift",
            f"2^{gain} D' times the projected error",
            (projection, d),
            lambda p, d: projected_shift(p, d, gain, formats.shift),
        )
    functions = [hidden_shift]
    if rule.teacher == READOUT:
        error = FixedFunction(
            "error",
            "an output shift, narrowed to pass back through the readout",
            (Argument.of("shift", formats.shift),),
            lambda s: s.requantize(formats.error),
        )
        functions.insert(0, error)
    return functions
