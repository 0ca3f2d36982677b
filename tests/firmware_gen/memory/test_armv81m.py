"""The decoder knows the instructions of Armv8.1-M, and leaves all older ones to capstone."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from firmware_gen.board.board import load_board
from firmware_gen.build import build
from firmware_gen.memory.armv81m import SIZE, Instruction, decode
from ska_edge.errors import CheckError

WriteFirmware = Callable[..., Path]
# Instructions that compilers use on a Cortex-M55. Capstone mistakes SQRSHR and UQSHL for writes of
# the program counter, and the next VLDRH for a write of the stack pointer.
NEWER = (
    "asrl r0, r1, r2",
    "lsrl r2, r3, #31",
    "sqrshr r4, r5",
    "uqshl r4, #3",
    "vldrh.s32 q3, [r5], #8",
    "csel r0, r1, r2, eq",
    "csinv r9, r10, r11, lt",
    "cset lr, eq",
    "dls lr, r3",
    "dlstp.16 lr, r3",
    "lctp",
    "vctp.16 r2",
    "vmrs r2, p0",
    "vmsr p0, r2",
    "vpst\n vldrht.16 q3, [r0]",
    "vldrh.16 q3, [sp, #32]",
    "vstrw.32 q3, [r1], #16",
    "vldrb.s16 q3, [r5, #8]!",
    "vldrw.u32 q3, [r0, q1, uxtw #2]",
    "vldrw.u32 q3, [q1, #16]!",
    "vst41.16 {q0, q1, q2, q3}, [r0]!",
    "vmov r0, r1, q0[2], q0[0]",
    "vmladava.s16 r0, q3, q2",
    "vqrdmlah.s16 q3, q2, r3",
    "vqmovnb.s32 q0, q1",
    "vcmp.s16 ge, q0, q1",
)
# (instruction, label of its target)
LOOPS = (
    ("le lr, back", "back"),
    ("letp lr, back", "back"),
    ("le back", "back"),
    ("wls lr, r3, ahead", "ahead"),
    ("wlstp.8 lr, r2, ahead", "ahead"),
)
OLDER = (
    "movs.w r9, r1",
    "orrs.w r9, r1, r2, lsr #4",
    "bl ahead",
    "b.w ahead",
    "beq.w ahead",
    "push.w {r4, r8, lr}",
    "vpush {d8, d9}",
    "vldr d0, [sp, #8]",
    "vmov s0, r3",
    "vmrs r0, fpscr",
    "smlad r0, r1, r2, r3",
    "strd r0, r1, [sp, #-8]!",
)


def assembled(lines: list[str], folder: Path, compiler: str) -> tuple[bytes, dict[str, int]]:
    """Return the code between the labels `back` and `ahead`, and the addresses of both."""
    source, image = folder / "code.s", folder / "code.o"
    code = "\n".join(lines)
    source.write_text(f".syntax unified\n.thumb\nnop\nback:\n{code}\nahead:\nnop\n")
    core = ("-mcpu=cortex-m55", "-mthumb", "-mfloat-abi=hard")
    subprocess.run([compiler, *core, "-c", str(source), "-o", str(image)], check=True)
    elf = ELFFile(io.BytesIO(image.read_bytes()))
    labels = {
        symbol.name: symbol["st_value"]
        for symbol in elf.get_section_by_name(".symtab").iter_symbols()
        if symbol.name in ("back", "ahead")
    }
    text = elf.get_section_by_name(".text").data()
    return text[labels["back"] : labels["ahead"]], labels


def test_newer_instructions_are_known(
    require_toolchain: Callable[[str], str], tmp_path: Path
) -> None:
    code, _ = assembled(list(NEWER), tmp_path, require_toolchain("arm-none-eabi-gcc"))
    assert len(code) >= SIZE * len(NEWER)
    for at in range(0, len(code), SIZE):
        assert decode(code[at:], at) == Instruction(at), code[at : at + SIZE].hex()


def test_loops_branch_to_their_labels(
    require_toolchain: Callable[[str], str], tmp_path: Path
) -> None:
    compiler = require_toolchain("arm-none-eabi-gcc")
    code, labels = assembled([line for line, _ in LOOPS] + ["nop.w"], tmp_path, compiler)
    for number, (_, label) in enumerate(LOOPS):
        at = SIZE * number
        address = labels["back"] + at
        assert decode(code[at:], address) == Instruction(address, labels[label])


def test_older_instructions_are_left_to_capstone(
    require_toolchain: Callable[[str], str], tmp_path: Path
) -> None:
    code, _ = assembled(list(OLDER), tmp_path, require_toolchain("arm-none-eabi-gcc"))
    assert len(code) == SIZE * len(OLDER)
    assert [decode(code[at:], at) for at in range(0, len(code), SIZE)] == [None] * len(OLDER)


def test_half_an_instruction_is_not_decoded() -> None:
    assert decode(bytes.fromhex("0ff0"), 0) is None


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        # vstrw.32 q3, [sp, #-32]!
        (".inst.w 0xed2d7f08", "moves the stack by an amount that is known only at run time"),
        # Capstone stops at VMSR and forgets the condition of the POP after it.
        ("itt ne\\n\\tvmsrne p0, r0\\n\\tpopne {pc}", "are not an instruction"),
    ],
)
def test_what_the_analysis_cannot_follow_is_an_error(
    code: str,
    reason: str,
    require_toolchain: Callable[[str], str],
    write_firmware: WriteFirmware,
) -> None:
    require_toolchain("arm-none-eabi-gcc")
    program = f'int main(void) {{\n    __asm__ volatile("{code}");\n    return 0;\n}}\n'
    project = write_firmware(load_board("qemu-m55"), program)
    with pytest.raises(CheckError, match=reason):
        build(project)
