"""Boards receive bytes while they compute, drop only an overflow, and refuse wrong baud rates."""

from __future__ import annotations

import subprocess
from collections import deque
from collections.abc import Callable
from pathlib import Path

import pytest
import serial
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_gen import toolchains
from firmware_gen.board.board import BOARDS_FOLDER, RING, Board, board_names, load_board
from firmware_gen.build import build
from firmware_gen.emulators.flash import start
from ska_edge.errors import CheckError
from tests.conftest import without

WriteFirmware = Callable[..., Path]
EMULATED = [name for name in board_names() if load_board(name).start is not None]
TIMEOUT_S = 60

# For each byte 'b' the program answers, computes for a long time, and answers again. It echoes
# other bytes.
BUSY = """\
#include "ska_board.h"

static volatile uint32_t sink;

int main(void) {
    ska_board_init();
    for (;;) {
        const int16_t byte = ska_board_read();
        if (byte < 0) {
            return 0;
        }
        if (byte == 'b') {
            ska_board_write('<');
            for (uint32_t i = 0; i < TURNSu; ++i) {
                sink = sink + i;
            }
            ska_board_write('>');
        } else {
            ska_board_write((uint8_t)byte);
        }
    }
}
"""
# The turns of a loop that takes some tenths of a second, long enough for a whole burst to arrive.
TURNS = {
    "avr": 400_000,
    "esp32-c3": 2_000_000,
    "microbit-v1": 1_000_000,
    "microbit-v2": 8_000_000,
    "nucleo-f401re": 3_000_000,
    "nucleo-l476rg": 3_000_000,
    "pico": 500_000,
}
MANY_TURNS = 30_000_000

# The program reads COUNT bytes, then answers with a checksum that depends on their order. In
# between it computes for varying times, so that interrupts hit every place of ska_board_read. It
# waits for every second byte with ska_board_has_byte, and gives credit for the next bytes after
# every CHUNK bytes.
SUM = """\
#include "ska_board.h"

static volatile uint8_t delay;

int main(void) {
    uint16_t sum = 0;

    ska_board_init();
    for (uint16_t i = 0; i < COUNTu; ++i) {
        int16_t byte;
        while (i % 2u == 1u && !ska_board_has_byte()) {
        }
        byte = ska_board_read();
        if (byte < 0) {
            return 0;
        }
        sum = (uint16_t)(sum * 31u + (uint16_t)byte);
        if (i % CHUNKu == CHUNKu - 1u) {
            ska_board_write('+');
        }
        for (delay = (uint8_t)(sum % 128u); delay != 0u; delay--) {
        }
    }
    ska_board_write((uint8_t)(sum & 0xFFu));
    ska_board_write((uint8_t)(sum / 256u));
    while (ska_board_read() >= 0) {
    }
    return 0;
}
"""


def busy(board: Board, write_firmware: WriteFirmware) -> Path:
    turns = TURNS.get(board.name) or TURNS.get(board.family or "", MANY_TURNS)
    project = write_firmware(board, BUSY.replace("TURNS", str(turns)))
    build(project)
    return project


def burst(count: int, first: int = 0) -> bytes:
    """Return `count` bytes that take all values in turn, except the commands of BUSY."""
    plain = bytes(set(range(256)) - set(b"b<>"))
    return bytes(plain[(first + 7 * i) % len(plain)] for i in range(count))


def buffer_of(board: Board) -> int:
    assert board.uart is not None
    return board.uart.buffer


@pytest.mark.parametrize("name", EMULATED)
def test_bytes_received_while_the_firmware_computes_keep_their_order(
    name: str, require_board: Callable[[str], Board], write_firmware: WriteFirmware
) -> None:
    board = require_board(name)
    with (
        start(busy(board, write_firmware)) as running,
        serial.Serial(running.port, 115200, timeout=TIMEOUT_S) as line,
    ):
        for first in range(2):  # the second burst starts at another position of the ring
            line.write(b"b")
            assert line.read(1) == b"<"
            sent = burst(buffer_of(board), first)
            line.write(sent)
            assert line.read(1) == b">"
            assert line.read(len(sent)) == sent


