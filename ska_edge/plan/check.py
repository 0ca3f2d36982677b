"""Checks, before a plan is used, that the arithmetic supports every number in it.

A newly resolved plan must pass this check, and so must a plan from a file.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import cattrs

from ska_edge.arithmetic.fixedpoint import INT64_MAX, Fixed, QFormat, Rate
from ska_edge.arithmetic.interval_ops import IntervalOps
from ska_edge.errors import InputError
from ska_edge.plan.formats import (
    COARSEST_KNOWLEDGE,
    FINEST_KNOWLEDGE,
    activation_format,
    layer_plans,
    neuron_formats,
)
from ska_edge.plan.input_check import check_features, check_raw
from ska_edge.plan.layer import Matrix
from ska_edge.plan.margin import largest_margin
from ska_edge.plan.plan import LONGEST_SHIFT, SCHEMA, Plan
from ska_edge.plan.precision import PRECISIONS
from ska_edge.plan.range_proof import range_proof
from ska_edge.plan.replay import BUFFERS, Replay
from ska_edge.plan.spare import spare_labels
from ska_edge.rules.confidence import UNKNOWN_NAMES
from ska_edge.rules.neuron import RAW, decision_table
from ska_edge.rules.rule import ACTIVATIONS, READOUT, RELU, RULES, SIGNS

LARGEST_COUNT = 65535  # C counts inputs, samples of a batch and steps in 16 bits
MOST_NEURONS = 65504  # the largest multiple of 32 in 16 bits: C counts neurons in steps up to 32
MOST_LAYERS = 255  # the C runtime counts layers in 8 bits
LARGEST_SEED = 2**32 - 1
MOST_HALVINGS = 8  # slower hidden layers learn next to nothing with 16-bit weights
MOST_REPLAYS = 255
MOST_DECAYS = 8  # the rate that is left, 1/256, changes next to nothing
MOST_SAMPLES = 2**32 - 1  # a device counts its samples in 32 bits
MOST_SPARES = 64  # a limit for the number of spare outputs, because each one takes memory
MOST_CELLS = 2**27  # a state has at most this many integers; the host stores each in 8 bytes
LONGEST_LABEL = 255  # characters of a class name
NARROW_WEIGHT_BITS = 16
FARTHEST_RATE = 1100  # largest shift of a rate; no float64 needs more


def plan_from_json(data: Any) -> Plan:
    """Convert plain data to a plan; raise InputError unless it is a valid plan of this version."""
    found = data.get("schema") if isinstance(data, dict) else None
    if type(found) is not int or found != SCHEMA:
        raise InputError(
            f"the plan has schema {found!r:.40}, but this version reads schema {SCHEMA}"
        )
    try:
        plan = cattrs.structure(data, Plan)
        # cattrs reads "3" and 3.5 as 3, and a text as a list of letters: convert back and compare.
        faithful = _text(plan.to_json()) == _text(data)
    except (
        cattrs.BaseValidationError,
        ArithmeticError,
        KeyError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        raise InputError("the plan is damaged: a field is missing or of another type") from error
    if not faithful:
        raise InputError("the plan is damaged: a field is unknown or of another type")
    check_plan(plan)
    return plan


def _text(data: Any) -> str:
    return json.dumps(data, sort_keys=True)


def check_plan(plan: Plan) -> None:
    """Raise InputError unless the arithmetic supports every number of a plan.

    Numbers that calibration or a user chooses must be in their range. The shifts must be possible
    in C, and the sums must fit into 64 bits.
    """
    if plan.rule not in RULES:
        raise InputError(f"rule {plan.rule!r:.40} is none of {', '.join(RULES)}")
    if plan.precision not in PRECISIONS:
        raise InputError(
            f"precision {plan.precision!r:.40} is none of {', '.join(PRECISIONS)}; train the model"
            " again with one of these"
        )
    if plan.activation not in ACTIVATIONS:
        raise InputError(f"activation {plan.activation!r:.40} is none of {', '.join(ACTIVATIONS)}")
    _check_sizes(plan)
    _check_formats(plan)
    _check_learning(plan)
    _check_labels(plan)
    if plan.raw is not None:
        check_raw(plan, plan.raw)
    if plan.front is not None:
        check_features(plan, plan.front)
    for index, layer in enumerate(plan.layers):
        for matrix in layer.matrices:
            _check_matrix(plan, index, matrix)
    range_proof(plan)
    _prove_functions(plan)


def _check_sizes(plan: Plan) -> None:
    if not plan.layers:
        raise InputError("the plan has no layers")
    if len(plan.layers) > MOST_LAYERS:
        raise InputError(f"{len(plan.layers)} layers are too many: at most {MOST_LAYERS}")
    for below, above in pairwise(plan.layers):
        if below.outputs != above.inputs:
            raise InputError(
                f"a layer with {below.outputs} outputs feeds a layer with {above.inputs} inputs"
            )
    if min(plan.sizes) < 1:
        raise InputError(f"layer sizes {list(plan.sizes)} are not all positive")
    if plan.inputs > LARGEST_COUNT or sum(plan.sizes[1:]) > MOST_NEURONS:
        raise InputError(
            f"layer sizes {list(plan.sizes)} are too large: there are at most {LARGEST_COUNT}"
            f" inputs and, in all layers together, {MOST_NEURONS} neurons"
        )


def _check_formats(plan: Plan) -> None:
    profile = PRECISIONS[plan.precision]
    knowledge, incoming = plan.formats.knowledge, plan.layers[0].input
    if not (
        knowledge.bits in (RAW.bits, profile.knowledge.bits)
        and COARSEST_KNOWLEDGE <= knowledge.frac <= FINEST_KNOWLEDGE
    ):
        raise InputError(
            f"the knowledge has {knowledge.bits} bits with {knowledge.frac} of fraction;"
            f" {plan.precision} supports {profile.knowledge.bits} bits with {COARSEST_KNOWLEDGE}"
            f" to {FINEST_KNOWLEDGE} of fraction"
        )
    if not (incoming.bits == profile.activation.bits and 0 <= incoming.frac < incoming.bits):
        raise InputError(
            f"the input has {incoming.bits} bits with {incoming.frac} of fraction; {plan.precision}"
            f" supports {profile.activation.bits} bits with 0 to {profile.activation.bits - 1} of"
            " fraction"
        )
    activation = plan.formats.activation
    wanted = activation_format(profile, plan.activation)
    if plan.activation == RELU and 0 <= activation.frac < wanted.bits:
        wanted = QFormat(wanted.bits, activation.frac)
    if plan.formats != neuron_formats(profile, plan.classes, knowledge, wanted):
        raise InputError(f"the formats of the neurons are not those of {plan.precision}")
    bits = profile.weight.bits
    for index, layer in enumerate(plan.layers):
        for matrix in layer.matrices:
            if matrix.weight.bits != bits or not -bits < matrix.weight.frac < bits:
                raise InputError(
                    f"layer {index}: weights of {matrix.weight.bits} bits with"
                    f" {matrix.weight.frac} of fraction are not supported in {plan.precision}"
                )
    weights = {
        (tensor.layer, tensor.name): tensor.format
        for tensor in plan.tensors()
        if tensor.name.endswith("weight")
    }
    rule, halvings, linear = plan.rule_definition, plan.hidden_halvings, plan.regression
    resolved = layer_plans(
        plan.sizes, rule, profile, incoming, activation, weights, halvings, linear
    )
    for index, (found, layer) in enumerate(zip(plan.layers, resolved, strict=True)):
        if found.matrix.halvings != layer.matrix.halvings:
            raise InputError(
                f"layer {index}: its rate is halved {found.matrix.halvings} times; all hidden"
                " layers have one rate, and the output layer has that of its task"
            )
        if found != layer:
            raise InputError(
                f"layer {index}: its input or its readout does not belong to rule {plan.rule} with"
                f" {plan.precision}"
            )
    output = plan.output
    if output is not None and not (output.bits == RAW.bits and 0 <= output.frac < output.bits):
        raise InputError(
            f"the outputs have {output.bits} bits with {output.frac} of fraction; a regression"
            f" supports {RAW.bits} bits with 0 to {RAW.bits - 1} of fraction"
        )
    if plan.table != decision_table(profile.decision, profile.table_limit):
        raise InputError("the decision table is not sigmoid")


def _check_learning(plan: Plan) -> None:
    if not 1 << (Rate.MANTISSA_FRAC - 1) < plan.rate.mantissa <= 1 << Rate.MANTISSA_FRAC:
        raise InputError(f"the rate's mantissa {plan.rate.mantissa} is out of range")
    if not -FARTHEST_RATE <= plan.rate.shift <= FARTHEST_RATE:
        raise InputError(f"the rate's shift {plan.rate.shift} is out of range")
    if not (1 <= plan.batch <= LARGEST_COUNT and 1 <= plan.steps <= LARGEST_COUNT):
        raise InputError(f"batch and steps are 1 to {LARGEST_COUNT}")
    if not 0 <= plan.seed <= LARGEST_SEED:
        raise InputError(f"the seed {plan.seed} is not in 0 to {LARGEST_SEED}")
    if plan.first_learned not in (0, plan.hidden):
        raise InputError(f"the first layer that learns is 0 or {plan.hidden}")
    largest_square = plan.formats.knowledge.minimum**2
    if max(plan.sizes[1:]) * plan.batch * largest_square > INT64_MAX:
        raise InputError(
            f"a batch of {plan.batch} is too large: the sum of the squares of the knowledge would"
            " exceed 64 bits"
        )
    _check_rule(plan)
    cells = plan.parameter_count
    cells += (plan.batch + plan.classes * plan.replay.per_class) * plan.inputs
    if cells > MOST_CELLS:
        raise InputError(
            f"weights, batch and past samples are {cells} integers, more than the {MOST_CELLS} of"
            " the largest state; use a smaller network, batch or replay buffer"
        )


def check_rejecting(labels: Sequence[str]) -> None:
    """Raise InputError if a class has the name that rejected samples get."""
    for label in labels:
        if label in UNKNOWN_NAMES:
            raise InputError(
                f"the class '{label}' has the name that samples of no known class get; rename it"
            )


def _check_labels(plan: Plan) -> None:
    if len(plan.labels) != plan.classes:
        raise InputError(f"there are {len(plan.labels)} labels for {plan.classes} outputs")
    if not 0 <= plan.spares < min(plan.classes, MOST_SPARES + 1):
        raise InputError(f"{plan.spares} of {plan.classes} outputs cannot be spare")
    if plan.labels[plan.named :] != spare_labels(plan.spares):
        raise InputError("the labels of the spare outputs are wrong")
    if len(set(plan.labels)) != len(plan.labels):
        (twice, *_) = (label for label in plan.labels if plan.labels.count(label) > 1)
        noun = "targets" if plan.regression else "classes"
        raise InputError(f"two {noun} have the same label, {twice!a:.40}")
    if plan.least_confidence:
        check_rejecting(plan.labels)
    for label in plan.labels:
        if len(label) > LONGEST_LABEL:
            raise InputError(
                f"the label {label[:40]!r}... has {len(label)} characters; at most"
                f" {LONGEST_LABEL} are allowed"
            )
        if any(0xD800 <= ord(character) <= 0xDFFF for character in label):
            raise InputError(f"the label {label!a} is no text: half a character is in it")


def _prove_functions(plan: Plan) -> None:
    # The trace raises RangeError for a value that exceeds 64 bits.
    ops = IntervalOps()
    for function in plan.neuron_functions():
        function.body(*(Fixed(ops, None, a.frac, a.lo, a.hi) for a in function.arguments))


def _check_rule(plan: Plan) -> None:
    replay = plan.replay
    if plan.regression and plan.rule_definition.teacher not in (READOUT, SIGNS):
        raise InputError(
            f"rule {plan.rule} learns no numbers; a regression needs rule local or feedback"
        )
    if plan.regression and replay.per_class:
        raise InputError(
            "a replay buffer stores samples of each class, and a regression has no classes"
        )
    if plan.rule_definition.supervised:
        if plan.steps != 1:
            raise InputError(f"rule {plan.rule} learns in one step, not in {plan.steps}")
    else:
        if plan.steps < 2:
            raise InputError(f"rule {plan.rule} needs at least 2 steps: the first only records")
        if plan.first_learned:
            raise InputError(f"rule {plan.rule} has no labels: its output layer cannot learn alone")
        if replay != Replay():
            raise InputError(f"rule {plan.rule} learns from a held batch; it has no replay buffer")
    if replay.kind not in BUFFERS:
        raise InputError(f"{replay.kind!r} is no kind of replay buffer: {' or '.join(BUFFERS)}")
    if min(replay.per_class, replay.per_sample) < 0:
        raise InputError("a replay buffer cannot have a negative number of samples")
    if (replay.per_class > 0) != (replay.per_sample > 0):
        raise InputError(
            "a replay buffer needs two numbers: samples stored per class, and samples learned again"
        )
    if not (
        0 <= replay.per_class * plan.classes <= LARGEST_COUNT
        and 0 <= replay.per_sample <= MOST_REPLAYS
    ):
        raise InputError(
            f"the replay buffer holds at most {LARGEST_COUNT} samples,"
            f" and at most {MOST_REPLAYS} are learned again with each new one"
        )
    if replay.per_class and plan.batch != 1:
        raise InputError("a replay buffer learns sample by sample; leave the batch at 1")
    if plan.activation == RELU and not plan.rule_definition.rectifies:
        able = " and ".join(name for name, rule in RULES.items() if rule.rectifies)
        raise InputError(
            f"rule {plan.rule} has no activation {RELU}, which needs the errors of a readout or of"
            f" the output; the rules {able} have it"
        )
    if plan.spares and not plan.rule_definition.supervised:
        raise InputError(f"rule {plan.rule} has no classes, so it has no spare classes")
    if plan.spares and plan.output is not None:
        raise InputError("a regression has no classes, so it has no spare classes")
    if plan.margin and not plan.rule_definition.supervised:
        raise InputError(f"rule {plan.rule} has no output errors, so it has no margin")
    if not 0 <= plan.margin <= largest_margin(plan.formats.shift):
        raise InputError(f"the margin {plan.margin} is out of range")
    if plan.least_confidence and plan.regression:
        raise InputError("a regression has no classes, so it has no least confidence")
    if plan.least_confidence and not (plan.rule_definition.supervised and plan.classes > 1):
        raise InputError(
            f"rule {plan.rule} with {plan.classes} outputs: its confidence says nothing about"
            " classes, so there is no least confidence"
        )
    if not 0 <= plan.least_confidence <= plan.formats.decision.maximum:
        raise InputError(f"the least confidence {plan.least_confidence} is out of range")
    if plan.normalized and not plan.rule_definition.supervised:
        raise InputError(
            f"rule {plan.rule} learns from a held batch; its step cannot be normalized"
        )
    if plan.normalized and plan.batch != 1:
        raise InputError("a normalized step is that of one sample; leave the batch at 1")
    _check_decay(plan)
    if plan.running_normalization and not plan.rule_definition.supervised:
        raise InputError(f"rule {plan.rule} has no running normalization, because it has no labels")
    if plan.running_normalization and plan.batch != 1:
        raise InputError("running averages move with single samples; leave the batch at 1")
    if plan.hidden_halvings and not plan.rule_definition.supervised:
        raise InputError(f"rule {plan.rule} learns all layers at one rate")
    if not 0 <= plan.hidden_halvings <= MOST_HALVINGS:
        raise InputError(
            f"the rate of the hidden layers can be halved at most {MOST_HALVINGS} times, not"
            f" {plan.hidden_halvings}"
        )


def _check_decay(plan: Plan) -> None:
    times, samples = plan.decay.times, plan.decay.samples
    if times and not plan.rule_definition.supervised:
        raise InputError(f"rule {plan.rule} learns from a held batch; its rate cannot fall")
    if times and plan.batch != 1:
        raise InputError("a rate falls with single samples; leave the batch at 1")
    if not 0 <= times <= MOST_DECAYS:
        raise InputError(f"a device's rate can halve at most {MOST_DECAYS} times, not {times}")
    if times > plan.rate_halvings_max:
        raise InputError(
            f"a device's rate cannot halve {times} times: with the formats of this plan, at most"
            f" {plan.rate_halvings_max} are possible"
        )
    if not (1 <= samples <= MOST_SAMPLES if times else samples == 0):
        raise InputError(
            f"a rate that halves {times} times after every {samples} samples is impossible; the"
            f" samples are 1 to {MOST_SAMPLES}"
        )


def _check_matrix(plan: Plan, index: int, matrix: Matrix) -> None:
    # The changes of wide weights have 64 bits, so C can also shift them to the left.
    least = -LONGEST_SHIFT if plan.formats.weight_bits > NARROW_WEIGHT_BITS else 1
    shifts = {
        "sum": (plan.sum_align(matrix), 0),
        "bias": (plan.bias_align(matrix), 0),
        "forward": (plan.forward_shift(matrix), 1),
        "update": (plan.update_shift(matrix) + plan.rate.shift, least),
        "bias update": (plan.bias_update_shift(matrix) + plan.rate.shift, least),
    }
    if plan.rule_definition.readouts and plan.hidden:
        shifts["projection"] = (plan.projection_shift(matrix), 1)
    for name, (shift, least) in shifts.items():
        if least <= shift <= LONGEST_SHIFT:
            continue
        cause = f"the {name} shift would be {shift}, but must be {least} to {LONGEST_SHIFT}"
        advice = "use a smaller rate, fewer classes or another input format"
        if "update" in name:
            cause = f"the rate {plan.rate.real:g} is impossible: {cause}"
            advice = "choose another rate"
        raise InputError(f"layer {index}: {cause}; {advice}")
