"""Searches an image for instructions that a Cortex-M0 lacks; Unicorn would execute them.

Armv6-M has the 16-bit Thumb instructions except CBZ, CBNZ and IT, and few 32-bit ones (Armv6-M
Architecture Reference Manual, A5).
"""

from __future__ import annotations

from itertools import pairwise

from firmware_gen.emulators.chips.bits import field
from firmware_gen.formats.elf import Image

LONG = (0b11101, 0b11110, 0b11111)
"""The first five bits of an instruction of 32 bits."""
LONG_ONES = (
    (0xF800, 0xF000, 0xD000, 0xD000),  # BL
    (0xFFF0, 0xF380, 0xFF00, 0x8800),  # MSR
    (0xFFFF, 0xF3EF, 0xF000, 0x8000),  # MRS
    (0xFFFF, 0xF3BF, 0xFFC0, 0x8F40),  # DSB and DMB
    (0xFFFF, 0xF3BF, 0xFFF0, 0x8F60),  # ISB
    (0xFFF0, 0xF7F0, 0xF000, 0xA000),  # UDF
)
"""The 32-bit instructions of Armv6-M: mask and value of the first half, then of the second."""


def missing_instruction(image: Image) -> int | None:
    """Return the address of the first instruction that Armv6-M lacks; None if it has all."""
    for origin, content in image.segments:
        end = origin + len(content)
        marks = [mark for mark in image.marks if origin <= mark[0] < end]
        for (start, is_code), (stop, _) in pairwise([*marks, (end, False)]):
            if is_code:
                found = _missing(content[start - origin : stop - origin])
                if found is not None:
                    return start + found
    return None


def _missing(code: bytes) -> int | None:
    halves = memoryview(code[: len(code) // 2 * 2]).cast("H")
    at = 0
    while at < len(halves):
        half = halves[at]
        if field(half, 11, 5) not in LONG:
            if not _has(half):
                return 2 * at
            at += 1
            continue
        second = halves[at + 1] if at + 1 < len(halves) else 0
        if not any(
            half & mask == value and second & low_mask == low
            for mask, value, low_mask, low in LONG_ONES
        ):
            return 2 * at
        at += 2
    return None


def _has(half: int) -> bool:
    compares_and_branches = half & 0xF500 == 0xB100  # CBZ and CBNZ
    conditional = half & 0xFF00 == 0xBF00 and bool(half & 0xF)  # IT
    return not compares_and_branches and not conditional
