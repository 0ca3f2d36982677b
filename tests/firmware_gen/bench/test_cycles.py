"""The modelled cycles of small functions equal a count by hand with the manuals' tables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from firmware_gen.bench.cycles import CORES
from firmware_gen.bench.trace import Tracer
from firmware_gen.board.board import Board, load_board
from firmware_gen.build import build

pytest.importorskip("unicorn")

BOARDS = {"cortex-m0": "qemu-m0", "cortex-m4": "qemu-m4"}

MAIN = """\
void measured(void);

int main(void) {
    measured();
    return 0;
}

__attribute__((naked)) void measured(void) { __asm__ volatile(".syntax unified\\n%s"); }
"""

# Each function gets an address in r0. Its cycles are a sum of terms, one per instruction in order.
# The terms of a loop are in parentheses, times the number of its iterations.
LOOP = """
    movs r1, #3
1:  ldr r2, [r0]
    ldr r3, [r0, #4]
    str r2, [r0, #8]
    subs r1, #1
    bne 1b
    push {r4, lr}
    pop {r4, pc}
"""
CALL = """
    mov r3, lr
    bl 1f
    b 2f
1:  bx lr
2:  bx r3
"""
MULTIPLY = """
    movs r1, #7
    muls r1, r0, r1
    bx lr
"""
BLOCKS = """
    ldm r0!, {r1, r2, r3}
    ldrh r1, [r0]
    strh r1, [r0, #2]
    ldrb r1, [r0]
    adds r1, #1
    bx lr
"""
# Of two loads in a row, the second takes 1 cycle less, unless the first loads its address.
OVERLAP = """
    adds r0, #4
    ldr r1, [r0]
    movs r2, #0
    str r1, [r0, r2]
    str r0, [r0]
    ldr r3, [r0]
    ldr r3, [r3]
    ldrd r4, r5, [r0]
    ldrb r1, [r0]
    strb r1, [r0, r2]
    bx lr
"""
UNSURE = """
    ldr r1, 1f
    cmp r1, #0
    it eq
    ldreq r2, [r0, #4]
    udiv r3, r0, r1
    bx lr
    .align 2
1:  .word 1
"""


def main(code: str) -> str:
    return MAIN % code.strip("\n").replace("\n", "\\n")


def assembled(project: Path, board: Board) -> Tracer:
    report = build(project, toolchain="arm-none-eabi-gcc", bounded=False)
    return Tracer(report.elf, board)


@pytest.mark.parametrize(
    ("core", "code", "expected"),
    [
        ("cortex-m0", LOOP, [1 + 3 * (2 + 2 + 2 + 1 + 1) + 2 * 2 + 3 + 6] * 3),
        ("cortex-m0", CALL, [1 + 4 + 3 + 3 + 3] * 3),
        ("cortex-m0", MULTIPLY, [1 + 1 + 3, 1 + 1 + 3, 1 + 32 + 3]),
        ("cortex-m0", BLOCKS, [4 + 2 + 2 + 2 + 1 + 3] * 3),
        # On Cortex-M4, `p` is the refill of the pipeline: 1, 2 or 3 cycles.
        ("cortex-m4", LOOP, [1 + 3 * (2 + 1 + 1 + 1 + 1) + 2 * p + 3 + 3 + p for p in (1, 2, 3)]),
        ("cortex-m4", CALL, [1 + 4 * (1 + p) for p in (1, 2, 3)]),
        ("cortex-m4", MULTIPLY, [1 + 1 + 1 + p for p in (1, 2, 3)]),
        ("cortex-m4", BLOCKS, [4 + 2 + 1 + 2 + 1 + 1 + p for p in (1, 2, 3)]),
        # `s` is the stall of an access right after its address was computed.
        (
            "cortex-m4",
            OVERLAP,
            [
                1 + (2 + s) + 1 + (2 + s) + 1 + 2 + 2 + 3 + 2 + 1 + 1 + p
                for p, s in ((1, 0), (2, 1), (3, 1))
            ],
        ),
        (
            "cortex-m4",
            UNSURE,
            [2 + 1 + 0 + 1 + 2 + 1 + 1, 2 + 1 + 1 + 2 + 12 + 1 + 2, 3 + 1 + 1 + 2 + 12 + 1 + 3],
        ),
    ],
)
def test_cycles_are_those_counted_by_hand(
    core: str,
    code: str,
    expected: list[int],
    write_firmware: Callable[..., Path],
    require_toolchain: Callable[[str], str],
) -> None:
    require_toolchain("arm-none-eabi-gcc")
    board = load_board(BOARDS[core])
    image = assembled(write_firmware(board, main(code)), board)
    trace = image.call("measured", image.symbols["ska_bss_end"])
    assert CORES[core].cycles(trace, image.code).tolist() == expected


def test_a_trace_counts_every_turn(
    write_firmware: Callable[..., Path], require_toolchain: Callable[[str], str]
) -> None:
    require_toolchain("arm-none-eabi-gcc")
    board = load_board("qemu-m4")
    image = assembled(write_firmware(board, main(LOOP)), board)
    for _ in range(2):  # the second call must give the same counts
        trace = image.call("measured", image.symbols["ska_bss_end"])
        executed = sum(
            times * len(image.code(block)) for (_, block), times in trace.items() if block.size
        )
        assert executed == 1 + 3 * 5 + 2