@pytest.mark.parametrize("name", EMULATED)
def test_only_the_bytes_beyond_the_buffer_are_dropped(
    name: str, require_board: Callable[[str], Board], write_firmware: WriteFirmware
) -> None:
    board, later = require_board(name), b"\x00later\xff"
    with (
        start(busy(board, write_firmware)) as running,
        serial.Serial(running.port, 115200, timeout=TIMEOUT_S) as line,
    ):
        line.write(b"b")
        assert line.read(1) == b"<"
        kept, excess = burst(buffer_of(board)), b"|" * 100
        line.write(kept + excess)
        assert line.read(1 + len(kept)) == b">" + kept
        # A board may still get some of the last excess bytes, because the wire or the emulator held
        # them back. These bytes reach the board before 'b'.
        line.write(b"b")
        rest = line.read_until(b"<")
        assert rest.strip(b"|") == b"<"
        if RING in board.sources:
            assert len(rest) - 1 < len(excess)
        assert line.read(1) == b">"
        line.write(later)
        assert line.read(len(later)) == later


@pytest.mark.parametrize("name", EMULATED)
def test_no_byte_of_a_stream_that_keeps_to_its_credit_is_lost(
    name: str, require_board: Callable[[str], Board], write_firmware: WriteFirmware
) -> None:
    """The test sends the stream in halves of the buffer, one for each half that the program took.

    So one half is on its way while the program takes the other, and the line never waits.
    """
    board = require_board(name)
    size = buffer_of(board) // 2
    chunks = [bytes((at + i) * 7 % 251 for i in range(size)) for at in range(0, 20_000, size)]
    program = SUM.replace("COUNT", str(len(chunks) * size)).replace("CHUNK", str(size))
    project = write_firmware(board, program)
    build(project)
    expected = 0
    for byte in b"".join(chunks):
        expected = (expected * 31 + byte) % 2**16
    with (
        start(project) as running,
        serial.Serial(running.port, 115200, timeout=TIMEOUT_S) as line,
    ):
        line.write(chunks[0] + chunks[1])
        for chunk in [*chunks[2:], b"", b""]:
            assert line.read(1) == b"+"
            line.write(chunk)
        assert int.from_bytes(line.read(2), "little") == expected


# --- the ring -------------------------------------------------------------------------------------

# The input is a list of operations: 'p' puts a byte into the ring, 't' takes one out.
RING_MAIN = """\
#include <stdio.h>
#include "ska_ring.h"

static ska_ring_t ring;

int main(void) {
    unsigned put = 0;
    int operation;

    while ((operation = getchar()) != EOF) {
        if (operation == 'p') {
            ska_ring_put(&ring, (uint8_t)(put++ % 256u));
        } else if (ska_ring_is_empty(&ring)) {
            (void)printf("- ");
        } else {
            (void)printf("%u ", (unsigned)ska_ring_take(&ring));
        }
    }
    return 0;
}
"""
SIZES = [1, 2, 16, 128, 256]


