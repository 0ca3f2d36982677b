"""The state of a device in pieces: how `Link` reads it and writes it."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from ska_edge.errors import DeviceError
from ska_edge.wire.protocol import CHUNK_MAX, PUSH_MAX, Capability, Values

if TYPE_CHECKING:
    from ska_edge.device.link import Link


def read_state(link: Link, size: int) -> bytes:
    """Read the state of `size` bytes; raises DeviceError for any other."""
    crc, total = link.hello().crc, link.info.state_bytes
    if total != size:
        raise DeviceError(
            f"the device at {link.port} has {total} bytes of state, its plan {size}; flash it again"
        )
    data = b""
    while len(data) < total:
        ((_, chunk),) = link.request("PULL", {"offset": len(data)})
        piece = chunk["data"]
        if chunk["offset"] != len(data) or len(piece) != min(CHUNK_MAX, total - len(data)):
            raise DeviceError(
                f"the device at {link.port} answers with other bytes than asked for at offset "
                f"{len(data)} of its state; flash it again"
            )
        data += piece
    if zlib.crc32(data) != crc:
        raise DeviceError(
            f"the state of the device at {link.port} changed while it was read: let nobody"
            " else use the device, and pull again"
        )
    return data


def write_state(link: Link, data: bytes, digest: str) -> None:
    """Write a state of the plan with this digest, from where an earlier transfer stopped."""
    link.expect_digest(digest)
    link.expect_capability(Capability.PUSH, "take a state")
    offer = {"digest": bytes.fromhex(digest[:16]), "crc": zlib.crc32(data)}
    before, offset = -1, _next_offset(link, "OFFER", offer)
    while before < offset < len(data):
        piece = {"offset": offset, "data": data[offset : offset + PUSH_MAX]}
        before, offset = offset, _next_offset(link, "PUSH", piece)
    if before < 0 or offset != len(data):
        raise DeviceError(
            f"the device at {link.port} goes on at offset {offset} of the {len(data)} bytes of"
            " its state, where it cannot be; flash it again"
        )


def _next_offset(link: Link, name: str, values: Values) -> int:
    """Where the device wants the next piece, by the STATUS that answers a request."""
    ((_, status),) = link.request(name, values)
    return int(status["detail"])
