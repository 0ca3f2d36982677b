"""`ska-edge inspect`: show layers, formats, the range proof and the digest of a model."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from firmware_gen.board.board import load_board
from ska_edge.cli.options.complete import BOARD, PATH
from ska_edge.cli.screen.columns import ExplainedModel
from ska_edge.cli.screen.console import Output, json_option
from ska_edge.cli.screen.memory import (
    memory_document,
    memory_table,
    saves_document,
    saves_sentence,
)
from ska_edge.cli.screen.project import forms_sentence
from ska_edge.data.targets import CLASSIFICATION, REGRESSION
from ska_edge.frontend.bounds import front_bounds
from ska_edge.frontend.front import FEATURE, SAMPLE, WEIGHT, Front
from ska_edge.frontend.frontends import feature_count, front_bytes
from ska_edge.model.model_file import Model
from ska_edge.model.open import open_model
from ska_edge.network.state import State
from ska_edge.plan.plan import Plan
from ska_edge.plan.range_proof import accumulator_width, range_proof, update_width
from ska_edge.plural import counted
from ska_edge.report.model_tables import (
    format_table,
    formats,
    front_table,
    proof_table,
    range_table,
    state_sentence,
    tensor_table,
    tensors,
    title,
)
from ska_edge.training.options import RAW_FLOAT, RAW_INTEGER, flag


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


def _raw(plan: Plan) -> str | None:
    return None if plan.raw is None else RAW_FLOAT if plan.raw_float else RAW_INTEGER


def _front_sentence(front: Front) -> str:
    filters = front.filters
    if filters is not None:
        return (
            f"front end {front.kind}: images of {front.length}x{front.axes} pixels,"
            f" {counted(filters.count, 'filter')} of {filters.size}x{filters.size} in"
            f" {WEIGHT.name}, stride {filters.stride}, {filters.cells}x{filters.cells} cells;"
            f" {counted(feature_count(front), 'feature')} in {FEATURE.name}, and"
            f" {front_bytes(front):,} bytes of RAM for an image that arrives row by row"
        )
    parts, kept = f", in {counted(front.parts, 'part')}", "parts"
    if front.keeps_samples:
        frames = f", in {counted(front.frames, 'frame')} of {front.frame}"
        parts, kept = frames * (front.frames > 1), "samples"
    return (
        f"front end {front.kind}: windows of {counted(front.length, 'sample')} of"
        f" {counted(front.axes, 'axis')}, hop {front.hop}{parts};"
        f" {counted(feature_count(front), 'feature')} in {FEATURE.name}, and"
        f" {front_bytes(front):,} bytes of RAM for the {kept}"
    )


def _front_document(front: Front) -> dict[str, Any]:
    return {
        **{name: value for name, value in asdict(front).items() if value is not None},
        "parts": front.parts,
        "sample": SAMPLE.name,
        "feature": FEATURE.name,
        "features": feature_count(front),
        "ram": front_bytes(front),
        "proof": [asdict(bound) for bound in front_bounds(front)],
    }


@click.command(cls=ExplainedModel, epilog="Example:  ska-edge inspect digits.ska")
@click.argument("model", type=PATH)
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
    out.line(title(loaded))
    out.line(state_sentence(loaded.state))
    out.show(tensor_table(loaded.state))
    if loaded.ranges:
        out.show(range_table(loaded))
    out.show(proof_table(plan))
    out.show(format_table(plan))
    memory, saves = memory_document(plan, target), saves_document(plan, target)
    if memory is not None:
        out.show(memory_table(memory, target))
        out.line(forms_sentence(memory["forms"], target.name))
        if "sensor" in memory:
            out.line(f"firmware --sensor needs {memory['sensor']:,} bytes more")
    if saves is not None:
        out.line(saves_sentence(saves, target))
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
    if plan.front is not None:
        out.line(_front_sentence(plan.front))
        out.show(front_table(plan.front))
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
            "device_decay": plan.decay.times,
            "decay_samples": plan.decay.samples,
            "running_normalization": plan.running_normalization,
            "parameters": plan.parameter_count,
            "parameter_bytes": plan.parameter_bytes,
            "digest": plan.digest,
            "state": _state_document(loaded.state),
            "tensors": tensors(loaded.state),
            "formats": formats(plan),
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
            "front": None if plan.front is None else _front_document(plan.front),
            "scaling": loaded.scaling.as_dict(),
            "units": None if loaded.units is None else loaded.units.as_dict(),
            "features": loaded.features,
            "proof": [asdict(bound) for bound in range_proof(plan)],
            "notes": loaded.notes,
        }
    )
