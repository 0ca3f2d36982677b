"""Describes the members of `ska_t` once, for ska_state.h and for the prediction of the RAM.

The learned state in RAM comes first (see residence.py). The members here come after it: forward
passes and updates compute them. Only the headroom is kept from update to update; in a new state it
is 0. To add a member, yield one more `Member`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from firmware_gen.memory.residence import only_infers, ram_fields, saved_bytes
from ska_edge.plan.plan import Plan
from ska_edge.plan.range_proof import accumulator_width, update_width
from ska_edge.plan.state_field import StateField
from ska_edge.rules.rule import READOUT

EIGHT = 8  # number of inputs that the DSP kernel reads at once
PORTABLE, DSP, MVE, THUMB, AVR = "portable", "dsp", "mve", "thumb", "avr"
ANY = "any"  # all cores: every member that any core has


@dataclass(frozen=True)
class Member:
    """A member of `ska_t`: the title of its part of the memory, and its array.

    With `guard`, a condition of the preprocessor, the member exists only on some cores; see
    ska_target.h. `kind` is its type in C, if that differs from core to core.
    """

    part: str
    field: StateField
    guard: str | None = None
    kind: str | None = None


def members(plan: Plan, core: str, in_flash: int = 0) -> Iterator[Member]:
    """Return the members of ska_t in memory order, on a core with this value of `Board.kernel`.

    `ANY` gives every member that any core has, each with its guard. The first `in_flash` parameters
    are in flash; if all of them are, the network only classifies.
    """
    for field in ram_fields(plan, in_flash):
        yield Member("state", field)
    kernel = kernel_of(plan, core)
    yield from _lanes(plan, kernel, in_flash)
    if only_infers(plan, in_flash):
        yield from _inference(plan, kernel)
        return
    yield from _forward(plan, kernel)
    if not plan.rule_definition.supervised:
        yield from _unlabeled(plan)
        return
    yield from _labeled(plan)
    if has_headroom(plan, core):
        rows = ("rows", _neurons(plan)[1] + plan.classes * _readouts(plan))
        note = "no weight of the row is nearer than this to an end of its format"
        field = StateField("headroom", "<i2", (rows,), note)
        yield Member("headroom of each row", field, "if SKA_HEADROOM")
    if plan.rate_varies:
        note = "how many times the rate was halved in the last step"
        yield Member("rate of the last step", StateField("halvings", "<u1", (), note))


def kernel_of(plan: Plan, core: str) -> str:
    """Return the kernel that the plan uses on a core; see runtime/ska_target.h."""
    if plan.formats.weight_bits == 16 and plan.layers[0].input.bits == 8:
        if core in (DSP, MVE, ANY):
            return DSP  # the MVE kernel has the same members as the DSP kernel
        narrow = accumulator_width(plan) == update_width(plan) == 32
        if core == THUMB and narrow:
            return THUMB
    return PORTABLE


def has_headroom(plan: Plan, core: str) -> bool:
    """Tell whether the core's kernel keeps a headroom for each row; see runtime/ska_target.h."""
    narrow = plan.formats.weight_bits == 16 and plan.layers[0].input.bits == 8
    return (
        narrow
        and update_width(plan) == 32
        and (core == ANY or (core != AVR and kernel_of(plan, core) != DSP))
    )


def _lanes(plan: Plan, kernel: str, in_flash: int) -> Iterator[Member]:
    """Return the members that hold a layer's inputs in the form that the kernel needs."""
    if kernel == PORTABLE:
        return
    part, guard, widest = "inputs of a layer", "ifdef SKA_LANES", _widest(plan)
    lanes = ("lanes", -(-widest // EIGHT) * EIGHT if kernel == DSP else widest)
    if only_infers(plan, in_flash):
        field = StateField("align", "<u4", (), "aligns lanes, which are read by words")
    else:
        align = ("", 4 - saved_bytes(plan, in_flash) % 4)
        field = StateField("align", "<u1", (align,), "padding, because lanes are read by words")
    yield Member(part, field, guard)
    note = "scratch: the inputs of one layer"
    width = "<i4" if kernel == THUMB else "<i2"
    yield Member(part, StateField("lanes", width, (lanes,), note), guard, "ska_lane_t")


def _inference(plan: Plan, kernel: str) -> Iterator[Member]:
    """Return the members of a network that only classifies; it may read its input in place."""
    at_once = EIGHT if kernel == DSP else 1
    copied = plan.inputs % at_once or plan.running_normalization
    inputs = plan.inputs if copied else 0
    hidden = _neurons(plan)[1] - plan.classes
    signals = ("signals", max(1, inputs + hidden + at_once - 1))
    note = "the input if it is copied or normalized, then the activations of the hidden layers"
    yield Member("activations", StateField("signal", _signal(plan), (signals,), note))
    classes = ("classes", plan.classes)
    note = "D = sigmoid(z) of the output layer"
    yield Member("decisions", StateField("decision", "<i2", (classes,), note))


def _forward(plan: Plan, kernel: str) -> Iterator[Member]:
    """Return the members of the last forward pass; neurons are numbered through all layers."""
    beyond = EIGHT - 1 if kernel == DSP else 0
    neurons = _neurons(plan)
    signals = ("signals", plan.inputs + neurons[1] - plan.classes + beyond)
    note = "the input, then every layer's activations"
    yield Member("input and activations", StateField("signal", _signal(plan), (signals,), note))
    part = "knowledge and decisions"
    yield Member(part, StateField("knowledge", _knowledge(plan), (neurons,), "z"))
    yield Member(part, StateField("decision", "<i2", (neurons,), "D = sigmoid(z)"))


def _labeled(plan: Plan) -> Iterator[Member]:
    """Return the members of an update by rules that use labels."""
    part, classes = "shifts and errors", ("classes", plan.classes)
    note = "the shift of each neuron in the last step"
    yield Member(part, StateField("shift", "<i2", (_neurons(plan),), note))
    if plan.rule_definition.teacher == READOUT:
        note = "scratch: the errors of the readout in use, narrowed"
        yield Member(part, StateField("error", "<i2", (classes,), note))
    if _readouts(plan):
        note = "scratch: the errors of a layer's own readout"
        yield Member(part, StateField("readout_error", "<i2", (classes,), note))


def _unlabeled(plan: Plan) -> Iterator[Member]:
    """Return the members for a rule without labels, whose update makes passes over a batch."""
    part, neurons, batch = "passes of a batch", _neurons(plan), ("batch", plan.batch)
    widest = ("widest_input", _widest(plan))
    note = "index of the newer of the two passes below"
    yield Member(part, StateField("pass", "<u1", (), note))
    axes, note = (("", 2), batch, neurons), "knowledge of this pass and of the previous one"
    yield Member(part, StateField("passes", _knowledge(plan), axes, note))
    note = "scratch: the input to a layer's update"
    yield Member(part, StateField("below", _signal(plan), (batch, widest), note))
    yield Member(part, StateField("steps", "<i2", (batch,), "scratch: one neuron's steps"))


def _neurons(plan: Plan) -> tuple[str, int]:
    return "neurons", sum(layer.outputs for layer in plan.layers)


def _readouts(plan: Plan) -> int:
    return sum(layer.readout is not None for layer in plan.layers)


def _widest(plan: Plan) -> int:
    return max(layer.inputs for layer in plan.layers)


def _signal(plan: Plan) -> str:
    return f"<i{plan.layers[0].input.bits // 8}"


def _knowledge(plan: Plan) -> str:
    return "<i2" if plan.formats.knowledge.bits <= 16 else "<i4"
