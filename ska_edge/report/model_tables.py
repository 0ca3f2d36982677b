"""Makes the tables of a model: tensors, ranges, range proof, formats, options and data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from ska_edge.arithmetic.fixedpoint import QFormat
from ska_edge.frontend.bounds import front_bounds
from ska_edge.frontend.front import Front
from ska_edge.model.model_file import Model
from ska_edge.network.measures.range_tracker import Range
from ska_edge.network.state import State
from ska_edge.plan.plan import Plan
from ska_edge.plan.range_proof import Bound, accumulator_width, range_proof, update_width
from ska_edge.plan.replay import FIFO, RESERVOIR
from ska_edge.plural import counted
from ska_edge.report.table import Column, Table
from ska_edge.training.option import Scope, widths_text
from ska_edge.training.options import OPTIONS, flag

TENSORS = (
    Column("tensor", "number of the layer from 0, and its weights, biases or readout"),
    Column("shape", "outputs x inputs"),
    Column("format", "Q format: integer bits without the sign, then fraction bits"),
    Column("least", "smallest integer in the model"),
    Column("most", "largest integer in the model"),
    Column("bytes", "size on the device"),
)
"""Columns of the tensors of a model."""
RANGES = (
    Column("quantity", "number of the layer from 0, and what is measured in it"),
    Column("format", "Q format of the quantity"),
    Column("largest", "largest magnitude during training"),
    Column("headroom", "bits between the largest magnitude and the end of the format"),
    Column("saturated", "share of values at an end of the format"),
    Column(
        "bits of its sum",
        "bits that the sum can need at most, of the bits of the integer that holds the sum",
    ),
)
"""Columns of the ranges that a training measured."""
PROOF = (
    Column("sum", "number of the layer from 0, and the sum"),
    Column("least", "least value that any weights and inputs can give"),
    Column("most", "largest value that any weights and inputs can give"),
    Column("bits of the integer", "size of the C integer that holds the sum: 32 or 64"),
)
"""Columns of the range proof."""
FRONT = (
    Column("integer", "a function of the front end, or an argument of it"),
    Column("fraction bits", ""),
    Column("least", "least value that any samples can give"),
    Column("most", "largest value that any samples can give"),
    Column("bits of the integer", "size of the C integer that holds it: 32 or 64"),
)
"""Columns of the range proof of a front end."""
OPTION = (
    Column("option", "name of the option of `train`"),
    Column("value", ""),
    Column("meaning", ""),
)
"""Columns of the options of a training."""
# The name, in the range proof, of the sum that is rounded to each quantity.
SUMS = {
    "knowledge": "knowledge sum",
    "shift": "projection sum",
    "weight": "update sum",
    "readout_weight": "readout update sum",
}
BUFFER_WORDS = {RESERVOIR: "a reservoir", FIFO: "a FIFO"}


def title(model: Model) -> str:
    """Return one line about a model: its sizes, its rule, its rate and the digest of its plan."""
    plan = model.plan
    return (
        f"{'-'.join(str(size) for size in plan.sizes)}, rule {plan.rule_words},"
        f" precision {plan.precision},"
        f" rate {plan.rate.real:g}{_hidden_rate(plan)}, batch {plan.batch},"
        + (f" margin {plan.real_margin:g}," if plan.margin else "")
        + (f" least confidence {model.least_confidence:.4f}," if plan.least_confidence else "")
        + (" normalized step," if plan.normalized else "")
        + _decay(plan)
        + (" running normalization," if plan.running_normalization else "")
        + f" plan {plan.digest}"
    )


def _hidden_rate(plan: Plan) -> str:
    halvings = plan.hidden_halvings
    return f" (hidden layers {math.ldexp(plan.rate.real, -halvings):g})" if halvings else ""


def _decay(plan: Plan) -> str:
    times, samples = plan.decay.times, counted(plan.decay.samples, "sample")
    return f" halved on a device {counted(times, 'time')}, every {samples}," if times else ""


def state_sentence(state: State) -> str:
    """Return how much a state has learned, and the samples that it holds for later steps."""
    plan = state.plan
    text = (
        f"learned: {counted(state.samples, 'sample')} on a device, {counted(state.step, 'update')}"
    )
    if state.halvings_now:
        text += f", rate halved {counted(state.halvings_now, 'time')} to {state.rate.real:g}"
    if plan.replay.per_class:
        room = plan.classes * plan.replay.per_class
        text += (
            f", {state.replay.held.sum()} of {room} places for past samples taken"
            f" ({BUFFER_WORDS[plan.replay.kind]})"
        )
    if not plan.rule_definition.supervised:
        text += f", {state.held} of {counted(plan.batch, 'sample')} held for the next updates"
    return text


def tensors(state: State) -> list[dict[str, Any]]:
    """Return each tensor as plain data: its place, shape, format, extremes and size."""
    found = []
    for tensor in state.plan.tensors():
        values = state.tensor(tensor.layer, tensor.name)
        found.append(
            {
                "layer": tensor.layer,
                "tensor": tensor.name,
                "shape": list(tensor.shape),
                "format": tensor.format.name,
                "least": int(values.min()),
                "most": int(values.max()),
                "bytes": tensor.size * tensor.format.bits // 8,
            }
        )
    return found


def tensor_table(state: State) -> Table:
    """Return the table of the tensors of a state."""
    plan = state.plan
    rows = tuple(
        (
            f"{each['layer']} {each['tensor']}",
            "x".join(map(str, each["shape"])),
            *(each[key] for key in ("format", "least", "most", "bytes")),
        )
        for each in tensors(state)
    )
    return Table(
        f"tensors: {plan.parameter_count} parameters, {plan.parameter_bytes} bytes", TENSORS, rows
    )


def range_table(model: Model) -> Table:
    """Return the table of the ranges that the model's training measured, and of their sums."""
    proof = range_proof(model.plan)
    rows = tuple(
        (
            f"{seen.layer} {seen.quantity}",
            seen.format.name,
            f"{seen.real:.4g}",
            f"{seen.headroom:.1f} bits",
            f"{seen.saturated / seen.values:.2%}",
            _sum_behind(seen, proof),
        )
        for seen in model.ranges
    )
    return Table("ranges during training, and their sums", RANGES, rows)


