"""`ska-edge inspect`: show layers, formats, the range proof and the digest of a model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import click

from firmware_gen.board.board import Board, load_board
from firmware_gen.memory.footprint import each_form, parts, ram
from firmware_gen.memory.residence import frozen, saved_bytes
from ska_edge.arithmetic.fixedpoint import QFormat
from ska_edge.cli.options.complete import BOARD
from ska_edge.cli.screen.columns import PROOF, RANGES, TENSORS, ExplainedModel
from ska_edge.cli.screen.console import Output, json_option
from ska_edge.cli.screen.project import forms_sentence
from ska_edge.data.targets import CLASSIFICATION, REGRESSION
from ska_edge.model.model_file import Model
from ska_edge.model.open import open_model
from ska_edge.network.measures.range_tracker import Range
from ska_edge.network.state import State
from ska_edge.plan.plan import Plan
from ska_edge.plan.range_proof import Bound, accumulator_width, range_proof, update_width
from ska_edge.plan.replay import FIFO, RESERVOIR
from ska_edge.plural import counted
from ska_edge.training.options import RAW_FLOAT, RAW_INTEGER, flag

# The name, in the range proof, of the sum that is rounded to each quantity.
SUMS = {
    "knowledge": "knowledge sum",
    "shift": "projection sum",
    "weight": "update sum",
    "readout_weight": "readout update sum",
}
BUFFER_WORDS = {RESERVOIR: "a reservoir", FIFO: "a FIFO"}


def _sum_behind(seen: Range, proof: Sequence[Bound]) -> str:
    """Return how many bits the sum of a quantity may need, and how many its accumulator has.

    Returns "" for a quantity that is not in `SUMS`, and for a layer without this sum.
    """
    for bound in proof:
        if bound.layer == seen.layer and bound.quantity == SUMS.get(seen.quantity):
            needed = math.log2(max(-bound.lo, bound.hi + 1)) + 1
            return f"{needed:.1f} of {bound.width}"
    return ""


def _state_document(state: State) -> dict[str, Any]:
    """Return the state for `--json`, without the parameters."""
    plan, buffer = state.plan, None
    if plan.replay.per_class:
        buffer = {
            "held": state.replay.held.tolist(),
            "of_each": plan.replay.per_class,
            "kind": plan.replay.kind,
        }
    return {
        "step": state.step,
        "samples": state.samples,
        "halvings": state.halvings,
        "rate": state.rate.real,
        "held": state.held,
        "replay_buffer": buffer,
    }


def _spares(model: Model) -> str:
    """Return how many classes can be added; "" for a plan without spare outputs."""
    left = model.plan.classes - len(model.labels)
    return f" and {counted(left, 'spare class')}" if model.plan.spares else ""


def _hidden_rate(plan: Plan) -> str:
    halvings = plan.hidden_halvings
    return f" (hidden layers {math.ldexp(plan.rate.real, -halvings):g})" if halvings else ""


def _raw(plan: Plan) -> str | None:
    return None if plan.raw is None else RAW_FLOAT if plan.raw_float else RAW_INTEGER


def _state_sentence(state: State) -> str:
    plan = state.plan
    text = (
        f"learned: {counted(state.samples, 'sample')} on a device, {counted(state.step, 'update')}"
    )
    if state.halvings:
        text += f", rate halved {counted(state.halvings, 'time')} to {state.rate.real:g}"
    if plan.replay.per_class:
        room = plan.classes * plan.replay.per_class
        text += (
            f", {state.replay.held.sum()} of {room} places for past samples taken"
            f" ({BUFFER_WORDS[plan.replay.kind]})"
        )
    if not plan.rule_definition.supervised:
        text += f", {state.held} of {counted(plan.batch, 'sample')} held for the next updates"
    return text


def _memory_parts(plan: Plan, board: Board) -> dict[str, int]:
    """Return the bytes of each part of the RAM; `ram` is their sum plus the alignment."""
    sizes = {part.name: part.size for part in parts(plan, board)}
    alignment = ram(plan, board) - sum(sizes.values())
    return {**sizes, "alignment": alignment} if alignment else sizes


def _saves(plan: Plan, board: Board) -> dict[str, int] | None:
    """Return how many saves the board's memory endures; None if it cannot save this state."""
    storage, size = board.storage, saved_bytes(plan, frozen(plan))
    if storage is None or not storage.holds(size):
        return None
    return {"per_erase": storage.saves_per_erase(size), "endurance": storage.endurance(size)}


