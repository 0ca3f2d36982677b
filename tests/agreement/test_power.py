"""A log rebuilds the device's bits even if power fails within a frame or between two log lines."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from firmware_gen.board.board import Board
from firmware_gen.build import build
from firmware_gen.project import write_project
from ska_edge.device.stream import Stream
from ska_edge.model.model_file import Model
from ska_edge.model.scaling import Scaling
from ska_edge.monitor.monitor import Monitor
from ska_edge.monitor.replay import rebuild
from ska_edge.monitor.sinks.log import Log
from ska_edge.network.state import State
from ska_edge.plan.replay import Replay
from ska_edge.plan.resolve import make_plan
from ska_edge.wire.protocol import Want
from tests.powered_board import PoweredBoard

PLAN = make_plan((4, 5, 3), replay=Replay(2, 1))
FLASHED = State(PLAN, np.random.default_rng(1).integers(-3000, 3000, PLAN.parameter_count))
MODEL = Model(PLAN, FLASHED, Scaling(np.zeros(PLAN.inputs), np.ones(PLAN.inputs)))
SEEDS = range(16)  # even seeds use a good line, odd seeds a bad one

Line = dict[str, Any]
NewRun = Callable[..., "Run"]


@pytest.fixture(scope="module")
def project(
    require_board: Callable[[str], Board], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("power") / "project"
    write_project(PLAN, FLASHED.parameters, require_board("host").name, folder)
    build(folder)
    return folder


class Run:
    """A monitor's run; the seed chooses the rows, the line and the options.

    Args:
        options: options of `Monitor.run` and `Stream` that replace the seed's choices.

    Attributes:
        rows: how many rows are learned.
        chance: the generator of the number of rows, of the options and of the failures. The values
            of the rows and the faults of the line have generators of their own.
        board: the board that learns them.
    """

    def __init__(self, seed: int, project: Path, folder: Path, **options: Any) -> None:
        self.chance = random.Random(seed)
        self.rows = self.chance.randrange(20, 60)
        self.board = PoweredBoard(project, folder / "port", seed * 1000 if seed % 2 else None)
        self._rng = np.random.default_rng(seed)
        self._options = {
            "want": self.chance.choice([Want(0), Want.METRICS]),
            "halvings": self.chance.choice([None, 1, 2]),
            "save": self.chance.random() < 0.5,
            "save_every": self.chance.choice([None, 5, 9]),
            **options,
        }
        self._log = folder / "log"

    def watch(self, opened: Callable[[], object], happens: Callable[[Line], object]) -> int:
        """Learn and write a log; check that it gives the device's state; count the rollbacks.

        `opened` is called once the device answers, and `happens` after each line.
        """
        inputs = self._rng.integers(-128, 128, (self.rows, PLAN.inputs))
        labels = self._rng.integers(0, PLAN.classes, self.rows)
        want = self._options.pop("want")
        with self.board:
            stream = Stream(self.board.link, PLAN.digest, patience=60, want=want)
            opened()
            monitor = Monitor(stream, PLAN)
            with Log(self._log, stream.link.info) as log:
                for line in monitor.run(inputs, labels, **self._options):
                    log.write(line)
                    happens(line.as_dict())
            device = stream.link.pull(PLAN.state_bytes)
            stream.close()
        assert monitor.learned == self.rows
        assert rebuild(self._log, MODEL).state.to_bytes() == device
        return monitor.fell_back


@pytest.fixture
def new_run(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NewRun:
    monkeypatch.setenv("SKA_STORAGE", str(tmp_path / "saves"))
    return lambda seed, **options: Run(seed, project, tmp_path, **options)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_log_rebuilds_a_device_whose_power_failed_within_a_frame(
    seed: int, new_run: NewRun
) -> None:
    """The frame is a request or an answer. Each row takes at least one frame, so every failure hits
    a frame. The device rolls back each time. The host regains contact before or after the next
    failure.
    """
    run = new_run(seed)
    failures = 1 + seed // 2 % 3
    lives = [("", run.chance.randrange(run.rows // failures)) for _ in range(failures)]
    fell_back = run.watch(lambda: run.board.fail_after(lives), lambda _: None)
    assert run.board.failures == failures
    assert 1 <= fell_back <= failures


@pytest.mark.parametrize(
    ("name", "before", "falls"),
    [
        ("HELLO", 0, 1),  # the host has not found the device yet, so it sees two rollbacks as one
        ("WELCOME", 0, 1),
        ("SET_TOKEN", 0, 1),
        ("STATUS", 0, 1),  # the answer to SET_TOKEN
        ("SET_RATE", 0, 2),
        ("STATUS", 1, 2),
        ("SAMPLE", 0, 2),
        ("METRICS", 1, 2),
        ("RESULT", 0, 2),
        ("SAVE", 0, 2),
        ("STATUS", 2, 2),
        ("HELLO", 2, 2),  # the host sends the third HELLO at the end of the log
        ("WELCOME", 2, 2),
    ],
)
def test_a_log_rebuilds_a_device_whose_power_failed_within_each_kind_of_frame(
    name: str, before: int, falls: int, new_run: NewRun
) -> None:
    """Power fails within the 13th SAMPLE and, after the restart, within a frame of the kind `name`.

    `before` frames of this kind pass between the restart and the second failure. `falls` is the
    number of rollbacks that the host sees. After each rollback the host sets the rate and the token
    again.
    """
    run = new_run(0, want=Want.METRICS, halvings=1, save=True, save_every=5)
    lives = [("SAMPLE", 12), (name, before)]
    fell_back = run.watch(lambda: run.board.fail_after(lives), lambda _: None)
    assert (run.board.failures, fell_back) == (2, falls)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_log_rebuilds_a_device_whose_power_failed_between_two_lines(
    seed: int, new_run: NewRun
) -> None:
    """A failure is likelier after a line about a rate or a save than after a row. No failure comes
    after the end of the log. The host writes some lines from answers that it has already received,
    so it may see two failures as one.
    """
    run, lines, failed = new_run(seed), 0, 0

    def fails_behind(line: Line) -> None:
        nonlocal lines, failed
        lines += 1
        likely = 0.06 if "sample" in line else 0.5
        if lines == run.rows and not failed:
            likely = 1
        if failed < 1 + seed // 2 % 3 and "end" not in line and run.chance.random() < likely:
            failed += 1
            run.board.restart()

    fell_back = run.watch(lambda: None, fails_behind)
    assert 1 <= fell_back <= failed
