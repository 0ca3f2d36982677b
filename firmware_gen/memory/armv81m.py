"""Decodes the instructions of Armv8.1-M that capstone lacks, as far as the stack analysis needs.

These are low-overhead loops, conditional selects, shifts of 64 bits, and the vector instructions
(MVE, Helium). All have 32 bits. None of them calls, returns or writes the stack pointer, and only
the loops branch. Capstone fails at some of them and takes others for older instructions.
"""

from __future__ import annotations

from dataclasses import dataclass

SIZE = 4  # bytes of each instruction
BACK, FORWARD, NOWHERE = -1, 1, 0

# The encodings in the order of the Armv8-M Architecture Reference Manual (DDI 0553, C2.4), the
# first halfword first. An x is any bit. The first match counts.
ENCODINGS = (
    ("LE", "1111 0000 0000 1111 1100 xxxx xxxx xxx1", BACK),
    ("LETP", "1111 0000 0001 1111 1100 xxxx xxxx xxx1", BACK),
    ("LE without a counter", "1111 0000 0010 1111 1100 xxxx xxxx xxx1", BACK),
    ("WLSTP", "1111 0000 00xx xxxx 1100 xxxx xxxx xxx1", FORWARD),
    ("WLS", "1111 0000 0100 xxxx 1100 xxxx xxxx xxx1", FORWARD),
    ("DLS, DLSTP, LCTP", "1111 0000 0xxx xxxx 1110 0000 0000 0001", NOWHERE),
    ("VCTP", "1111 0000 00xx xxxx 1110 1000 0000 0001", NOWHERE),
    ("CSEL, CSINC, CSINV, CSNEG", "1110 1010 0101 xxxx 10xx xxxx xxxx xxxx", NOWHERE),
    ("ASRL, LSLL, LSRL, SQRSHR, ...", "1110 1010 0101 xxxx xxxx xxxx xxxx 11x1", NOWHERE),
    ("VMRS, VMSR of P0 and VPR", "1110 1110 111x 110x xxxx 1010 xxx1 xxxx", NOWHERE),
    ("MVE loads and stores", "111x 110x x0xx xxxx xxxx 111x xxxx xxxx", NOWHERE),
    ("MVE, all others", "111x 111x xxxx xxxx xxxx 111x xxxx xxxx", NOWHERE),
)
# A vector load or store that changes the stack pointer is not decoded here; no compiler makes such
# an instruction. If somebody writes one by hand, the build reports an unknown frame.
FORBIDDEN = "111x 110x x01x 1101 xxx1 111x xxxx xxxx"


@dataclass(frozen=True)
class Instruction:
    """An instruction of Armv8.1-M, its address, and the address to which it may branch."""

    address: int
    target: int | None = None
    size: int = SIZE


def _mask(pattern: str) -> tuple[int, int]:
    """Return a mask of the bits that a pattern states, and the value of these bits."""
    bits = pattern.replace(" ", "")
    mask = int("".join("0" if bit == "x" else "1" for bit in bits), 2)
    return mask, int(bits.replace("x", "0"), 2)


# A build decodes thousands of instructions, so the patterns are compared as whole words.
_MASKS = tuple((*_mask(pattern), direction) for _, pattern, direction in ENCODINGS)
_FORBIDDEN_MASK, _FORBIDDEN_VALUE = _mask(FORBIDDEN)


def decode(data: bytes, address: int) -> Instruction | None:
    """Return the Armv8.1-M instruction at the start of these bytes; None for any other."""
    if len(data) < SIZE:
        return None
    word = int.from_bytes(data[2:4] + data[:2], "little")  # the first halfword is the upper one
    if word & _FORBIDDEN_MASK == _FORBIDDEN_VALUE:
        return None
    for mask, value, direction in _MASKS:
        if word & mask == value:
            if direction == NOWHERE:
                return Instruction(address)
            # The distance counts halfwords. Its lowest bit comes after the ten others.
            bits = f"{word:032b}"
            distance = int(bits[21:31] + bits[20] + "0", 2)
            return Instruction(address, address + SIZE + direction * distance)
    return None