@click.command(cls=ExplainedModel, epilog="Example:  ska-edge inspect digits.ska")
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--board",
    type=BOARD,
    default="virtual-m4",
    show_default=True,
    help="Board for which to predict the RAM.",
)
@json_option
def inspect(model: Path, board: str, as_json: bool) -> None:
    """Show the contents of MODEL, the proof that no sum overflows, and its RAM on a board."""
    out, loaded, target = Output(as_json), open_model(model), load_board(board)
    plan = loaded.plan
    proof = range_proof(plan)
    out.line(
        f"{'-'.join(str(s) for s in plan.sizes)}, rule {plan.rule_words},"
        f" precision {plan.precision},"
        f" rate {plan.rate.real:g}{_hidden_rate(plan)}, batch {plan.batch},"
        + (f" margin {plan.real_margin:g}," if plan.margin else "")
        + (f" least confidence {loaded.least_confidence:.4f}," if plan.least_confidence else "")
        + (" normalized step," if plan.normalized else "")
        + f" plan {plan.digest}"
    )
    out.line(_state_sentence(loaded.state))
    tensors = []
    for tensor in plan.tensors():
        values = loaded.state.tensor(tensor.layer, tensor.name)
        tensors.append(
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
    out.table(
        f"tensors: {plan.parameter_count} parameters, {plan.parameter_bytes} bytes",
        [column.title for column in TENSORS],
        [
            [
                f"{t['layer']} {t['tensor']}",
                "x".join(str(n) for n in tensor.shape),
                t["format"],
                t["least"],
                t["most"],
                t["bytes"],
            ]
            for t, tensor in zip(tensors, plan.tensors(), strict=True)
        ],
    )
    if loaded.ranges:
        out.table(
            "ranges during training, and their sums",
            [column.title for column in RANGES],
            [
                [
                    f"{r.layer} {r.quantity}",
                    r.format.name,
                    f"{r.real:.4g}",
                    f"{r.headroom:.1f} bits",
                    f"{r.saturated / r.values:.2%}",
                    _sum_behind(r, proof),
                ]
                for r in loaded.ranges
            ],
        )
    out.table(
        f"range proof: sums fit {accumulator_width(plan)} bits, updates {update_width(plan)}",
        [column.title for column in PROOF],
        [[f"{b.layer} {b.quantity}", b.lo, b.hi, b.width] for b in proof],
    )
    formats = {
        f.name: value.name
        for f in fields(plan.formats)
        if isinstance(value := getattr(plan.formats, f.name), QFormat)
    }
    formats["input"] = plan.layers[0].input.name
    if plan.output is not None:
        formats["output"] = plan.output.name
    out.table("neuron formats", ["value", "format"], [[k, v] for k, v in formats.items()])
    memory: dict[str, Any] | None = None
    if target.memory is not None:
        memory = {
            "board": target.name,
            "bytes": ram(plan, target),
            "parts": _memory_parts(plan, target),
            "forms": each_form(plan, target),
        }
        out.table(
            f"RAM on {target.name} without the stack: {memory['bytes']} of"
            f" {target.memory.ram.size} bytes",
            ["part", "bytes"],
            list(memory["parts"].items()),
        )
        out.line(forms_sentence(memory["forms"], target.name))
    saves = _saves(plan, target)
    if saves is not None:
        out.line(
            f"saves on {target.name}: {saves['per_erase']} between two erases,"
            f" {saves['endurance']} in all before the memory is worn out"
        )
    raw = _raw(plan)
    if plan.output is not None:
        out.line(
            f"targets: {', '.join(plan.labels)}; an output is (target - mean) / scale in"
            f" {plan.output.name}, see --json for mean and scale"
        )
    out.line(
        ("" if plan.regression else f"classes: {', '.join(loaded.labels)}{_spares(loaded)}; ")
        + f"an input is (feature - mean) / scale in"
        f" {plan.layers[0].input.name}, see --json for mean and scale"
        + (f"; a device computes it from raw features ({flag('raw')} {raw})" if raw else "")
    )
    out.document(
        {
            "sizes": list(plan.sizes),
            "rule": plan.rule,
            "activation": plan.activation,
            "task": REGRESSION if plan.regression else CLASSIFICATION,
            "precision": plan.precision,
            "rate": plan.rate.real,
            "hidden_halvings": plan.hidden_halvings,
            "margin": plan.real_margin,
            "least_confidence": loaded.least_confidence,
            "normalized_step": plan.normalized,
            "parameters": plan.parameter_count,
            "parameter_bytes": plan.parameter_bytes,
            "digest": plan.digest,
            "state": _state_document(loaded.state),
            "tensors": tensors,
            "formats": formats,
            "accumulator": accumulator_width(plan),
            "update_accumulator": update_width(plan),
            "ranges": [
                {**r.as_dict(), "format": r.format.name, "real": r.real, "headroom": r.headroom}
                for r in loaded.ranges
            ],
            "ram": memory,
            "saves": saves,
            "labels": list(loaded.labels),
            "spare_classes": plan.classes - len(loaded.labels),
            "raw": raw,
            "scaling": loaded.scaling.as_dict(),
            "units": None if loaded.units is None else loaded.units.as_dict(),
            "features": loaded.features,
            "proof": [asdict(bound) for bound in proof],
            "notes": loaded.notes,
        }
    )
