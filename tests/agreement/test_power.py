"""Power that fails at any moment, on lines good and bad: the log rebuilds the device's bits."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from firmware_gen.boards import Board
from firmware_gen.build import build
from firmware_gen.flash import start
from firmware_gen.project import write_project
from ska_edge.link import Link
from ska_edge.model_file import Model
from ska_edge.monitor import Monitor
from ska_edge.plan import Replay
from ska_edge.planning import make_plan
from ska_edge.protocol import Want
from ska_edge.quantize import Scaling
from ska_edge.replay_log import rebuild
from ska_edge.state import State
from ska_edge.stream import Stream
from ska_edge.telemetry import Line, Log
from tests.lossy_wire import LossyWire

PLAN = make_plan((4, 5, 3), replay=Replay(2, 1))
FLASHED = State(PLAN, np.random.default_rng(1).integers(-3000, 3000, PLAN.parameter_count))
MODEL = Model(PLAN, FLASHED, Scaling(np.zeros(PLAN.inputs), np.ones(PLAN.inputs)))
SHARE = 0.02  # of frames that meet each fault of a bad line
SEEDS = range(16)
WANTS = (Want(0), Want.METRICS)


class PoweredBoard:
    """The host's board with a memory for saves, behind a port whose name stays.

    Attributes:
        port: its name.
    """

    def __init__(self, project: Path, folder: Path, seed: int | None) -> None:
        self.port = folder / "port"
        self._project, self._seed = project, seed
        self._power = ExitStack()

    def on(self) -> None:
        """Powers it; with a seed its line is a bad one."""
        running = self._power.enter_context(start(self._project))
        self._power.callback(os.kill, running.pid, signal.SIGKILL)
        port = running.port
        if self._seed is not None:
            self._seed += 1
            port = self._power.enter_context(LossyWire(port, SHARE, seed=self._seed)).port
        self.port.unlink(missing_ok=True)
        self.port.symlink_to(port)

    def off(self) -> None:
        """Takes its line away, and its power: no handler runs."""
        self._power.close()

    def link(self) -> Link:
        """A link that asks again soon and often."""
        return Link(str(self.port), timeout=0.1, tries=20)


@pytest.fixture(scope="module")
def project(
    require_board: Callable[[str], Board], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("power") / "project"
    write_project(PLAN, FLASHED.parameters, require_board("host").name, folder)
    build(folder)
    return folder


@pytest.fixture
def open_board(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[int | None], PoweredBoard]]:
    """A function that gives a powered board; with a seed its line is a bad one."""
    monkeypatch.setenv("SKA_STORAGE", str(tmp_path / "saves"))
    with ExitStack() as boards:

        def give(seed: int | None) -> PoweredBoard:
            board = PoweredBoard(project, tmp_path, seed)
            boards.callback(board.off)
            board.on()
            return board

        yield give


@pytest.mark.parametrize("seed", SEEDS)
def test_a_log_rebuilds_a_device_whose_power_failed(
    seed: int, open_board: Callable[[int | None], PoweredBoard], tmp_path: Path
) -> None:
    chance, rng = random.Random(seed), np.random.default_rng(seed)
    rows = chance.randrange(20, 60)
    inputs = rng.integers(-128, 128, (rows, PLAN.inputs))
    labels = rng.integers(0, PLAN.classes, rows)
    board = open_board(seed * 1000 if seed % 2 else None)
    failures = 1 + seed % 3

    def fails_behind(line: Line) -> bool:
        """More often between rows, where rates and saves are asked for; not behind the end."""
        return "end" not in line and chance.random() < (0.06 if "sample" in line else 0.5)

    stream = Stream(board.link, PLAN.digest, patience=60, want=chance.choice(WANTS))
    run = Monitor(stream, PLAN).run(
        inputs,
        labels,
        halvings=chance.choice([None, 1, 2]),
        save=chance.random() < 0.5,
        save_every=chance.choice([None, 5, 9]),
    )
    learned = 0
    with Log(tmp_path / "log", stream.link.info) as log:
        for line in run:
            log.write(line)
            learned += "sample" in line
            if failures and fails_behind(line):
                failures -= 1
                board.off()
                board.on()
    device = stream.link.pull(PLAN.state_bytes)
    stream.close()
    assert learned == rows
    assert rebuild(tmp_path / "log", MODEL).state.to_bytes() == device
