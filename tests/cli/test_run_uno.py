"""`run` trains a network that an Uno can then learn, save, and restore after a power cut."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from firmware_gen.board.board import Board
from firmware_gen.emulators.flash import start
from ska_edge.device.link import Link


def test_digits4x4_learns_on_an_uno_and_survives_a_power_cut(
    ska_edge, require_board: Callable[[str], Board], monkeypatch: pytest.MonkeyPatch
) -> None:
    require_board("uno")
    monkeypatch.setenv("SKA_STORAGE", str(Path("eeprom").resolve()))
    job = ("run", "digits4x4", "--board", "uno", "--epochs", 2, "--samples", 20, "-o", "out")
    done = ska_edge(*job, "--json")
    assert done.code == 0, done.err
    assert done.document()["verify"]["equal"] is True
    project, model = Path("out/firmware"), Path("out/model.ska")
    with start(project) as board:
        words = ("--port", board.port, "--samples", 30, "--log", "log.jsonl", "--save")
        assert ska_edge("monitor", model, "digits4x4", *words).code == 0
        os.kill(board.pid, signal.SIGKILL)
    with start(project) as board:
        with Link(board.port) as link:
            assert (link.info.samples, link.info.saves) == (30, 1)
        pulled = ska_edge("pull", model, "--port", board.port, "-o", "pulled.ska")
        assert pulled.code == 0, pulled.err
        replayed = ska_edge("replay", "log.jsonl", model, "-o", "replayed.ska")
        assert replayed.code == 0, replayed.err
    assert Path("pulled.ska").read_bytes() == Path("replayed.ska").read_bytes()
