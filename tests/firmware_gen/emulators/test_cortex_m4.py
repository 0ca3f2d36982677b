"""The virtual board runs firmware, names the faults that end a run, and has a port."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import serial

from firmware_gen.board.board import Board, load_board
from firmware_gen.board.memory import Memory, Region
from firmware_gen.build import build
from firmware_gen.emulators.cortex_m4 import SENSOR, Machine
from firmware_gen.emulators.fault import FirmwareFault
from ska_edge.errors import InputError

WriteFirmware = Callable[..., Path]
TOOLCHAINS = ["arm-none-eabi-gcc", "zig"]

ONE_THING = """\
#include "ska_board.h"

void do_one_thing(volatile uint32_t *address);

__attribute__((noinline)) void do_one_thing(volatile uint32_t *address) {
    (void)address;
    BODY;
}

int main(void) {
    ska_board_init();
    ska_board_write((uint8_t)ska_board_read());
    do_one_thing((volatile uint32_t *)ADDRESSu);
    for (;;) {
        (void)ska_board_read();
    }
}
"""

SELF_TEST = """\
#include "ska_board.h"

void *memcpy(void *restrict to, const void *restrict from, __SIZE_TYPE__ count);
void *memmove(void *to, const void *from, __SIZE_TYPE__ count);
void *memset(void *to, int value, __SIZE_TYPE__ count);
int memcmp(const void *left, const void *right, __SIZE_TYPE__ count);

struct block {
    uint8_t bytes[40];
};

static struct block one;
static struct block two;
static uint32_t initialized[3] = {0x11223344u, 5u, 6u};

static uint8_t get(void) { return (uint8_t)ska_board_read(); }

static void put(uint64_t value) {
    uint8_t i;

    for (i = 0; i < 8u; ++i) {
        ska_board_write((uint8_t)(value & 0xFFu));
        value >>= 8;
    }
}

static uint64_t get64(void) {
    uint64_t value = 0;
    uint8_t i;

    for (i = 0; i < 8u; ++i) {
        value |= (uint64_t)get() << (8u * i);
    }
    return value;
}

