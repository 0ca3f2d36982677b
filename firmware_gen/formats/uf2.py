"""Writes UF2 files. Such a file is copied to a USB drive that the boot loader of a board shows.

A UF2 file has blocks of 512 bytes, each with the address and the bytes of one page of flash
(https://github.com/microsoft/uf2).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

MAGIC = (0x0A32_4655, 0x9E5D_5157)
LAST_MAGIC = 0x0AB1_6F30
HAS_FAMILY = 0x2000
"""The flag which says that a block has the number of its chip's family."""
PAGE, SECTOR = 256, 4096
"""Bytes of the image in each block, and bytes that the boot loader erases at once."""
BLOCK_HEAD, BLOCK_CONTENT = struct.Struct("<8I"), 476


def uf2(parts: Sequence[tuple[int, bytes]], family: int) -> bytes:
    """Return a UF2 file with these addresses and bytes.

    Bytes of 0xFF fill each page, and every missing page of a sector, except after the last page of
    the image. The ROM of an RP2040 writes a sector with missing pages wrongly (RP2040 data sheet,
    erratum RP2040-E14).
    """
    pages: dict[int, bytearray] = {}
    last = max((address + len(content) - 1 for address, content in parts), default=-1)
    for address, content in parts:
        end = address + len(content)
        first_sector = address // SECTOR * SECTOR
        last_sector = -(-end // SECTOR) * SECTOR
        for page in range(first_sector, min(last_sector, last + 1), PAGE):
            pages.setdefault(page, bytearray(b"\xff" * PAGE))
        for at, byte in enumerate(content, address):
            pages[at // PAGE * PAGE][at % PAGE] = byte
    blocks = []
    for number, (page, filled) in enumerate(sorted(pages.items())):
        head = BLOCK_HEAD.pack(*MAGIC, HAS_FAMILY, page, PAGE, number, len(pages), family)
        blocks.append(head + filled.ljust(BLOCK_CONTENT, b"\0") + struct.pack("<I", LAST_MAGIC))
    return b"".join(blocks)
