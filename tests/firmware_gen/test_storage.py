"""A test firmware erases, writes and reads each board's memory for saves through its driver."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import serial

from firmware_gen.board.board import Board, board_names, load_board
from firmware_gen.build import build
from firmware_gen.emulators.flash import start

WriteFirmware = Callable[..., Path]
BOARDS = [name for name in board_names() if load_board(name).storage is not None]

# The commands are R offset count (answers the bytes), W offset count bytes (answers 1 when written)
# and E offset (answers 1 when erased).
DRIVER_MAIN = """\
#include "ska_board.h"
#include "ska_storage.h"

static uint32_t number_read(void) {
    uint32_t number = 0;
    uint32_t weight = 1;
    for (uint8_t i = 0; i < 4u; i++) {
        number += (uint32_t)(uint8_t)ska_board_read() * weight;
        weight *= 256u;
    }
    return number;
}

int main(void) {
    static uint8_t bytes[256];
    ska_board_init();
    for (;;) {
        const int16_t command = ska_board_read();
        if (command < 0) {
            return 0;
        }
        const uint32_t offset = number_read();
        if (command == 'E') {
            ska_board_write(ska_storage_erase(offset) ? 1u : 0u);
        } else {
            const uint16_t count = (uint16_t)number_read();
            if (command == 'R') {
                ska_storage_read(offset, bytes, count);
                for (uint16_t i = 0; i < count; i++) {
                    ska_board_write(bytes[i]);
                }
            } else {
                for (uint16_t i = 0; i < count; i++) {
                    bytes[i] = (uint8_t)ska_board_read();
                }
                ska_board_write(ska_storage_write(offset, bytes, count) ? 1u : 0u);
            }
        }
    }
}
"""


class Memory:
    """Uses the memory of a board through its driver."""

    def __init__(self, line: serial.Serial) -> None:
        self._line = line

    def _ask(self, command: bytes, answer: int) -> bytes:
        self._line.write(command)
        got = bytes(self._line.read(answer))
        assert len(got) == answer
        return got

    def read(self, offset: int, count: int) -> bytes:
        command = b"R" + offset.to_bytes(4, "little") + count.to_bytes(4, "little")
        return self._ask(command, count)

    def write(self, offset: int, data: bytes) -> bool:
        command = b"W" + offset.to_bytes(4, "little") + len(data).to_bytes(4, "little")
        return self._ask(command + data, 1) == b"\1"

    def erase(self, offset: int) -> bool:
        return self._ask(b"E" + offset.to_bytes(4, "little"), 1) == b"\1"


@contextmanager
def memory_of(project: Path) -> Iterator[Memory]:
    build(project)
    with start(project) as running, serial.Serial(running.port, 115200, timeout=30) as line:
        yield Memory(line)


@pytest.mark.parametrize("name", BOARDS)
def test_written_bytes_are_read_and_erased_bytes_are_blank(
    name: str, require_board: Callable[[str], Board], write_firmware: WriteFirmware
) -> None:
    board = require_board(name)
    storage = board.storage
    assert storage is not None
    piece = max(storage.unit, 16)
    first, second = bytes(range(1, piece + 1)), bytes(range(255, 255 - piece, -1))
    page = max(storage.page, piece)
    last = storage.size - page
    with memory_of(write_firmware(board, DRIVER_MAIN)) as memory:
        blank = b"\xff" * piece
        if storage.page > 1:
            for offset in (0, page, last):
                assert memory.erase(offset)
                assert memory.read(offset, piece) == blank
                assert memory.read(offset + page - piece, piece) == blank
        assert memory.write(0, first)
        assert memory.write(page, second)
        assert memory.write(last + page - piece, second)
        assert memory.read(0, piece) == first
        assert memory.read(3, 7) == first[3:10]
        assert memory.read(page, piece) == second
        assert memory.read(last + page - piece, piece) == second
        if storage.page > 1:
            assert memory.erase(page)
            assert memory.read(page, piece) == blank
            assert memory.write(page, first)
            assert memory.read(page, piece) == first
        else:
            assert memory.write(page, first)
            assert memory.read(page, piece) == first
        assert memory.read(0, piece) == first  # nothing outside the page was touched
        assert memory.read(last + page - piece, piece) == second


@pytest.mark.parametrize("name", ["virtual-m4", "host"])
def test_a_fake_has_the_rules_of_flash(
    name: str, require_board: Callable[[str], Board], write_firmware: WriteFirmware
) -> None:
    board = require_board(name)
    storage = board.storage
    assert storage is not None
    unit = bytes(range(storage.unit))
    with memory_of(write_firmware(board, DRIVER_MAIN)) as memory:
        assert memory.erase(0)
        assert memory.write(0, unit)
        assert not memory.write(0, unit)  # the place is not erased
        assert not memory.write(storage.unit + 1, unit)  # the place is not the start of a unit
        assert not memory.write(storage.unit, unit[:-1])  # the data are not a whole unit
        assert not memory.write(storage.size, unit)
        assert not memory.erase(storage.unit)  # the place is not the start of a page
        assert not memory.erase(storage.size)
        assert memory.read(0, 2 * storage.unit) == unit + b"\xff" * storage.unit


# --- the file of the host -------------------------------------------------------------------------


def test_the_file_of_the_host_outlives_a_killed_process(
    require_board: Callable[[str], Board],
    write_firmware: WriteFirmware,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    project = write_firmware(require_board("host"), DRIVER_MAIN)
    build(project)
    path = tmp_path / "saves"
    monkeypatch.setenv("SKA_STORAGE", str(path))
    data = bytes(range(64))
    with start(project) as running:
        with serial.Serial(running.port, 115200, timeout=30) as line:
            memory = Memory(line)
            assert memory.read(0, 8) == b"\xff" * 8  # a new file is erased
            assert memory.write(2048, data)
        os.kill(running.pid, signal.SIGKILL)
    with start(project) as running, serial.Serial(running.port, 115200, timeout=30) as line:
        assert Memory(line).read(2048, 64) == data
    content = np.fromfile(path, dtype=np.uint8)
    assert content.size == 0x0020_0000
    assert bytes(content[2048:2112]) == data
    assert (content[:2048] == 0xFF).all()
    assert (content[2112:] == 0xFF).all()


def test_a_file_that_another_process_has_or_that_cannot_be_is_refused(
    require_board: Callable[[str], Board],
    write_firmware: WriteFirmware,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    project = write_firmware(require_board("host"), DRIVER_MAIN)
    elf = build(project).elf

    def sentence(what: str, path: Path, why: str) -> str:
        return f"host board: cannot {what} {path}, the file of SKA_STORAGE: {why}\n"

    path = tmp_path / "saves"
    monkeypatch.setenv("SKA_STORAGE", str(path))
    with start(project) as running, serial.Serial(running.port, 115200, timeout=30) as line:
        Memory(line).read(0, 1)
        assert first_words(elf) in {
            sentence("lock", path, os.strerror(number)) for number in (errno.EACCES, errno.EAGAIN)
        }
    path = tmp_path / "missing" / "saves"
    monkeypatch.setenv("SKA_STORAGE", str(path))
    assert first_words(elf) == sentence("open", path, os.strerror(errno.ENOENT))
    path = tmp_path / "notes"
    path.write_text("not of a board")
    monkeypatch.setenv("SKA_STORAGE", str(path))
    assert first_words(elf) == sentence("fill", path, "its size is not a whole number of pages")
    assert path.read_text() == "not of a board"


def first_words(elf: Path) -> str:
    """Make a host board read its memory, which ends the process; return its message."""
    with subprocess.Popen(
        [str(elf)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        port = process.stdout.readline().strip()
        with serial.Serial(port, 115200, timeout=30) as line:
            line.write(b"R" + bytes(4) + (1).to_bytes(4, "little"))
            assert process.wait(30) == 1
        return process.stderr.read()
