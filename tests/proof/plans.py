"""Small plans that together use every rule, precision and function of the library."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from firmware_gen.project import write_project
from ska_edge.arithmetic.fixedpoint import QFormat
from ska_edge.plan.decay import Decay
from ska_edge.plan.memory import Memory
from ska_edge.plan.plan import Plan
from ska_edge.plan.replay import FIFO, Replay
from ska_edge.plan.resolve import make_plan
from ska_edge.rules.neuron import RawInput

# The plans are small, because Eva follows each iteration of a loop. Each has a layer of five rows:
# the first four run through the code for four rows at once, the last through the code for one row.
PLANS = {
    "local": make_plan(
        (3, 2, 5, 2),
        rate=0.5,
        input_format=QFormat(8, 4),
        replay=Replay(2, 1),
        margin=0.1,
        normalized=True,
        running_normalization=True,
        spares=1,
        decay=Decay(3, 2),
        raw=RawInput((5, 70_000, 300), (-9, 2**40, 7), 11),
    ),
    "feedback": make_plan(
        (3, 5, 2),
        rule="feedback",
        activation="relu",
        replay=Replay(2, 1, FIFO),
        hidden_halvings=2,
    ),
    "published": make_plan((3, 5, 2), rule="published", batch=2, steps=3, rate=0.02),
    "code": make_plan(
        (3, 5, 2),
        rule="code",
        precision="w32a16",
        input_format=QFormat(16, 11),
        normalized=True,
        running_normalization=True,
        raw=RawInput((5, 2**30, 2**22), (-9, 2**60, 7), 30, (4, -104, 160)),
    ),
    "regression": make_plan((3, 2, 5, 2), output=QFormat(16, 13), decay=Decay(1, 7)),
    "readout": replace(make_plan((3, 5, 2), output_only=True), least_confidence=9000),
}


def write_sources(plan: Plan, folder: Path, *, inference_only: bool = False) -> Path:
    """Write a project for the host; return the folder of its sources."""
    parameters = (np.arange(plan.parameter_count) * 40503) % 65536 - 32768
    memory = Memory.empty(plan)
    if plan.spares:
        sample = np.ones((1, plan.inputs), dtype=np.int64)
        memory = replace(memory, samples=(sample,) * plan.classes)
    write_project(plan, parameters, "host", folder, inference_only=inference_only, memory=memory)
    return folder / "src"
