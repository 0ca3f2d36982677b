"""Reads and checks the image at the start of flash, as the ROM of an ESP32-C3 does after a reset.

The format is described at https://docs.espressif.com/projects/esptool, "Firmware Image Format".
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from firmware_gen.formats.esp import (
    CHECKSUM,
    EXTENDED_HEAD,
    HAS_HASH,
    HEAD,
    LINE,
    MAGIC,
    SEGMENT_HEAD,
)
from ska_edge.errors import InputError

CHIP = 5
"""The number of an ESP32-C3 in an image."""
HASH_BYTES = 32


@dataclass(frozen=True)
class Loaded:
    """An image: the addresses and contents of its segments, and the address where it starts."""

    segments: Sequence[tuple[int, bytes]]
    entry: int


def load(path: Path) -> Loaded:
    """Read an image from a file that has the contents of flash, or just the image.

    Raises:
        InputError: the file cannot be read, or the ROM would not start this image.
    """
    try:
        flash = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); build it first") from None
    if len(flash) < HEAD.size + EXTENDED_HEAD.size or flash[0] != MAGIC:
        raise _refused(path, f"its first byte is not 0x{MAGIC:02X}")
    _, count, _, _, entry = HEAD.unpack_from(flash)
    _, _, chip, *_, hashed = EXTENDED_HEAD.unpack_from(flash, HEAD.size)
    if chip != CHIP:
        raise _refused(path, f"it is for chip number {chip}, but the ESP32-C3 has number {CHIP}")
    at, checksum = HEAD.size + EXTENDED_HEAD.size, CHECKSUM
    segments = []
    for _ in range(count):
        if at + SEGMENT_HEAD.size > len(flash):
            raise _refused(path, "it ends inside a segment")
        address, size = SEGMENT_HEAD.unpack_from(flash, at)
        at += SEGMENT_HEAD.size
        content = flash[at : at + size]
        segments.append((address, content))
        for byte in content:
            checksum ^= byte
        at += size
    at = at // LINE * LINE + LINE
    if len(flash) < at or flash[at - 1] != checksum:
        raise _refused(path, "its checksum is wrong")
    if hashed == HAS_HASH and flash[at : at + HASH_BYTES] != hashlib.sha256(flash[:at]).digest():
        raise _refused(path, "its SHA-256 is wrong")
    return Loaded(segments, entry)


def _refused(path: Path, why: str) -> InputError:
    return InputError(f"the ROM does not start the image in {path}: {why}; build it again")
