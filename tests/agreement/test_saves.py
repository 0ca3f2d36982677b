"""A device keeps its saved or pushed state when it is killed at any moment and started again."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from firmware_gen.board.board import Board, board_names, load_board
from firmware_gen.build import build
from firmware_gen.emulators.flash import RunningBoard, start
from firmware_gen.project import write_project
from ska_edge.device.link import Link
from ska_edge.errors import ContactLost, DeviceError
from ska_edge.network.state import State
from ska_edge.network.trainer import FixedTrainer
from ska_edge.plan.plan import Plan
from ska_edge.plan.replay import Replay
from ska_edge.plan.resolve import make_plan
from ska_edge.wire.protocol import Capability, Want

BOARDS = tuple(name for name in board_names() if load_board(name).storage is not None)
PLAN = make_plan((6, 8, 4), replay=Replay(2, 1))  # two states fit the EEPROM of an ATmega328P
RNG = np.random.default_rng(3)
INPUTS = RNG.integers(-128, 128, (40, PLAN.inputs))
LIMIT = 60  # seconds after which an emulator counts as stuck
LABELS = RNG.integers(0, PLAN.classes, 40)


def flashed(plan: Plan, seed: int) -> State:
    rng = np.random.default_rng(seed)
    return State(plan, rng.integers(-3000, 3000, plan.parameter_count)).flashed()


def write(board: Board, state: State, folder: Path) -> Path:
    write_project(state.plan, state.parameters, board.name, folder)
    assert build(folder).fits
    return folder


def learned(state: State, count: int) -> State:
    trainer = FixedTrainer(state.copy(), check=False)
    for row, label in zip(INPUTS[:count], LABELS[:count], strict=True):
        trainer.learn_one(row, int(label))
    return trainer.state


def learn(link: Link, first: int, last: int) -> None:
    for row, label in zip(INPUTS[first:last], LABELS[first:last], strict=True):
        link.learn([int(x) for x in row], int(label), Want(0))


@contextmanager
def device(project: Path) -> Iterator[tuple[RunningBoard, Link]]:
    with start(project) as running, Link(running.port) as link:
        yield running, link


def kill(running: RunningBoard) -> None:
    """Kill a board's process without running any handler, as a power failure would."""
    os.kill(running.pid, signal.SIGKILL)


# Boards that keep their saves in the file that SKA_STORAGE names.
FILED = [
    *("esp32-c3", "host", "microbit-v1", "microbit-v2", "nucleo-f401re", "nucleo-l476rg", "pico"),
    *("uno", "virtual-m4"),
]


@pytest.fixture
def saves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "saves"
    monkeypatch.setenv("SKA_STORAGE", str(path))
    return path


