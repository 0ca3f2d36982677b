"""Power that fails between two lines of a log, on wires good and bad: the log still rebuilds the
device's bits.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from firmware_gen.boards import Board
from firmware_gen.build import build
from firmware_gen.project import write_project
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
from tests.powered_board import PoweredBoard

PLAN = make_plan((4, 5, 3), replay=Replay(2, 1))
FLASHED = State(PLAN, np.random.default_rng(1).integers(-3000, 3000, PLAN.parameter_count))
MODEL = Model(PLAN, FLASHED, Scaling(np.zeros(PLAN.inputs), np.ones(PLAN.inputs)))
SEEDS = range(16)
WANTS = (Want(0), Want.METRICS)


@pytest.fixture(scope="module")
def project(
    require_board: Callable[[str], Board], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("power") / "project"
    write_project(PLAN, FLASHED.parameters, require_board("host").name, folder)
    build(folder)
    return folder


@pytest.mark.parametrize("seed", SEEDS)
def test_a_log_rebuilds_a_device_whose_power_failed(
    seed: int, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKA_STORAGE", str(tmp_path / "saves"))
    chance, rng = random.Random(seed), np.random.default_rng(seed)
    rows = chance.randrange(20, 60)
    inputs = rng.integers(-128, 128, (rows, PLAN.inputs))
    labels = rng.integers(0, PLAN.classes, rows)
    failures = 1 + seed % 3

    def fails_behind(line: Line) -> bool:
        """More often between rows, where rates and saves are asked for; not behind the end."""
        return "end" not in line and chance.random() < (0.06 if "sample" in line else 0.5)

    with PoweredBoard(project, tmp_path / "port", seed * 1000 if seed % 2 else None) as board:
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
                    board.restart()
        device = stream.link.pull(PLAN.state_bytes)
        stream.close()
        assert learned == rows
        assert rebuild(tmp_path / "log", MODEL).state.to_bytes() == device
