"""A benchmark report is read whole, even if another program has opened the port before."""

from __future__ import annotations

import contextlib
import os
import threading
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware_gen.bench import report
from firmware_gen.emulators import flash
from firmware_gen.emulators.flash import RunningBoard
from ska_edge.device.port.port import Port
from ska_edge.errors import ContactLost, DeviceError

NAMES = ("units", "loop", "empty", "infer", "learn", "right", "weights", "end")
LINES = [b"%s %016x\n" % (name.encode(), i) for i, name in enumerate(NAMES)]
WHOLE = b"".join(LINES)
EXPECTED = report.Report(0, 1, 2, 3, 4, 5, 6, samples=7)


class Board:
    """A measuring board, as a thread: it answers each byte with the next of the given texts."""

    def __init__(self, *texts: bytes) -> None:
        self._texts = list(texts)
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        self._thread = threading.Thread(target=self._answer, daemon=True)
        self._thread.start()

    def running(self) -> RunningBoard:
        """Return the board as `flash.start` gives it, with this process instead of an emulator."""
        pid = os.getpid()
        return RunningBoard("qemu-m4", self.port, pid, Path("project"), flash._born(pid) or "")

    def close(self) -> None:
        os.close(self._slave)
        os.close(self._master)

    def _answer(self) -> None:
        with contextlib.suppress(OSError):
            while self._texts:
                os.read(self._master, 1)
                os.write(self._master, self._texts.pop(0))


@pytest.fixture
def board() -> Iterator[Board]:
    made = Board(*[WHOLE] * 20)
    yield made
    made.close()


def test_a_report_is_read(board: Board) -> None:
    assert report.ask(board.running()) == EXPECTED


def test_a_program_that_has_the_port_is_waited_for(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other program may be a `monitor` that waits for a lost device. If the system gives the
    lost device's port to the new board, this `monitor` opens it.
    """
    waiting = threading.Event()
    poll = report.time.sleep

    def sleep(seconds: float) -> None:
        waiting.set()
        poll(seconds)

    monkeypatch.setattr(report.time, "sleep", sleep)
    found: list[report.Report] = []
    with Port(board.port) as other:
        asking = threading.Thread(target=lambda: found.append(report.ask(board.running())))
        asking.start()
        assert waiting.wait(30)
        other.write(b"h")  # starts a run
        assert other.read()[:1] == WHOLE[:1]  # reads at least the first byte of the report
        assert found == []
    asking.join(30)
    assert found == [EXPECTED]


def test_no_other_program_of_this_package_opens_the_port_meanwhile(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = []

    def whole(text: bytes) -> report.Report | None:
        if not refused:
            with pytest.raises((DeviceError, ContactLost)) as error:
                Port(board.port)
            refused.append(str(error.value))
        return original(text)

    original = report._whole
    monkeypatch.setattr(report, "_whole", whole)
    assert report.ask(board.running()) == EXPECTED
    assert len(refused) == 1


def test_a_port_that_stays_in_use_is_an_error(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "LOCK_LIMIT_S", 0.0)
    with Port(board.port), pytest.raises(DeviceError, match="another program uses"):
        report.ask(board.running())


@pytest.mark.parametrize("first", range(1, len(LINES)))
def test_the_rest_of_a_run_that_began_before_is_passed_over(first: int) -> None:
    rest = b"".join(LINES[first:]).replace(b"0000", b"0001")
    assert report._whole(rest) is None
    assert report._whole(rest + WHOLE) == EXPECTED


@pytest.mark.parametrize("name", NAMES[1:-1])
@pytest.mark.parametrize("damaged", [b"", b"%s 12\n"])
def test_a_board_that_sends_no_whole_report_is_an_error(
    name: str, damaged: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = next(text for text in LINES if text.startswith(name.encode()))
    board = Board(WHOLE.replace(line, damaged % name.encode() if damaged else b""))
    monkeypatch.setattr(report, "IDLE_LIMIT_S", 0.0)
    try:
        with pytest.raises(DeviceError, match="board qemu-m4 sent an incomplete report"):
            report.ask(board.running())
    finally:
        board.close()