def compile_ring(folder: Path, size: int) -> subprocess.CompletedProcess[str]:
    compiler = next(filter(None, map(toolchains.find, toolchains.HOST)), None)
    if compiler is None:
        without("no C compiler of this computer is installed")
    assert compiler is not None
    (folder / "main.c").write_text(RING_MAIN, encoding="utf-8")
    command = [*compiler.command, *toolchains.FLAGS[:9], f"-DSKA_UART_BUFFER={size}u", "main.c"]
    command += [f"-I{BOARDS_FOLDER / 'freestanding'}", "-o", f"ring-{size}"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def rings(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    folder = tmp_path_factory.mktemp("rings")
    for size in SIZES:
        done = compile_ring(folder, size)
        assert (done.returncode, done.stderr) == (0, "")
    return {size: folder / f"ring-{size}" for size in SIZES}


@settings(max_examples=30)
@given(
    size=st.sampled_from(SIZES),
    runs=st.lists(st.tuples(st.sampled_from("pt"), st.integers(1, 600)), max_size=12),
)
def test_a_ring_returns_the_bytes_that_fit(
    rings: dict[int, Path], size: int, runs: list[tuple[str, int]]
) -> None:
    operations = "".join(operation * count for operation, count in runs)
    held: deque[int] = deque()
    put, expected = 0, []
    for operation in operations:
        if operation == "t":
            expected.append(str(held.popleft()) if held else "-")
            continue
        if len(held) < size:
            held.append(put % 256)
        put += 1
    done = subprocess.run([rings[size]], input=operations, capture_output=True, text=True)
    assert done.stdout.split() == expected


@pytest.mark.parametrize("size", [0, 3, 255, 512])
def test_a_ring_of_another_size_does_not_compile(size: int, tmp_path: Path) -> None:
    done = compile_ring(tmp_path, size)
    assert done.returncode != 0
    assert "must be a power of two up to 256" in done.stderr


# --- the baud -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "baud", "refused"),
    [
        ("qemu-m0", 921_600, False),
        ("qemu-m4", 921_600, False),
        ("qemu-m33", 921_600, False),
        ("qemu-m55", 921_600, False),
        ("qemu-rv32", 230_400, False),
        ("qemu-rv32", 921_600, True),  # the divisor would be less than 1
        ("uno", 9_600, False),
        ("uno", 250_000, False),
        ("uno", 230_400, True),  # the actual rate is 3.5 % off
        ("mega2560", 500_000, False),
        ("mega2560", 921_600, True),  # the actual rate is 8.5 % off
        ("virtual-m4", 921_600, False),
        ("nucleo-f401re", 921_600, False),
        ("microbit-v1", 921_600, False),
        ("microbit-v2", 921_600, False),
        ("nucleo-l476rg", 921_600, False),
    ],
)
def test_a_baud_that_the_clock_does_not_make_is_refused(
    name: str,
    baud: int,
    refused: bool,
    require_board: Callable[[str], Board],
    write_firmware: WriteFirmware,
) -> None:
    project = write_firmware(require_board(name))
    path = project / "board" / "board.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("[uart]\n", f"[uart]\nbaud = {baud}\n"), encoding="utf-8")
    if refused:
        with pytest.raises(CheckError, match="the clock of this board does not make this baud"):
            build(project)
        return
    build(project)
    with (
        start(project) as running,
        serial.Serial(running.port, baud, timeout=TIMEOUT_S) as line,
    ):
        line.write(b"abc")
        assert line.read(3) == b"bcd"


@pytest.mark.parametrize("clocks", [0.96, 0.974, 0.976, 1.0, 1.024, 1.026, 1.04])
def test_a_baud_rate_may_differ_by_two_and_a_half_percent(clocks: float, tmp_path: Path) -> None:
    compiler = next(filter(None, map(toolchains.find, toolchains.HOST)), None)
    if compiler is None:
        without("no C compiler of this computer is installed")
    assert compiler is not None
    # At 100 MHz and 100,000 bits per second, a bit takes exactly 1000 clocks.
    (tmp_path / "main.c").write_text(
        '#include "ska_baud.h"\n#if SKA_BAUD_IS_OFF(CLOCKS)\n#error "off"\n#endif\n'
        "int main(void) { return 0; }\n",
        encoding="utf-8",
    )
    command = [*compiler.command, f"-I{BOARDS_FOLDER / 'freestanding'}", "-c", "main.c"]
    command += ["-DSKA_CLOCK=100000000u", "-DSKA_UART_BAUD=100000u"]
    command += [f"-DCLOCKS={round(1000 * clocks)}u"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode != 0) == (abs(clocks - 1) > 0.025)
