"""The plan: every integer constant, format and table of a network, resolved before anything runs.

Host and device follow the same plan; its digest names it. Weights are not part of it (see
`model_file`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import cattrs

from ska_edge.errors import InputError
from ska_edge.fixedpoint import Fixed, QFormat, RangeError, Rate, Table, dot, largest_frac, width
from ska_edge.ops_interval import IntervalOps
from ska_edge.precision import PRECISIONS
from ska_edge.rule import RULES, NeuronFormats, Rule, decision_table

SCHEMA = 1
LARGEST_COUNT = 65535  # the C runtime counts inputs and neurons in 16 bits
MOST_LAYERS = 255  # and layers in 8
LONGEST_SHIFT = 31  # a C int32 cannot be shifted by more


@dataclass(frozen=True, slots=True)
class LayerPlan:
    """One layer: W (outputs, inputs) and b (outputs,), both in `weight` format.

    Attributes:
        inputs, outputs: fan-in and fan-out.
        input: format of what comes in.
        weight: format of the weights and biases.
        head: a hidden layer with a readout of its own, A (classes, outputs) and c (classes,).
    """

    inputs: int
    outputs: int
    input: QFormat
    weight: QFormat
    head: bool


@dataclass(frozen=True, slots=True)
class Tensor:
    """Where a tensor stands in the flat parameter array that host and device share.

    The order is layer by layer: weight (row-major), bias, then the head's weight and bias.
    """

    layer: int
    name: str  # "weight", "bias", "head_weight" or "head_bias"
    shape: tuple[int, ...]
    format: QFormat
    offset: int

    @property
    def size(self) -> int:
        """Number of integers."""
        rows = 1
        for length in self.shape:
            rows *= length
        return rows


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that fixes the integers of training and inference, except the weights.

    Attributes:
        rule, precision: names in `RULES` and `PRECISIONS`.
        layers: hidden layers and the output layer, in order.
        formats: the per-neuron formats, the same in all layers.
        labels: class names, one an output.
        rate: learning rate; with a batch, the division by its size is part of it.
        batch: samples an update sums over.
        steps: steps on a held batch (`published`), else 1.
        table: the decision table's integers.
        schema: version of this structure.
    """

    rule: str
    precision: str
    layers: tuple[LayerPlan, ...]
    formats: NeuronFormats
    labels: tuple[str, ...]
    rate: Rate
    batch: int
    steps: int
    table: tuple[int, ...]
    schema: int = SCHEMA

    @property
    def rule_definition(self) -> Rule:
        """The rule itself."""
        return RULES[self.rule]

    @property
    def inputs(self) -> int:
        """Width of the network's input."""
        return self.layers[0].inputs

    @property
    def classes(self) -> int:
        """Width of the output layer."""
        return self.layers[-1].outputs

    @property
    def sizes(self) -> tuple[int, ...]:
        """Inputs, hidden widths, classes."""
        return (self.inputs, *(layer.outputs for layer in self.layers))

    @property
    def decision_table(self) -> Table:
        """The lookup table of sigmoid."""
        return Table("ska_decision_table", self.table, self.formats.decision)

    def tensors(self) -> Iterator[Tensor]:
        """All parameters in the order of the flat array."""
        offset = 0
        for index, layer in enumerate(self.layers):
            shapes: list[tuple[str, tuple[int, ...]]] = [
                ("weight", (layer.outputs, layer.inputs)),
                ("bias", (layer.outputs,)),
            ]
            if layer.head:
                shapes += [
                    ("head_weight", (self.classes, layer.outputs)),
                    ("head_bias", (self.classes,)),
                ]
            for name, shape in shapes:
                tensor = Tensor(index, name, shape, layer.weight, offset)
                yield tensor
                offset += tensor.size

    @property
    def parameter_count(self) -> int:
        """Number of learned integers, heads included."""
        return sum(tensor.size for tensor in self.tensors())

    @property
    def parameter_bytes(self) -> int:
        """Bytes of the learned integers."""
        return sum(tensor.size * tensor.format.bits // 8 for tensor in self.tensors())

    # Shifts that the loops of the C runtime need as numbers; Python has them from the fractions.

    def forward_shift(self, layer: LayerPlan) -> int:
        """From the accumulator of W a to the knowledge."""
        return layer.weight.frac + layer.input.frac - self.formats.knowledge.frac

    def head_forward_shift(self, layer: LayerPlan) -> int:
        """The same for a layer's own readout, which reads the layer's activation."""
        return layer.weight.frac + self.formats.activation.frac - self.formats.knowledge.frac

    def update_shift(self, layer: LayerPlan) -> int:
        """From step * input to a change of a weight, the rate's shift included."""
        return self.formats.shift.frac + layer.input.frac - layer.weight.frac + self.rate.shift

    def head_update_shift(self, layer: LayerPlan) -> int:
        """From step * activation to a change of a readout's weight."""
        fraction = self.formats.shift.frac + self.formats.activation.frac
        return fraction - layer.weight.frac + self.rate.shift

    def bias_update_shift(self, layer: LayerPlan) -> int:
        """From step to a change of a bias."""
        return self.formats.shift.frac - layer.weight.frac + self.rate.shift

    def projection_shift(self, layer: LayerPlan) -> int:
        """From the accumulator of A^T e to the projection; A in the format of `layer`'s weights."""
        return layer.weight.frac + self.formats.error.frac - self.formats.projection.frac

    def to_json(self) -> dict[str, Any]:
        """The plan as plain data; `plan_from_json` is its inverse."""
        data: dict[str, Any] = cattrs.unstructure(self)
        return data

    @property
    def digest(self) -> str:
        """16 hexadecimal digits (8 bytes on the wire) that name this plan."""
        text = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def plan_from_json(data: Any) -> Plan:
    """A plan from plain data; raises InputError when it is none, or of another version."""
    found = data.get("schema") if isinstance(data, dict) else None
    if found != SCHEMA:
        raise InputError(f"the plan has schema {found}, this version reads schema {SCHEMA}")
    try:
        plan = cattrs.structure(data, Plan)
    except (cattrs.BaseValidationError, TypeError, ValueError, KeyError) as error:
        raise InputError("the plan is damaged: a field is missing or of another type") from error
    _check(plan)
    return plan


def make_plan(
    sizes: Sequence[int],
    *,
    rule: str = "local",
    precision: str = "w16a8",
    rate: float = 0.125,
    batch: int = 1,
    steps: int | None = None,
    input_format: QFormat | None = None,
    labels: Sequence[str] | None = None,
) -> Plan:
    """Resolve a plan and prove it.

    Args:
        sizes: inputs, hidden widths (none or more), classes.
        rule, precision: names in `RULES` and `PRECISIONS`.
        rate: real learning rate of one update; it is rounded to a `Rate`, and divided by the batch.
        batch: samples per update.
        steps: steps on a held batch, for rules without labels (2 by default), else 1.
        input_format: format of the input; the activation's by default.
        labels: class names; "0", "1", ... by default.

    Raises:
        InputError: the names are not known, a number makes no sense, or a sum leaves 64 bits.
    """
    if rule not in RULES:
        raise InputError(f"no rule {rule!r}; there are {', '.join(RULES)}")
    if precision not in PRECISIONS:
        raise InputError(f"no precision {precision!r}; there are {', '.join(PRECISIONS)}")
    if len(sizes) < 2 or min(sizes) < 1:
        raise InputError(f"layer sizes {list(sizes)} are not all positive")
    if batch < 1:
        raise InputError("the batch is at least 1")
    definition, profile = RULES[rule], PRECISIONS[precision]
    last = len(sizes) - 2
    layers = tuple(
        LayerPlan(
            inputs=sizes[index],
            outputs=sizes[index + 1],
            input=profile.activation if index else (input_format or profile.activation),
            weight=profile.weight,
            # The top hidden layer's readout is the output layer: same input, target and start.
            head=definition.heads and index < last - 1,
        )
        for index in range(last + 1)
    )
    classes = sizes[-1]
    error_frac = largest_frac(classes, profile.weight.bits, profile.shift.frac)
    plan = Plan(
        rule=rule,
        precision=precision,
        layers=layers,
        formats=NeuronFormats(
            knowledge=profile.knowledge,
            decision=profile.decision,
            activation=profile.activation,
            shift=profile.shift,
            error=QFormat(error_frac + 1, error_frac),
            projection=profile.projection,
        ),
        labels=tuple(labels) if labels is not None else tuple(str(c) for c in range(classes)),
        rate=Rate.from_real(rate / batch),
        batch=batch,
        steps=steps if steps is not None else 1 if definition.supervised else 2,
        table=decision_table(profile.decision),
    )
    _check(plan)
    return plan


def _check(plan: Plan) -> None:
    """Refuse what cannot be computed: unknown names, shifts out of range, sums beyond 64 bits."""
    if plan.rule not in RULES or plan.precision not in PRECISIONS:
        raise InputError(f"rule {plan.rule!r} with precision {plan.precision!r} is not known here")
    if not plan.layers:
        raise InputError("the plan has no layers")
    for below, above in pairwise(plan.layers):
        if below.outputs != above.inputs:
            raise InputError(f"a layer of {below.outputs} feeds one of {above.inputs} inputs")
    if max(plan.sizes) > LARGEST_COUNT or sum(plan.sizes[1:]) > LARGEST_COUNT:
        raise InputError(
            f"layer sizes {list(plan.sizes)} are too large: inputs, and all neurons together,"
            f" are at most {LARGEST_COUNT}"
        )
    if plan.table != decision_table(plan.formats.decision):
        raise InputError("the decision table is not sigmoid")
    if not 1 << (Rate.MANTISSA_FRAC - 1) < plan.rate.mantissa <= 1 << Rate.MANTISSA_FRAC:
        raise InputError(f"the rate's mantissa {plan.rate.mantissa} is out of range")
    if not (1 <= plan.batch <= LARGEST_COUNT and 1 <= plan.steps <= LARGEST_COUNT):
        raise InputError(f"batch and steps are 1 to {LARGEST_COUNT}")
    if len(plan.layers) > MOST_LAYERS:
        raise InputError(f"{len(plan.layers)} layers are too many: at most {MOST_LAYERS}")
    if not plan.rule_definition.supervised and plan.steps < 2:
        raise InputError(f"rule {plan.rule} needs at least 2 steps: the first only records")
    if len(plan.labels) != plan.classes:
        raise InputError(f"{len(plan.labels)} labels for {plan.classes} outputs")
    for index, layer in enumerate(plan.layers):
        shifts = {
            "forward": plan.forward_shift(layer),
            "update": plan.update_shift(layer),
            "bias update": plan.bias_update_shift(layer),
        }
        if plan.rule_definition.heads and len(plan.layers) > 1:
            shifts["projection"] = plan.projection_shift(layer)
        for name, shift in shifts.items():
            if 1 <= shift <= LONGEST_SHIFT:
                continue
            cause = f"the {name} shift would be {shift}, allowed are 1 to {LONGEST_SHIFT}"
            advice = "use fewer classes or another input format"
            if "update" in name:
                cause = f"the rate {plan.rate.real:g} is out of reach: {cause}"
                advice = "choose another rate"
            raise InputError(f"layer {index}: {cause}; {advice}")
    range_proof(plan)


@dataclass(frozen=True, slots=True)
class Bound:
    """One line of the range proof: no integer of this quantity ever leaves [lo, hi]."""

    layer: int
    quantity: str
    lo: int
    hi: int
    width: int  # bits of the C integer that holds it


def range_proof(plan: Plan) -> tuple[Bound, ...]:
    """Intervals of every sum that a layer computes, from the formats alone.

    The weights may stand anywhere in their format, the input too: no luck, no data.
    The per-neuron functions prove themselves when they are traced (see `fixedpoint.Fixed`).
    Raises InputError, naming the layer, for a sum that leaves 64 bits.
    """
    ops, formats = IntervalOps(), plan.formats
    bounds: list[Bound] = []

    def note(layer: int, quantity: str, value: Fixed[None], shift: int) -> None:
        hi = value.hi + (1 << (shift - 1))  # the rounding half is added inside the accumulator
        bounds.append(Bound(layer, quantity, value.lo, hi, width(value.lo, hi)))

    try:
        for index, layer in enumerate(plan.layers):
            weight = Fixed.of(ops, None, layer.weight)
            activation = Fixed.of(ops, None, formats.activation)
            step = Fixed.of(ops, None, formats.shift)
            incoming = Fixed.of(ops, None, layer.input)
            forward = dot(ops, weight, incoming, layer.inputs) + weight
            note(index, "knowledge sum", forward, plan.forward_shift(layer))
            update = dot(ops, step, incoming, plan.batch)
            note(index, "update sum", update, plan.update_shift(layer))
            if plan.rule_definition.heads and index < len(plan.layers) - 1:
                readout = plan.layers[-1] if not layer.head else layer
                matrix = Fixed.of(ops, None, readout.weight)
                error = Fixed.of(ops, None, formats.error)
                back = dot(ops, matrix, error, plan.classes)
                note(index, "projection sum", back, plan.projection_shift(readout))
            if layer.head:
                forward = dot(ops, weight, activation, layer.outputs) + weight
                note(index, "readout sum", forward, plan.head_forward_shift(layer))
                update = dot(ops, step, activation, plan.batch)
                note(index, "readout update sum", update, plan.head_update_shift(layer))
    except RangeError as error:
        raise InputError(
            f"layer {index}: {error}; use fewer inputs or a narrower format"
        ) from error
    return tuple(bounds)


def accumulator_width(plan: Plan) -> int:
    """32 or 64: the accumulator that every sum of the plan fits."""
    return max(bound.width for bound in range_proof(plan))
