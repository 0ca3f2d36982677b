"""The stack bound fits the compilers' frame sizes and the stack that runs use; a build without a
bound fails.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import serial
from elftools.elf.elffile import ELFFile

from firmware_gen.board.board import RING, Board, board_names, load_board
from firmware_gen.build import build
from firmware_gen.emulators.cortex_m4 import Machine
from firmware_gen.emulators.flash import start
from firmware_gen.memory.sections import code_of
from firmware_gen.memory.stack import Code
from firmware_gen.memory.stack_arm import EXCEPTION_FRAME, FLOAT_FRAME
from firmware_gen.memory.stack_avr import AvrCode
from firmware_gen.memory.stack_riscv import RiscvCode
from ska_edge.errors import CheckError

WriteFirmware = Callable[..., Path]
TOOLCHAINS = ["arm-none-eabi-gcc", "zig"]
BARE = [name for name in board_names() if load_board(name).memory is not None]
# One board for each architecture, and for each core that has its own compiler flags.
CORES = ["qemu-m0", "qemu-m4", "qemu-m55", "qemu-rv32", "uno", "mega2560"]
PAIRS = [
    pytest.param(name, compiler.name, id=f"{name}-{compiler.name}")
    for name in CORES
    for compiler in load_board(name).toolchains
]
EMULATED = [
    pytest.param(name, compiler.name, id=f"{name}-{compiler.name}")
    for name in BARE
    if load_board(name).start is not None
    for compiler in load_board(name).toolchains
]
# Boards that receive by interrupt: the received bytes go to a ring.
INTERRUPTED = [case for case in EMULATED if RING in load_board(str(case.values[0])).sources]
READY = b"r"
# A run fills the stack with a pattern, the paint; where the paint is gone, the stack was used.
# Bytes that only keep the stack aligned may keep the paint: up to 8 bytes on Arm, less than 16 on
# RISC-V, none on AVR.
ALIGNMENT = {"cortex-m": 8, "riscv": 15, "avr": 0}
# These functions have no frame of their own: the reset code of RISC-V sets the stack pointer, and
# other functions jump into the two AVR library functions.
NO_FRAME = {
    RiscvCode: {"Reset_Handler"},
    AvrCode: {"__prologue_saves__", "__epilogue_restores__"},
}

# Functions with frames of many shapes: no frame, saved registers, arrays, large arrays, early
# returns, switches, many arguments, 64-bit division, tail calls, and a branch that is never taken.
SHAPES = """\
#include "ska_board.h"

#define APART __attribute__((noinline))

static volatile int32_t sink;
static volatile int64_t wide = 7;

int32_t leaf(int32_t x);
int32_t with_array(int32_t x);
int32_t with_page(int32_t x);
int32_t with_pages(int32_t x);
int32_t with_large_array(int32_t x);
int32_t early(int32_t x);
int32_t many(int32_t a, int32_t b, int32_t c, int32_t d, int32_t e, int32_t f);
int32_t divide(int32_t x);
int32_t choose(int32_t x);
int32_t tail(int32_t x);

APART int32_t leaf(int32_t x) { return x * 3 + sink; }

APART int32_t with_array(int32_t x) {
    volatile uint8_t block[100];
    uint8_t i;

    for (i = 0; i < 100u; ++i) {
        block[i] = (uint8_t)(x + (int32_t)i);
    }
    return leaf(block[x & 63]) + block[x & 31];
}

/* AVR moves the stack pointer by 256, or a multiple, in one instruction. */
APART int32_t with_page(int32_t x) {
    volatile uint8_t block[256];

    block[x & 31] = 3;
    return leaf(block[x & 15]);
}

APART int32_t with_pages(int32_t x) {
    volatile uint8_t block[1280];

    block[x & 31] = 3;
    return leaf(block[x & 15]);
}

