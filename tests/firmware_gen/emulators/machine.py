"""Runs firmware on a strict model of a board in this process; plants mistakes in its drivers."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

from firmware_gen.board.board import Board, read_board
from firmware_gen.build import build
from firmware_gen.emulators.cells import Cells, PowerFailure
from firmware_gen.emulators.chips.chip import MakeChip
from firmware_gen.emulators.chips.cortex_m.core import Core
from firmware_gen.emulators.fault import FirmwareFault
from firmware_gen.emulators.wire import Line, Terminal


class Machine(Protocol):
    def run(self) -> None: ...


MakeMachine = Callable[[Path, Board, Line, Cells], Machine]


def core_with(chip: MakeChip) -> MakeMachine:
    def make(elf: Path, board: Board, wire: Line, cells: Cells) -> Core:
        return Core(elf, board, chip, wire, cells)

    return make


DATA = bytes(range(1, 17))


def chunks(page: int) -> list[bytes]:
    """Return commands for DRIVER_MAIN that read, write and erase the memory for saves.

    More bytes follow the last command in the same chunk.
    """

    def number(value: int) -> bytes:
        return value.to_bytes(4, "little")

    return [
        b"W" + number(0) + number(16) + DATA,
        b"R" + number(0) + number(16),
        b"E" + number(page),
        b"E" + number(0),
        b"R" + number(0) + number(16),
        b"W" + number(0) + number(16) + DATA[::-1],
        b"R" + number(0) + number(16),
        b"E" + number(0) + b"too early",
    ]


ANSWERS = b"\1" + DATA + b"\1\1" + b"\xff" * 16 + b"\1" + DATA[::-1] + b"\1"


@dataclass(frozen=True)
class Mistake:
    """A change of one driver, and a part of the sentence with which the chip reports the change.

    `old` occurs once in the file.
    """

    name: str
    file: str
    old: str
    new: str
    sentence: str


def plant(project: Path, mistake: Mistake) -> None:
    path = project / "board" / mistake.file
    text = path.read_text(encoding="utf-8")
    assert text.count(mistake.old) == 1, f"{mistake.name}: the driver has changed"
    path.write_text(text.replace(mistake.old, mistake.new), encoding="utf-8")


class Script:
    """A line that brings a chunk of bytes whenever the firmware sleeps, and ends after the last.

    `received` has the bytes that the firmware sent.
    """

    def __init__(self, *chunks: bytes) -> None:
        self._chunks = list(chunks)
        self.received = b""

    def ready(self) -> bool:
        return False

    def read(self, limit: int) -> bytes:
        assert all(len(chunk) <= limit for chunk in self._chunks)
        return self._chunks.pop(0) if self._chunks else b""

    def write(self, data: bytes) -> None:
        self.received += data


def run(
    project: Path,
    machine: MakeMachine,
    chunks: Sequence[bytes],
    cells: Cells | None = None,
    wire: type[Script] = Script,
) -> bytes:
    board = read_board(project / "board")
    assert board.storage is not None
    line = wire(*chunks)
    machine(build(project).elf, board, line, cells or Cells(board.storage.size)).run()
    return line.received


def require_notice(
    project: Path,
    machine: MakeMachine,
    chunks: Sequence[bytes],
    mistake: Mistake,
    wire: type[Script] = Script,
) -> None:
    """Plant a mistake; check that the machine reports it with `mistake.sentence` and the place in
    the code, in one line.
    """
    plant(project, mistake)
    with pytest.raises(FirmwareFault, match=re.escape(mistake.sentence)) as caught:
        run(project, machine, chunks, wire=wire)
    assert re.match(r"the firmware failed at \w+\+0x[0-9a-f]+ \(0x", str(caught.value))
    assert "\n" not in str(caught.value)


class _Port(Terminal):
    """A terminal that can be closed while the core waits for bytes from it."""

    def __init__(self) -> None:
        super().__init__()
        self.gone = False

    def read(self, limit: int) -> bytes:
        while not self._poll.poll(20):
            if self.gone:
                return b""
        return super().read(limit)


class Device:
    """A running board.

    `port` is the path of its port. `failed` says whether its power has failed.
    """

    def __init__(self, port: str) -> None:
        self.port = port
        self.failed = threading.Event()


@contextmanager
def powered(elf: Path, machine: MakeMachine, cells: Cells) -> Iterator[Device]:
    """Run an image in a thread for this block, or until the power fails."""
    board = read_board(elf.parents[1] / "board")
    wire = _Port()
    made = machine(elf, board, wire, cells)
    device = Device(wire.port)
    faults: list[FirmwareFault] = []

    def live() -> None:
        try:
            made.run()
        except PowerFailure:
            device.failed.set()
        except FirmwareFault as fault:
            faults.append(fault)

    thread = threading.Thread(target=live)
    thread.start()
    try:
        yield device
    finally:
        wire.gone = True
        thread.join()
    assert not faults, faults