@pytest.mark.parametrize("name", BOARDS)
def test_every_board_saves_and_takes_a_state(
    name: str, require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    state = flashed(PLAN, 1)
    project = write(require_board(name), state, tmp_path / "p")
    with device(project) as (_, link):
        assert link.info.capabilities & Capability.SAVE
        assert link.info.saves == 0
        learn(link, 0, 17)
        for count in (1, 2, 3):
            learn(link, 16 + count, 17 + count)
            link.save()
            assert link.hello().saves == count
            link.save()  # the bytes are the same, so nothing is written
            assert link.hello().saves == count
        assert link.pull(PLAN.state_bytes) == learned(state, 20).to_bytes()
        link.push(learned(state, 12).to_bytes(), PLAN.digest)
        assert link.hello().saves == 4
        assert link.pull(PLAN.state_bytes) == learned(state, 12).to_bytes()
        learn(link, 12, 30)
        assert link.pull(PLAN.state_bytes) == learned(state, 30).to_bytes()


def test_a_network_is_not_saved_if_two_states_do_not_fit(
    require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    state = flashed(make_plan((16, 12, 10)), 1)
    project = write(require_board("uno"), state, tmp_path / "p")
    with device(project) as (_, link):
        with pytest.raises(DeviceError, match="no memory for two saves"):
            link.save()
        assert link.info.saves == 0


@pytest.mark.parametrize("name", FILED)
def test_a_restarted_device_continues_from_its_last_save(
    name: str, saves: Path, require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    state = flashed(PLAN, 1)
    project = write(require_board(name), state, tmp_path / "p")
    with device(project) as (running, link):
        learn(link, 0, 10)
        link.save()
        learn(link, 10, 20)  # these rows are not saved
        kill(running)
    with device(project) as (_, link):
        assert link.info.saves == 1
        assert link.info.samples == 10
        assert link.pull(PLAN.state_bytes) == learned(state, 10).to_bytes()
        learn(link, 10, 40)
        assert link.pull(PLAN.state_bytes) == learned(state, 40).to_bytes()
        link.reset()  # the save remains
    with device(project) as (_, link):
        assert link.info.samples == 10


class MachineProtocol:
    """QEMU's control connection to a machine; a context manager.

    Args:
        path: the socket on which QEMU listens.
    """

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(LIMIT)
        self._socket.connect(str(path))
        self._lines = self._socket.makefile("r", encoding="utf-8")
        assert "QMP" in json.loads(self._lines.readline())
        self.execute("qmp_capabilities", "return")

    def __enter__(self) -> MachineProtocol:
        return self

    def __exit__(self, *_: object) -> None:
        self._lines.close()
        self._socket.close()

    def execute(self, command: str, until: str) -> None:
        """Execute a command and wait for its answer, or for the event that it causes."""
        self._socket.sendall(json.dumps({"execute": command}).encode())
        for line in self._lines:
            said = json.loads(line)
            assert "error" not in said, said
            if until in (said.get("event"), *said):
                return
        raise AssertionError(f"QEMU has ended at {command}")


@pytest.mark.parametrize("name", [name for name in BOARDS if name.startswith("qemu-")])
def test_a_reset_core_continues_from_its_last_save(
    name: str, require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    state = flashed(PLAN, 1)
    project = write(require_board(name), state, tmp_path / "p")
    path = tmp_path / "qmp"
    arguments = ["-qmp", f"unix:{path},server=on,wait=off"]
    with start(project, arguments) as running, Link(running.port) as link:
        learn(link, 0, 10)
        link.save()
        token = link.token()
        learn(link, 10, 20)  # these rows are not saved
        with MachineProtocol(path) as machine:
            machine.execute("system_reset", "RESET")
        with pytest.raises(ContactLost, match="lost the session"):
            learn(link, 20, 21)
        assert token != 0
        info = link.hello()
        assert (info.token, info.saves, info.samples) == (0, 1, 10)
        assert link.pull(PLAN.state_bytes) == learned(state, 10).to_bytes()
        learn(link, 10, 40)
        link.save()
        assert link.hello().saves == 2
        assert link.pull(PLAN.state_bytes) == learned(state, 40).to_bytes()


@pytest.mark.parametrize("name", FILED)
def test_a_process_killed_in_the_middle_of_saves_has_one_of_them(
    name: str, saves: Path, require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    state = flashed(PLAN, 1)
    project = write(require_board(name), state, tmp_path / "p")
    kept = 0
    for turn in range(12):
        with device(project) as (running, link):
            assert link.info.samples in (kept, turn), "neither the old save nor the new one"
            kept = link.info.samples
            assert link.pull(PLAN.state_bytes) == learned(state, kept).to_bytes()
            learn(link, kept, turn + 1)
            save = link._prepare("SAVE", {"token": link.info.token})
            link.resend(save)  # the host does not wait for the answer
            kill(running)


def test_a_process_killed_in_the_middle_of_a_push_has_its_old_state(
    saves: Path, require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    state = flashed(PLAN, 1)
    other = learned(state, 40).to_bytes()
    project = write(require_board("host"), state, tmp_path / "p")
    with device(project) as (_, link):
        learn(link, 0, 5)
        link.save()
    for pieces in range(len(other) // 64):
        with device(project) as (running, link):
            assert (link.info.samples, link.info.saves) == (5, 1)
            offer = {
                "digest": bytes.fromhex(PLAN.digest[:16]),
                "crc": State.from_bytes(PLAN, other).crc,
            }
            link.request("OFFER", offer)
            for piece in range(pieces):
                offset = 64 * piece
                link.request("PUSH", {"offset": offset, "data": other[offset : offset + 64]})
            kill(running)
    with device(project) as (_, link):
        link.push(other, PLAN.digest)
    with device(project) as (_, link):
        assert (link.info.saves, link.pull(PLAN.state_bytes)) == (2, other)


def test_an_image_with_other_weights_or_another_plan_starts_with_its_own(
    saves: Path, require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    board = require_board("host")
    first = flashed(PLAN, 1)
    with device(write(board, first, tmp_path / "first")) as (_, link):
        learn(link, 0, 5)
        link.save()
    for number, state in enumerate((flashed(PLAN, 2), flashed(make_plan((6, 5, 4)), 1))):
        with device(write(board, state, tmp_path / f"{number}")) as (_, link):
            assert (link.info.samples, link.info.saves) == (0, 0)
            assert link.pull(state.plan.state_bytes) == state.to_bytes()
    with device(tmp_path / "first") as (_, link):  # the other images did not overwrite the save
        assert (link.info.samples, link.info.saves) == (5, 1)