def _sum_behind(seen: Range, proof: Sequence[Bound]) -> str:
    """Return how many bits the sum of a quantity may need, and how many its accumulator has.

    Returns "" for a quantity that is not in `SUMS`, and for a layer without this sum.
    """
    for bound in proof:
        if bound.layer == seen.layer and bound.quantity == SUMS.get(seen.quantity):
            needed = math.log2(max(-bound.lo, bound.hi + 1)) + 1
            return f"{needed:.1f} of {bound.width}"
    return ""


def proof_table(plan: Plan) -> Table:
    """Return the table of the range proof."""
    rows = tuple((f"{b.layer} {b.quantity}", b.lo, b.hi, b.width) for b in range_proof(plan))
    title = f"range proof: sums fit {accumulator_width(plan)} bits, updates {update_width(plan)}"
    return Table(title, PROOF, rows)


def front_table(front: Front) -> Table:
    """Return the table of the integers of a front end."""
    rows = tuple(
        (
            f"{bound.function}, {bound.value}" if bound.value else bound.function,
            *(bound.frac, bound.lo, bound.hi, bound.width),
        )
        for bound in front_bounds(front)
    )
    return Table(f"range proof of the front end {front.kind}", FRONT, rows)


def option_table(model: Model) -> Table:
    """Return the table of the options of a model's training, without those of other rules."""
    skipped = Scope.NO_LABELS if model.plan.rule_definition.supervised else Scope.LABELS
    rows = tuple(
        (flag(name), _option_text(model.notes[name]), option.help)
        for name, option in OPTIONS.items()
        if model.notes.get(name) is not None and option.scope is not skipped
    )
    return Table("options of the training", OPTION, rows)


def _option_text(value: object) -> str:
    if isinstance(value, list):
        return widths_text(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def data_table(model: Model) -> Table:
    """Return the table of the data of a model's training, with the inputs and outputs."""
    notes, plan = model.notes, model.plan
    facts: list[tuple[str, object]] = [
        ("data", notes.get("data")),
        ("digest of the data", notes.get("data_digest")),
        ("inputs", plan.inputs),
        ("columns of the inputs", None if model.features is None else ", ".join(model.features)),
        ("targets" if plan.regression else "classes", ", ".join(model.labels)),
        ("spare classes", plan.classes - len(model.labels) if plan.spares else None),
    ]
    layout = model.layout
    if layout is not None:
        facts.append(("samples of a window of a recording", layout.length))
        facts.append(("samples from one window to the next", layout.hop))
        facts.append(("axes of a recording", ", ".join(layout.axes)))
    rows = [[name, value] for name, value in facts if value is not None]
    return Table.of("data", ["", ""], rows)


def formats(plan: Plan) -> dict[str, str]:
    """Return the names of the formats of a neuron's values, of an input and of an output."""
    found = {
        field.name: value.name
        for field in fields(plan.formats)
        if isinstance(value := getattr(plan.formats, field.name), QFormat)
    }
    found["input"] = plan.layers[0].input.name
    if plan.output is not None:
        found["output"] = plan.output.name
    return found


def format_table(plan: Plan) -> Table:
    """Return the table of `formats`."""
    return Table.of("neuron formats", ["value", "format"], list(formats(plan).items()))