APART int32_t with_large_array(int32_t x) {
    volatile int32_t block[300];
    uint16_t i;

    for (i = 0; i < 300u; ++i) {
        block[i] = x;
    }
    return with_array(block[(uint32_t)x & 255u]) + block[2];
}

APART int32_t early(int32_t x) {
    if (x == 0) {
        return 1;
    }
    sink = leaf(x) + leaf(sink);
    return with_array(x) + sink;
}

APART int32_t many(int32_t a, int32_t b, int32_t c, int32_t d, int32_t e, int32_t f) {
    sink = leaf(a) + leaf(b);
    return leaf(c) * d + leaf(e) * f;
}

APART int32_t divide(int32_t x) {
    wide = (wide * 1000003) / ((int64_t)x + 5);
    return (int32_t)(wide % 1000);
}

APART int32_t choose(int32_t x) {
    switch (x) {
    case 0: return leaf(x);
    case 1: return with_array(4);
    case 2: sink = 5; return 7;
    case 3: return divide(x) + 1;
    case 4: sink = x; return many(1, 2, 3, 4, x, 6);
    case 5: return early(x);
    case 6: sink = 1; sink = 2; return 5;
    default: return with_large_array(x) + 2;
    }
}

APART int32_t tail(int32_t x) {
    volatile uint8_t block[40];

    block[x & 31] = 5;
    sink = block[x & 15] + with_page(x);
    return choose(sink);
}

int main(void) {
    ska_board_init();
    for (;;) {
        int32_t x = ska_board_read();

        sink = choose(x) + tail(x);
        ska_board_write((uint8_t)(sink & 0x7F));
    }
}
"""


WORK = "sink = choose(x) + tail(x);"

# An image with the functions of SHAPES. It paints the RAM of the stack and runs the deepest paths.
# For each received byte it sends the lower half of the lowest address whose paint is gone.
PAINTED = (
    SHAPES.split("int main(void)")[0]
    + """\
extern uint8_t END_OF_VARIABLES[];
int32_t wait_deep(int32_t x);
void paint(void);
uint8_t *untouched(void);

APART int32_t wait_deep(int32_t x) {
    volatile uint8_t block[100];

    block[x] = 1;
    ska_board_write('r');
    return (int32_t)ska_board_read() + (int32_t)block[x];
}

APART void paint(void) {
    volatile uint8_t here = 0;
    const uintptr_t stop = (uintptr_t)&here - 8u; /* above, this function itself is at work */
    uint8_t *at;

    for (at = END_OF_VARIABLES; (uintptr_t)at < stop; ++at) {
        *at = 0xA5;
    }
}

APART uint8_t *untouched(void) {
    uint8_t *at = END_OF_VARIABLES;

    while (*at == 0xA5) {
        ++at;
    }
    return at;
}

int main(void) {
    uint16_t end;
    int32_t x;

    ska_board_init();
    (void)ska_board_read(); /* now the host listens; bytes sent earlier may be lost */
#if defined(__ARM_FEATURE_MVE)
    /* After the first use of a vector register, interrupts push these registers, too: at once, not
     * only when the handler uses them (FPCCR.LSPEN). */
    __asm__ volatile("vmov s0, %0" ::"r"(0) : "s0");
    *(volatile uint32_t *)0xE000EF34u &= ~0x40000000u;
#endif
    paint();
    for (x = 0; x < 9; ++x) {
        WORK
    }
    end = (uint16_t)(uintptr_t)untouched();
    ska_board_write((uint8_t)(end & 0xFFu));
    ska_board_write((uint8_t)(end / 256u));
    for (;;) {
        (void)ska_board_read();
    }
}
"""
)


# Float values that live across a call are in registers that a function must save.
FLOATS = """\
#include "ska_board.h"

#define APART __attribute__((noinline))

static volatile float sink;

float scaled(float x);
float folded(float x, float y, int32_t count);

APART float scaled(float x) { return x * sink; }

