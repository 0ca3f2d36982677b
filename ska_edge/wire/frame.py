"""Encodes and decodes frames, which carry messages; a CRC shows whether a frame is intact.

A frame is COBS(type u8, seq u8, payload, CRC-16) followed by one zero byte. Numbers are
little-endian. `protocol` defines the messages.
"""

from __future__ import annotations

import binascii
import struct
from typing import NamedTuple

from cobs import cobs  # type: ignore[import-untyped]

OVERHEAD = 4  # bytes of type, seq and CRC
PAYLOAD_MAX = 0xFFFF - OVERHEAD  # the device counts the bytes of a frame in 16 bits


class Frame(NamedTuple):
    """The contents of one frame: the type byte, the sequence number and the payload."""

    code: int
    seq: int
    payload: bytes


def crc16(data: bytes) -> int:
    """Compute CRC-16/CCITT-FALSE: polynomial 0x1021, start 0xFFFF, not reflected, no final XOR."""
    return binascii.crc_hqx(data, 0xFFFF)


def encode_frame(code: int, seq: int, payload: bytes) -> bytes:
    """Return the bytes of one frame on the wire, including the closing zero."""
    content = bytes([code, seq]) + payload
    encoded: bytes = cobs.encode(content + struct.pack("<H", crc16(content)))
    return encoded + b"\0"


class FrameDecoder:
    """Finds frames in a stream of bytes; a frame may be split over several reads.

    Attributes:
        bad: number of pieces between two zero bytes that were not valid frames.
    """

    LIMIT = 1 << 18  # bytes, more than any frame; longer garbage without zeros is dropped

    def __init__(self) -> None:
        self.bad = 0
        self._pending = b""

    def feed(self, data: bytes) -> list[Frame]:
        """Return the valid frames that `data` completes, in order; drop and count the others."""
        *pieces, pending = (self._pending + data).split(b"\0")
        frames = []
        # An empty piece is not a fault: it comes from a zero byte that only ends garbage.
        for piece in filter(None, pieces):
            frame = _decode(piece)
            if frame is None:
                self.bad += 1
            else:
                frames.append(frame)
        if len(pending) > self.LIMIT:
            self.bad += 1
            pending = b""
        self._pending = pending
        return frames


def _decode(piece: bytes) -> Frame | None:
    try:
        content = cobs.decode(piece)
    except cobs.DecodeError:
        return None
    if len(content) < OVERHEAD or struct.pack("<H", crc16(content[:-2])) != content[-2:]:
        return None
    return Frame(content[0], content[1], content[2:-2])
