"""An image for a Cortex-M0 is searched for instructions that this core lacks."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from firmware_gen.emulators.chips.cortex_m.armv6m import missing_instruction
from firmware_gen.formats.elf import Image

NOP = 0xBF00
CODE = 0x100


def missing(*halves: int, marks: tuple[tuple[int, bool], ...] = ((CODE, True),)) -> int | None:
    """Return the offset of the first missing instruction between two NOPs, if one is missing."""
    content = struct.pack(f"<{len(halves) + 2}H", NOP, *halves, NOP)
    found = missing_instruction(Image(Path("x.elf"), [(CODE, content)], [], marks=marks))
    return None if found is None else found - CODE


@pytest.mark.parametrize(
    "halves",
    [
        (0x2001,),  # movs r0, #1
        (0x6808,),  # ldr r0, [r1]
        (0xE7FE,),  # b .
        (0xB662,),  # cpsie i
        (0xBF30,),  # wfi
        (0xF7FF, 0xFFFE),  # bl
        (0xF380, 0x8810),  # msr primask, r0
        (0xF3EF, 0x8010),  # mrs r0, primask
        (0xF3BF, 0x8F4F),  # dsb
        (0xF3BF, 0x8F5F),  # dmb
        (0xF3BF, 0x8F6F),  # isb
    ],
)
def test_instructions_of_a_cortex_m0_are_accepted(halves: tuple[int, ...]) -> None:
    assert missing(*halves) is None


@pytest.mark.parametrize(
    "halves",
    [
        (0xB108,),  # cbz r0
        (0xB908,),  # cbnz r0
        (0xBF08,),  # it eq
        (0xF240, 0x0001),  # movw r0, #1
        (0xFB91, 0xF0F0),  # sdiv r0, r1, r0
        (0xF8D1, 0x0000),  # ldr.w r0, [r1]
        (0xFB20, 0x0001),  # smlad
        (0xE9D1, 0x0200),  # ldrd
    ],
)
def test_instructions_that_a_cortex_m0_lacks_are_found(halves: tuple[int, ...]) -> None:
    assert missing(*halves) == 2


def test_data_are_not_taken_for_instructions() -> None:
    assert missing(0xFB91, 0xF0F0, marks=((CODE, True), (CODE + 2, False))) is None
    marks = ((CODE, True), (CODE + 2, False), (CODE + 4, True))
    assert missing(0xFB91, 0xFB91, 0xF0F0, marks=marks) == 4
