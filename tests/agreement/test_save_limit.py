"""A device limits its saves: beyond a budget, it saves only after it has received enough bytes. The
host then sends zero bytes until a save is allowed. A restart does not renew the budget.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from firmware_gen.board.board import Board
from firmware_gen.build import build
from firmware_gen.emulators.flash import start
from firmware_gen.project import write_project
from ska_edge.device.device_errors import TooManySavesError
from ska_edge.device.link import Link
from ska_edge.network.state import State
from ska_edge.plan.resolve import make_plan
from ska_edge.wire.protocol import Want

PLAN = make_plan((6, 8, 4))
BUDGET = 3
SECOND = 11_520  # bytes in one second at 115,200 baud
STATE = State(PLAN, np.random.default_rng(3).integers(-3000, 3000, PLAN.parameter_count))


def write(board: Board, folder: Path, interval: int) -> Path:
    """Build a project whose device makes BUDGET saves, and then one per interval."""
    write_project(PLAN, STATE.parameters, board.name, folder)
    path = folder / "board" / "board.toml"
    text = path.read_text()
    limit = f"[storage]\nsave_budget = {BUDGET}\nsave_interval = {interval}\n"
    assert text.count("\n[storage]\n") == 1
    path.write_text(text.replace("\n[storage]\n", f"\n{limit}"))
    build(folder)
    return folder


def save_new(link: Link) -> None:
    """Learn a sample, so that the state differs from the last save; request one save without
    waiting until it is allowed.
    """
    link.learn([1, -2, 3, -4, 5, -6], 2, Want(0))
    link._ask(link._prepare("SAVE", {"token": link.info.token}))


@pytest.mark.parametrize("name", ["host", "virtual-m4", "qemu-m0", "uno"])
def test_a_save_too_many_waits_for_the_line(
    name: str, require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    project = write(require_board(name), tmp_path / "p", interval=1)
    with start(project) as running, Link(running.port) as link:
        for _ in range(BUDGET):
            save_new(link)
        with pytest.raises(TooManySavesError) as early:
            save_new(link)
        assert SECOND - 1000 < early.value.bytes_left < SECOND
        assert link.hello().saves == BUDGET
        link.save()  # this first sends bytes until the save is allowed
        assert link.hello().saves == BUDGET + 1
        link.save()  # the bytes are the same, so nothing is saved
        state = link.pull(PLAN.state_bytes)
        # This also sends bytes first, because a push saves.
        link.push(bytes(PLAN.state_bytes), PLAN.digest)
        assert link.hello().saves == BUDGET + 2
        assert link.info.error == 0
        assert link.pull(PLAN.state_bytes) != state


def test_a_wait_that_is_too_long_is_a_sentence(
    require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    project = write(require_board("host"), tmp_path / "p", interval=70)
    with start(project) as running, Link(running.port) as link:
        for _ in range(BUDGET):
            save_new(link)
        link.learn([1, -2, 3, -4, 5, -6], 2, Want(0))
        with pytest.raises(TooManySavesError, match=r"after 80\d,\d\d\d more bytes on its line"):
            link.save()
        assert (link.hello().saves, link.info.samples) == (BUDGET, BUDGET + 1)


def test_neither_a_restart_nor_a_reset_renews_the_budget(
    require_board: Callable[[str], Board], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKA_STORAGE", str(tmp_path / "saves"))
    project = write(require_board("host"), tmp_path / "p", interval=30)
    for _ in range(BUDGET):
        with start(project) as running, Link(running.port) as link:
            save_new(link)
            os.kill(running.pid, signal.SIGKILL)
    with start(project) as running, Link(running.port) as link:
        assert link.info.saves == BUDGET
        with pytest.raises(TooManySavesError):
            save_new(link)
        link.reset()
        with pytest.raises(TooManySavesError):
            save_new(link)
        assert link.hello().saves == BUDGET