int main(void) {
    uint64_t a;
    uint64_t b;
    uint8_t count;

    ska_board_init();
    a = get64();
    b = get64();
    count = get();
    put(a / b);
    put(a % b);
    put((uint64_t)((int64_t)a / (int64_t)b));
    put((uint64_t)((int64_t)a % (int64_t)b));
    put(a * b);
    put((a << (count & 63u)) ^ (a >> (count & 63u)));
    put(initialized[0]);
    put(one.bytes[39]); /* cleared at start */
    memset(one.bytes, 0x5A, count);
    two = one;
    put((uint64_t)two.bytes[count - 1u] | (uint64_t)two.bytes[count] << 8);
    for (count = 0; count < 40u; ++count) {
        one.bytes[count] = count;
    }
    memmove(one.bytes + 3, one.bytes, 20u);
    memcpy(two.bytes, one.bytes, 30u);
    memmove(two.bytes, two.bytes + 2, 20u);
    put((uint64_t)one.bytes[3] | (uint64_t)one.bytes[22] << 8 | (uint64_t)two.bytes[1] << 16 |
        (uint64_t)two.bytes[19] << 24);
    put((uint64_t)(int64_t)memcmp("abd", "abc", get()));
    for (;;) {
        (void)get();
    }
}
"""


class Script:
    """A wire that sends prepared chunks, in parts if the board takes less, and then closes.

    It keeps the bytes that come back. At every read it records the bytes so far, and how many bytes
    the board would take.
    """

    def __init__(self, *chunks: bytes) -> None:
        self.chunks = list(chunks)
        self.received = b""
        self.received_at_read: list[bytes] = []
        self.limits: set[int] = set()

    def ready(self) -> bool:
        return bool(self.chunks)

    def read(self, limit: int) -> bytes:
        self.received_at_read.append(self.received)
        self.limits.add(limit)
        if not self.chunks:
            return b""
        chunk, rest = self.chunks[0][:limit], self.chunks[0][limit:]
        self.chunks[:1] = [rest] if rest else []
        return chunk

    def write(self, data: bytes) -> None:
        self.received += data


@pytest.fixture
def board(require_board: Callable[[str], Board]) -> Board:
    return require_board("virtual-m4")


SENSED = """\
#include "ska_board.h"
int main(void) {
    ska_board_init();
    for (;;) {
        if (ska_board_has_byte()) {
            (void)ska_board_read();
            for (int i = 0; i < 4; i++) {
                const uint32_t byte = *(const volatile uint32_t *)ADDRESSu;
                ska_board_write((uint8_t)(byte > 255u ? 'e' : byte));
            }
            (void)ska_board_read();
        }
    }
}
"""


def sensing(address: int, board: Board, write_firmware: WriteFirmware) -> Path:
    return build(write_firmware(board, SENSED.replace("ADDRESS", str(address)))).elf


def test_the_sensor_gives_the_bytes_of_its_file_to_a_firmware_that_polls(
    board: Board, write_firmware: WriteFirmware
) -> None:
    wire = Script(b"a")
    Machine(sensing(SENSOR, board, write_firmware), board, wire, b"\x00\xff\x07").run()
    assert wire.received == b"\x00\xff\x07e"


def test_without_a_file_the_sensor_has_no_bytes(
    board: Board, write_firmware: WriteFirmware
) -> None:
    wire = Script(b"a")
    Machine(sensing(SENSOR, board, write_firmware), board, wire).run()
    assert wire.received == b"eeee"


def test_the_sensor_has_one_register(board: Board, write_firmware: WriteFirmware) -> None:
    elf = sensing(SENSOR + 4, board, write_firmware)
    with pytest.raises(FirmwareFault, match="reads the sensor's register 0x4, which does not"):
        Machine(elf, board, Script(b"a"), b"x").run()


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_the_firmware_answers_and_waits_for_more_only_when_all_is_read_and_sent(
    toolchain: str,
    board: Board,
    require_toolchain: Callable[[str], str],
    write_firmware: WriteFirmware,
) -> None:
    report = build(write_firmware(board), toolchain=require_toolchain(toolchain))
    wire = Script(b"abc", b"\x00\xff", bytes(range(256)) * 2)
    Machine(report.elf, board, wire).run()
    first = b"bcd"
    second = first + b"\x01\x00"
    block = bytes((i + 1) & 0xFF for i in range(256))
    # The board reads once per chunk, but twice for the last one, which is twice as large as the
    # UART's buffer, and once for the end of the input. It does not poll in between.
    assert board.uart is not None
    assert wire.limits == {board.uart.buffer} == {len(block)}
    assert wire.received_at_read == [b"", first, second, second + block, second + 2 * block]


def test_an_answer_is_sent_although_more_requests_wait(
    board: Board, write_firmware: WriteFirmware
) -> None:
    sent: list[bytes] = []

    class Wire(Script):
        def write(self, data: bytes) -> None:
            sent.append(data)

    Machine(build(write_firmware(board)).elf, board, Wire(b"abc")).run()
    assert [data for data in sent if data] == [b"b", b"c", b"d"]


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_division_and_memory_functions_work_without_a_c_library(
    toolchain: str,
    board: Board,
    require_toolchain: Callable[[str], str],
    write_firmware: WriteFirmware,
) -> None:
    report = build(write_firmware(board, SELF_TEST), toolchain=require_toolchain(toolchain))
    a, b, count = -1234567890123456789, 987654321, 7
    unsigned = a % 2**64
    wire = Script(a.to_bytes(8, "little", signed=True) + b.to_bytes(8, "little"), b"\x07\x03")
    Machine(report.elf, board, wire).run()
    quotient = -(-a // b)  # C rounds quotients toward 0
    expected = [
        unsigned // b,
        unsigned % b,
        quotient,
        a - quotient * b,
        unsigned * b,
        (unsigned << count) ^ (unsigned >> count),
        0x11223344,
        0,
        0x5A,
        0 | 19 << 8 | 0 << 16 | 18 << 24,
        1,
    ]
    assert wire.received == b"".join((value % 2**64).to_bytes(8, "little") for value in expected)


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
@pytest.mark.parametrize(
    ("body", "address", "reason"),
    [
        ("(void)*address", "0xDEADBEE0", "reads from 0xdeadbee0, where there is no memory"),
        ("*address = 1u", "0x30000000", "writes to 0x30000000, where there is no memory"),
        ("*address = 1u", "0x00000200", "writes to 0x00000200, which is flash"),
        ("(void)*address", "0xE000E018", "reads the system register 0xe000e018, which is not"),
        ("*address = 1u", "0xE000E010", "writes the system register 0xe000e010, which is not"),
        ("(void)*address", "0x40004FF0", "reads the UART's register 0xff0, which is not"),
        ("*address = 1u", "0x40004FF0", "writes the UART's register 0xff0, which is not"),
        ('__asm__ volatile("udf #1")', "0", "no such instruction"),
        ('__asm__ volatile("bkpt #0")', "0", "breakpoint"),
        ('__asm__ volatile("svc #0")', "0", "supervisor call"),
    ],
)
def test_a_fault_is_named_with_its_place(
    body: str,
    address: str,
    reason: str,
    toolchain: str,
    board: Board,
    require_toolchain: Callable[[str], str],
    write_firmware: WriteFirmware,
) -> None:
    project = write_firmware(board, ONE_THING.replace("BODY", body).replace("ADDRESS", address))
    report = build(project, toolchain=require_toolchain(toolchain))
    wire = Script(b"x")
    with pytest.raises(FirmwareFault) as caught:
        Machine(report.elf, board, wire).run()
    assert "the firmware failed at do_one_thing+0x" in str(caught.value)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)
    assert wire.received == b"x"  # the byte that was sent before the fault is not lost


def test_a_fault_prints_nothing_but_its_report(
    board: Board, write_firmware: WriteFirmware, capfd: pytest.CaptureFixture[str]
) -> None:
    project = write_firmware(
        board, ONE_THING.replace("BODY", "(void)*address").replace("ADDRESS", "0xE000E018")
    )
    machine = Machine(build(project).elf, board, Script(b"x"))
    with pytest.raises(FirmwareFault):
        machine.run()
    assert capfd.readouterr() == ("", "")


def test_a_return_from_main_is_a_fault(board: Board, write_firmware: WriteFirmware) -> None:
    project = write_firmware(board, "int main(void);\nint main(void) { return 0; }\n")
    with pytest.raises(FirmwareFault, match=r"failed at Reset_Handler\+0x"):
        Machine(build(project).elf, board, Script()).run()


@pytest.mark.parametrize(
    ("setup", "reason"),
    [
        ('__asm__ volatile("wfi")', "waits for an interrupt that it has not enabled"),
        ("*(volatile uint32_t *)0x40004000u = 1u", "writes to the UART before enabling"),
        ("(void)*(volatile uint32_t *)0x40004000u", "reads from the UART before enabling"),
    ],
)
def test_a_driver_that_forgets_to_enable_something_is_caught(
    setup: str, reason: str, board: Board, write_firmware: WriteFirmware
) -> None:
    project = write_firmware(
        board, f'#include "ska_board.h"\nint main(void) {{\n    {setup};\n    return 0;\n}}\n'
    )
    with pytest.raises(FirmwareFault, match=reason):
        Machine(build(project).elf, board, Script(b"x")).run()


def test_an_image_for_other_memory_is_refused(board: Board, write_firmware: WriteFirmware) -> None:
    elf = build(write_firmware(board)).elf
    assert board.memory is not None
    other = replace(board, memory=Memory(Region(0x0800_0000, 0x8_0000), board.memory.ram))
    with pytest.raises(InputError, match="outside the flash of board virtual-m4"):
        Machine(elf, other, Script())


@pytest.mark.parametrize("content", [b"", b"no image", b"\x7fELF"])
def test_a_file_that_is_not_an_image_is_refused(
    content: bytes, board: Board, tmp_path: Path
) -> None:
    elf = tmp_path / "firmware.elf"
    with pytest.raises(InputError, match="cannot be read"):
        Machine(elf, board, Script())
    elf.write_bytes(content)
    with pytest.raises(InputError, match="not an ELF image"):
        Machine(elf, board, Script())


def test_a_board_that_is_not_a_cortex_m_is_refused(board: Board, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be emulated here"):
        Machine(tmp_path / "firmware.elf", load_board("host"), Script())


def run_emulator(elf: Path, project: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "firmware_gen.emulators.cortex_m4",
            elf,
            project / "board" / "board.toml",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_as_a_program_it_prints_its_port_and_reports_a_fault_in_one_line(
    board: Board, write_firmware: WriteFirmware
) -> None:
    project = write_firmware(
        board, ONE_THING.replace("BODY", "*address = 1u").replace("ADDRESS", "0x30000000")
    )
    with run_emulator(build(project).elf, project) as process:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        with serial.Serial(port, 115200, timeout=20) as line:
            line.write(b"x")
            assert line.read(1) == b"x"
            rest, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    assert rest == ""
    assert errors.startswith("firmware.elf: the firmware failed at do_one_thing+0x")
    assert errors.count("\n") == 1 and errors.endswith("where there is no memory\n")


def test_as_a_program_it_refuses_a_missing_image_in_one_line(
    board: Board, write_firmware: WriteFirmware
) -> None:
    project = write_firmware(board)
    with run_emulator(project / "firmware.elf", project) as process:
        output, errors = process.communicate(timeout=20)
    assert (process.returncode, output) == (2, "")
    assert errors.count("\n") == 1 and "build it first" in errors