APART float folded(float x, float y, int32_t count) {
    float sum = 0.0f;

    for (int32_t i = 0; i < count; ++i) {
        sum = sum * x + scaled((float)i + y);
    }
    return sum;
}

int main(void) {
    ska_board_init();
    for (;;) {
        sink = folded(sink, sink + 1.0f, ska_board_read());
    }
}
"""


def code(elf: Path) -> Code:
    found = code_of(ELFFile(io.BytesIO(elf.read_bytes())))
    assert found is not None
    return found


def frames(elf: Path) -> dict[str, int]:
    image = code(elf)
    return {
        function.name: image.frame(function).size
        for function in image.functions()
        if function.name not in NO_FRAME.get(type(image), set())
    }


def frames_of_gcc(folder: Path) -> dict[str, int]:
    """Read the frame sizes that -fstack-usage wrote, one per line: place:name, bytes, kind."""
    lines = [line for path in folder.glob("*.su") for line in path.read_text().splitlines()]
    return {place.split(":")[-1]: int(size) for place, size, _ in map(str.split, lines)}


def frames_of_clang(elf: Path) -> dict[str, int]:
    """Read the frame sizes that -fstack-size-section wrote, as pairs of an address (4 bytes) and a
    size (ULEB128).
    """
    image: Any = ELFFile(io.BytesIO(elf.read_bytes()))
    names = {
        symbol["st_value"] & ~1: symbol.name
        for symbol in image.get_section_by_name(".symtab").iter_symbols()
        if symbol["st_info"]["type"] == "STT_FUNC"
    }
    data = io.BytesIO(b"".join(s.data() for s in image.iter_sections() if s.name == ".stack_sizes"))
    sizes = {}
    while address := data.read(4):
        size = shift = 0
        while True:
            byte = data.read(1)[0]
            size |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                break
        sizes[names[int.from_bytes(address, "little") & ~1]] = size
    return sizes


@pytest.mark.parametrize("level", ["-O0", "-Os", "-O2", "-O3"])
@pytest.mark.parametrize("name", CORES)
def test_frames_are_those_that_gcc_states(
    name: str, level: str, require_toolchain: Callable[[str], str], write_firmware: WriteFirmware
) -> None:
    board = load_board(name)
    toolchain = require_toolchain(board.toolchains[0].name)
    project = write_firmware(board, SHAPES)
    elf = build(project, toolchain=toolchain, flags=["-fstack-usage", level]).elf
    stated, found = frames_of_gcc(elf.parent), frames(elf)
    linked = {name: size for name, size in stated.items() if name in found}
    assert {"main", "with_large_array", "tail", "ska_board_read"} <= set(linked)
    # gcc adds the return address that a call pushes to the called function's frame.
    pushed = code(elf).call_size
    assert linked == {name: found[name] + pushed for name in linked}


# qemu-m0 at -O0 is left out: its code frees a large frame by a register, which the bound does not
# follow.
@pytest.mark.parametrize(
    ("name", "level"),
    [
        ("qemu-m0", "-Os"),
        ("qemu-m4", "-O0"),
        ("qemu-m4", "-Os"),
        ("qemu-rv32", "-O0"),
        ("qemu-rv32", "-Os"),
    ],
)
def test_frames_are_those_that_clang_states(
    name: str, level: str, zig: str, write_firmware: WriteFirmware
) -> None:
    project = write_firmware(load_board(name), SHAPES)
    elf = build(project, toolchain=zig, flags=["-fstack-size-section", level]).elf
    stated, found = frames_of_clang(elf), frames(elf)
    stated = {name: size for name, size in stated.items() if name in found}
    assert {"main", "with_large_array", "tail", "ska_board_read"} <= set(stated)
    assert stated == {name: found[name] for name in stated}


@pytest.mark.parametrize("level", ["-O0", "-Os", "-O2"])
def test_saved_float_registers_count(
    level: str, require_toolchain: Callable[[str], str], write_firmware: WriteFirmware
) -> None:
    board = load_board("qemu-m4")
    toolchain = require_toolchain("arm-none-eabi-gcc")
    unit = board.toolchains[0].float_flags
    project = write_firmware(board, FLOATS)
    report = build(project, toolchain=toolchain, flags=["-fstack-usage", level, *unit])
    stated, found = frames_of_gcc(report.elf.parent), frames(report.elf)
    chain = ["main", "folded", "scaled"]
    assert {name: stated[name] for name in chain} == {name: found[name] for name in chain}
    deepest = sum(found[name] for name in ("Reset_Handler", *chain))
    handler = found["Uart_Handler"] + found.get("ska_ring_put", 0)  # inlined, except at -O0
    assert report.stack == deepest + EXCEPTION_FRAME + FLOAT_FRAME + handler


def test_a_jump_by_the_call_instruction_is_not_a_recursion(
    require_toolchain: Callable[[str], str], write_firmware: WriteFirmware
) -> None:
    # A branch of the Cortex-M0 reaches 2 KB. The loop around this code is longer, so the compiler
    # jumps with BL, the instruction for calls.
    long = "        sink = sink * 3 + x;\n" * 300
    program = (
        '#include "ska_board.h"\n#define APART __attribute__((noinline))\n'
        "static volatile int32_t sink;\nint32_t far(int32_t x);\n"
        "APART int32_t far(int32_t x) {\n"
        f"    while (sink < x) {{\n{long}    }}\n    return x;\n}}\n"
        "int main(void) {\n    ska_board_init();\n    for (;;) {\n"
        "        sink = far(ska_board_read());\n    }\n}\n"
    )
    project = write_firmware(load_board("qemu-m0"), program)
    toolchain = require_toolchain("arm-none-eabi-gcc")
    elf = build(project, toolchain=toolchain, flags=["-fstack-usage", "-O1"]).elf
    function = next(f for f in code(elf).functions() if f.name == "far")
    frame = code(elf).frame(function)
    assert function.size > 2048
    assert frame.size == frames_of_gcc(elf.parent)["far"]
    assert frame.calls == ()


def test_routines_that_jump_into_each_other_have_a_bound(
    require_toolchain: Callable[[str], str], write_firmware: WriteFirmware
) -> None:
    # Without a floating-point unit, the routine for int -> float jumps into the routine for long
    # long -> float.
    project = write_firmware(load_board("qemu-m3"), FLOATS)
    report = build(project, toolchain=require_toolchain("arm-none-eabi-gcc"))
    found = frames(report.elf)
    inner = sum(found[name] for name in ("Reset_Handler", "main", "folded"))
    assert report.stack is not None
    assert report.stack >= inner + EXCEPTION_FRAME


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_the_bound_is_that_of_the_deepest_chain_of_calls(
    toolchain: str, require_toolchain: Callable[[str], str], write_firmware: WriteFirmware
) -> None:
    project = write_firmware(load_board("qemu-m4"), SHAPES)
    report = build(project, toolchain=require_toolchain(toolchain))
    found = frames(report.elf)
    chain = ["Reset_Handler", "main", "choose", "with_large_array", "with_array", "leaf"]
    with_tail = sum(found[name] for name in chain)
    assert report.stack == with_tail + EXCEPTION_FRAME + found["Uart_Handler"]
    assert with_tail >= 1200 + 100


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_a_run_uses_the_whole_bound_and_no_more(
    toolchain: str,
    require_board: Callable[[str], Board],
    require_toolchain: Callable[[str], str],
    write_firmware: WriteFirmware,
) -> None:
    board = require_board("virtual-m4")
    report = build(write_firmware(board, SHAPES), toolchain=require_toolchain(toolchain))
    assert board.memory is not None and report.stack is not None
    inputs = [bytes(range(9))]

    class Wire:
        def ready(self) -> bool:
            return bool(inputs)

        def read(self, limit: int) -> bytes:
            return inputs.pop() if inputs else b""

        def write(self, data: bytes) -> None:
            pass

    machine = Machine(report.elf, board, Wire())
    ram = board.memory.ram
    painted = ram.origin + report.ram
    machine.unicorn.mem_write(painted, b"\xa5" * (ram.size - report.ram))
    machine.run()
    left = bytes(machine.unicorn.mem_read(painted, ram.size - report.ram))
    used = len(left.lstrip(b"\xa5"))
    # No exception occurs in a run, so the bytes reserved for one stay untouched. Up to two saved
    # registers, pushed only to keep the stack aligned, may keep the paint.
    assert report.stack - EXCEPTION_FRAME - 8 <= used <= report.stack - EXCEPTION_FRAME


def bound_and_use(
    project: Path, board: Board, toolchain: str, rounds: int = 0
) -> tuple[int, int, int]:
    """Return bytes of stack: the bound of the calls, the bound with an interrupt, the use in a run.

    `rounds` is how many times the test waits for a byte from the board and then sends one.
    """
    report = build(project, toolchain=toolchain)
    assert board.memory is not None and report.stack is not None
    with start(project) as running, serial.Serial(running.port, 115200, timeout=20) as line:
        line.write(b"?")
        for _ in range(rounds):
            assert line.read(1) == READY
            line.write(b"!")
        answer = line.read(2)
    assert len(answer) == 2
    end = int.from_bytes(answer, "little")
    used = (board.memory.ram.origin + board.memory.ram.size - end) % 2**16
    image = code(report.elf)
    assert image.calls() + image.interrupt() == report.stack
    return image.calls(), report.stack, used


def painted(board: Board, work: str = WORK) -> str:
    end_of_variables = "ska_bss_end" if board.linker_script else "__heap_start"
    return PAINTED.replace("END_OF_VARIABLES", end_of_variables).replace("WORK", work)


@pytest.mark.parametrize(("name", "toolchain"), EMULATED)
def test_a_run_leaves_the_paint_beyond_the_bound(
    name: str,
    toolchain: str,
    require_board: Callable[[str], Board],
    require_toolchain: Callable[[str], str],
    write_firmware: WriteFirmware,
) -> None:
    board = require_board(name)
    project = write_firmware(board, painted(board))
    calls, _, used = bound_and_use(project, board, require_toolchain(toolchain))
    assert calls - ALIGNMENT[board.family or ""] <= used <= calls


@pytest.mark.parametrize(("name", "toolchain"), INTERRUPTED)
def test_an_interrupt_at_the_deepest_place_uses_the_whole_bound_and_no_more(
    name: str,
    toolchain: str,
    require_board: Callable[[str], Board],
    require_toolchain: Callable[[str], str],
    write_firmware: WriteFirmware,
) -> None:
    board = require_board(name)
    project = write_firmware(board, painted(board, "sink = wait_deep(x);"))
    chosen = require_toolchain(toolchain)
    calls, bound, used = bound_and_use(project, board, chosen, rounds=9)
    # The interrupt comes while ska_board_read sleeps, at the greatest depth of the calls. Arm
    # aligns the frame of the interrupt.
    assert bound - 2 * ALIGNMENT[board.family or ""] <= used <= bound
    assert used > calls


@pytest.mark.parametrize(("name", "toolchain"), PAIRS)
def test_the_routines_of_the_compilers_library_are_in_the_bound(
    name: str,
    toolchain: str,
    require_board: Callable[[str], Board],
    require_toolchain: Callable[[str], str],
    write_firmware: WriteFirmware,
) -> None:
    board = require_board(name)
    project = write_firmware(board, painted(board, "sink = divide(x);"))
    calls, _, used = bound_and_use(project, board, require_toolchain(toolchain))
    # The numbers of this run do not always take the deepest path through the routines.
    assert calls / 3 <= used <= calls


@pytest.mark.parametrize(("name", "toolchain"), PAIRS)
@pytest.mark.parametrize(
    ("functions", "call", "reason"),
    [
        (
            "int32_t odd(int32_t x);\nint32_t even(int32_t x);\n"
            "APART int32_t odd(int32_t x) { return x == 0 ? 0 : even(x - 1) + sink; }\n"
            "APART int32_t even(int32_t x) { return x == 0 ? 1 : odd(x - 1) + sink; }\n",
            "odd(ska_board_read())",
            "recursion (odd -> even -> odd)",
        ),
        (
            "int32_t self(int32_t x);\n"
            "APART int32_t self(int32_t x) { return x < 2 ? x : self(x - 1) * self(x - 2); }\n",
            "self(ska_board_read())",
            "recursion (self -> self)",
        ),
        (
            "typedef int16_t (*source_t)(void);\n"
            "static source_t volatile source = ska_board_read;\n"
            "int32_t through(void);\n"
            "APART int32_t through(void) { return source() + 1; }\n",
            "through()",
            "through at 0x",
        ),
        (
            "typedef int16_t (*source_t)(void);\n"
            "static source_t volatile source = ska_board_read;\n"
            "int32_t jump(void);\nAPART int32_t jump(void) { return source(); }\n",
            "jump()",
            "calls through a pointer",
        ),
        (
            "int32_t grow(uint8_t n);\n"
            "APART int32_t grow(uint8_t n) {\n    volatile uint8_t block[n + 1];\n"
            "    block[0] = n;\n    block[n] = 1;\n    return block[0];\n}\n",
            "grow((uint8_t)ska_board_read())",
            "moves the stack by an amount that is known only at run time",
        ),
    ],
)
def test_a_stack_without_a_bound_is_an_error_that_names_the_function(
    functions: str,
    call: str,
    reason: str,
    name: str,
    toolchain: str,
    require_toolchain: Callable[[str], str],
    write_firmware: WriteFirmware,
) -> None:
    program = (
        '#include "ska_board.h"\n#define APART __attribute__((noinline))\n'
        f"static volatile int32_t sink;\n{functions}"
        "int main(void) {\n    ska_board_init();\n    for (;;) {\n"
        f"        sink = {call};\n    }}\n}}\n"
    )
    project = write_firmware(load_board(name), program)
    with pytest.raises(CheckError) as caught:
        build(project, toolchain=require_toolchain(toolchain), flags=["-Wno-vla"])
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (project / "build" / "firmware.elf").exists()


@pytest.mark.parametrize(
    ("name", "push"),
    [
        ("qemu-m0", "push {r0}\\n\\tb 1b"),
        ("qemu-rv32", "addi sp, sp, -16\\n\\tj 1b"),
        ("uno", "push r0\\n\\trjmp 1b"),
    ],
)
def test_a_loop_that_pushes_has_no_bound(
    name: str, push: str, require_board: Callable[[str], Board], write_firmware: WriteFirmware
) -> None:
    program = f'int main(void) {{\n    __asm__ volatile("1: {push}");\n    return 0;\n}}\n'
    project = write_firmware(require_board(name), program)
    with pytest.raises(CheckError, match=r"main at 0x.* no known bound"):
        build(project)


def test_an_image_without_a_vector_table_by_that_name_is_an_error(
    require_toolchain: Callable[[str], str], write_firmware: WriteFirmware
) -> None:
    require_toolchain("arm-none-eabi-gcc")
    project = write_firmware(load_board("virtual-m4"))
    startup = project / "board" / "startup.c"
    startup.write_text(startup.read_text(encoding="utf-8").replace("ska_vectors", "vectors"))
    with pytest.raises(CheckError, match="no symbol ska_vectors"):
        build(project, toolchain="arm-none-eabi-gcc")
