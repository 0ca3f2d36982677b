"""Writes images for the ROM of an ESP chip, as esptool flashes them.

An image has a header, segments with their addresses in RAM, a checksum, and a SHA-256
(https://docs.espressif.com/projects/esptool, "Firmware Image Format").
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence

MAGIC = 0xE9
DUAL_IO, SIZE_AND_SPEED = 2, 0x20
"""How flash is read: two data lines, 4 MB, 40 MHz."""
NO_PIN, ANY_REVISION, HAS_HASH = 0xEE, 0xFFFF, 1
HEAD = struct.Struct("<4BI")
EXTENDED_HEAD = struct.Struct("<B3sHBHH4sB")
SEGMENT_HEAD = struct.Struct("<2I")
CHECKSUM = 0xEF
"""The checksum is the XOR of this number and all bytes of the segments."""
LINE = 16
"""The checksum is the last byte of a line of this many bytes."""


def esp_image(parts: Sequence[tuple[int, bytes]], entry: int, chip: int) -> bytes:
    """Return an image with these addresses and bytes, which starts at `entry`.

    `chip` is the number of the chip, such as 5 for an ESP32-C3.
    """
    checksum = CHECKSUM
    image = HEAD.pack(MAGIC, len(parts), DUAL_IO, SIZE_AND_SPEED, entry)
    image += EXTENDED_HEAD.pack(NO_PIN, b"", chip, 0, 0, ANY_REVISION, b"", HAS_HASH)
    for address, content in parts:
        whole = content + bytes(-len(content) % 4)
        image += SEGMENT_HEAD.pack(address, len(whole)) + whole
        for byte in whole:
            checksum ^= byte
    image += bytes(LINE - 1 - len(image) % LINE) + bytes([checksum])
    return image + hashlib.sha256(image).digest()
