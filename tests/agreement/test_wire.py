"""A device on a bad line learns each sample once, with the host's bits, even if the host stops."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from firmware_gen.board.board import Board
from firmware_gen.build import build
from firmware_gen.emulators.flash import start
from firmware_gen.project import write_project
from ska_edge.device.link import Link
from ska_edge.device.sample import Sample
from ska_edge.device.stream import Stream
from ska_edge.model.model_file import Model
from ska_edge.model.scaling import Scaling
from ska_edge.monitor.monitor import Monitor
from ska_edge.monitor.replay import rebuild
from ska_edge.monitor.sinks.log import Log
from ska_edge.network.state import State
from ska_edge.network.trainer import FixedTrainer
from ska_edge.plan.plan import Plan
from ska_edge.plan.replay import Replay
from ska_edge.plan.resolve import make_plan
from ska_edge.wire.protocol import Want
from tests.lossy_wire import FAULTS, LossyWire

SAMPLES = 1000
SHARE = 0.05
PLANS = {
    "local": make_plan((12, 8, 4), replay=Replay(2, 1)),
    "published": make_plan((12, 6, 4), rule="published", batch=7, steps=3, rate=0.5),
}


def patient(port: str, stop: threading.Event | None = None, key: bytes | None = None) -> Link:
    """Return a link that retries soon and often, because many exchanges meet a fault."""
    return Link(port, timeout=0.1, tries=50, stop=stop, key=key)


@pytest.mark.parametrize(
    ("rule", "want", "key"),
    [
        *((rule, want, None) for rule in PLANS for want in (Want(0), Want.METRICS)),
        ("local", Want(0), bytes(range(32))),
    ],
)
def test_each_sample_is_learned_once(
    rule: str,
    want: Want,
    key: bytes | None,
    require_board: Callable[[str], Board],
    tmp_path: Path,
) -> None:
    plan, board = PLANS[rule], require_board("host")
    rng = np.random.default_rng(5)
    state = State(plan, rng.integers(-3000, 3000, plan.parameter_count))
    inputs = rng.integers(-128, 128, (SAMPLES, plan.inputs))
    labels = rng.integers(0, plan.classes, SAMPLES)
    project = tmp_path / "project"
    write_project(plan, state.parameters, board.name, project, key=key)
    build(project)

    with start(project) as running, LossyWire(running.port, SHARE, seed=7) as wire:
        stream = Stream(lambda: patient(wire.port, key=key), plan.digest, patience=60, want=want)
        learned = [event for event in stream.learn(inputs, labels) if isinstance(event, Sample)]
        device = stream.link.pull(plan.state_bytes)
        stream.close()

    assert [event.row for event in learned] == list(range(SAMPLES))
    host = learn(plan, state, inputs, labels)
    assert State.from_bytes(plan, device).samples == SAMPLES
    assert device == host.to_bytes()
    assert all(wire.counts[fault] > SHARE * SAMPLES / 2 for fault in FAULTS), wire.counts


def learn(plan: Plan, state: State, inputs: np.ndarray, labels: np.ndarray) -> State:
    trainer = FixedTrainer(state.flashed(), check=False)
    for row, label in zip(inputs, labels, strict=True):
        trainer.learn_one(row, int(label))
    return trainer.state


@pytest.mark.parametrize("row", [0, 20, 40, 60])
def test_the_log_of_a_stopped_monitor_is_complete(
    row: int, require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    """The device still learns the rows in flight. The log has these rows, then the lines `saved`
    and `end`.
    """
    plan, stop = PLANS["local"], threading.Event()
    rng = np.random.default_rng(row)
    state = State(plan, rng.integers(-3000, 3000, plan.parameter_count))
    inputs = rng.integers(-128, 128, (SAMPLES, plan.inputs))
    labels = rng.integers(0, plan.classes, SAMPLES)
    project = tmp_path / "project"
    write_project(plan, state.parameters, require_board("host").name, project)
    build(project)
    lines = []
    with start(project) as running, LossyWire(running.port, SHARE, seed=row) as wire:
        stream = Stream(lambda: patient(wire.port, stop), plan.digest, stop=stop)
        with Log(tmp_path / "log", stream.link.info) as log:
            for line in Monitor(stream, plan).run(inputs, labels, halvings=1, save=True):
                log.write(line)
                lines.append(line.as_dict())
                if lines[-1].get("sample") == row + 1:
                    stop.set()
        stream.close()
        with patient(wire.port) as link:
            device = link.pull(plan.state_bytes)
    learned = [line for line in lines if "sample" in line]
    assert row + 1 <= len(learned) <= row + 1 + 8  # at most 8 rows are in flight
    assert [next(iter(line)) for line in lines[-2:]] == ["saved", "end"]
    scaling = Scaling(np.zeros(plan.inputs), np.ones(plan.inputs))
    assert rebuild(tmp_path / "log", Model(plan, state, scaling)).state.to_bytes() == device
