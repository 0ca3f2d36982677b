"""A device at the end of a bad line learns every sample once, and ends with the host's bits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from firmware_gen.boards import Board
from firmware_gen.build import build
from firmware_gen.flash import start
from firmware_gen.project import write_project
from ska_edge.link import Link
from ska_edge.plan import Plan, Replay
from ska_edge.planning import make_plan
from ska_edge.protocol import Want
from ska_edge.state import State
from ska_edge.stream import Learned, Stream
from ska_edge.trainer import FixedTrainer
from tests.lossy_wire import FAULTS, LossyWire

SAMPLES = 1000
SHARE = 0.05
PLANS = {
    "local": make_plan((12, 8, 4), replay=Replay(2, 1)),
    "published": make_plan((12, 6, 4), rule="published", batch=7, steps=3, rate=0.5),
}


def patient(port: str) -> Link:
    """A link that asks again soon and often: half of all exchanges meet a fault."""
    return Link(port, timeout=0.1, tries=50)


@pytest.mark.parametrize("want", [Want(0), Want.METRICS])
@pytest.mark.parametrize("rule", PLANS)
def test_each_sample_is_learned_once(
    rule: str, want: Want, require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    plan, board = PLANS[rule], require_board("host")
    rng = np.random.default_rng(5)
    state = State(plan, rng.integers(-3000, 3000, plan.parameter_count))
    inputs = rng.integers(-128, 128, (SAMPLES, plan.inputs))
    labels = rng.integers(0, plan.classes, SAMPLES)
    project = tmp_path / "project"
    write_project(plan, state.parameters, board.name, project)
    build(project)

    with start(project) as running, LossyWire(running.port, SHARE, seed=7) as wire:
        stream = Stream(lambda: patient(wire.port), plan.digest, patience=60, want=want)
        learned = [event for event in stream.learn(inputs, labels) if isinstance(event, Learned)]
        device = stream.link.pull(plan.state_bytes)
        stream.close()

    assert [event.row for event in learned] == list(range(SAMPLES))
    host = learn(plan, state, inputs, labels)
    assert State.from_bytes(plan, device).samples == SAMPLES
    assert device == host.to_bytes()
    assert all(wire.counts[fault] > SHARE * SAMPLES / 2 for fault in FAULTS), wire.counts


def learn(plan: Plan, state: State, inputs: np.ndarray, labels: np.ndarray) -> State:
    """The host's state after the same samples."""
    trainer = FixedTrainer(state.flashed(), check=False)
    for row, label in zip(inputs, labels, strict=True):
        trainer.learn_one(row, int(label))
    return trainer.state
