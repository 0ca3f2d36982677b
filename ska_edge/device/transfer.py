"""Transfers the state of a device in pieces, for `Link`.

The functions get the link's `request` method and the name of its port.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

from ska_edge.device.claims import Reply
from ska_edge.device.info import DeviceInfo
from ska_edge.errors import DeviceError
from ska_edge.wire.message import Values
from ska_edge.wire.protocol import CHUNK_MAX, PUSH_MAX

Ask = Callable[[str, Values], list[Reply]]


def read_state(ask: Ask, info: DeviceInfo, size: int, port: str) -> bytes:
    """Read the state of `size` bytes of a device that has just reported `info`.

    Raises DeviceError if the state has another size, or changes during the transfer, for impossible
    answers, and as `ask` does.
    """
    total = info.state_bytes
    if total != size:
        raise DeviceError(
            f"the device at {port} has {total} bytes of state, but its plan has {size};"
            " flash it again"
        )
    data = b""
    while len(data) < total:
        data += _piece(ask, len(data), total, port)
    if zlib.crc32(data) != info.crc:
        raise DeviceError(
            f"the state of the device at {port} changed while it was read: let nobody"
            " else use the device, and pull again"
        )
    return data


def read_part(
    ask: Ask, offset: int, size: int, port: str, request: str = "PULL", whole: str = "state"
) -> bytes:
    """Read `size` bytes from `offset` on, of the state or of another whole that a request reads.

    Raises DeviceError for impossible answers, and as `ask` does.
    """
    data = b""
    while len(data) < size:
        ((_, chunk),) = ask(request, {"offset": offset + len(data)})
        if chunk["offset"] != offset + len(data) or not chunk["data"]:
            raise _unrequested(port, offset + len(data), whole)
        data += chunk["data"]
    return data[:size]


def _piece(ask: Ask, offset: int, total: int, port: str) -> bytes:
    ((_, chunk),) = ask("PULL", {"offset": offset})
    piece: bytes = chunk["data"]
    if chunk["offset"] != offset or len(piece) != min(CHUNK_MAX, total - offset):
        raise _unrequested(port, offset)
    return piece


def _unrequested(port: str, offset: int, whole: str = "state") -> DeviceError:
    return DeviceError(
        f"the device at {port} answers with bytes that were not requested, at offset "
        f"{offset} of its {whole}; flash it again"
    )


def write_state(ask: Ask, data: bytes, digest: str, port: str) -> None:
    """Write a state of the plan with this digest; resume an earlier transfer where it stopped.

    Raises DeviceError if the device asks for an impossible offset, and as `ask` does.
    """
    offer = {"digest": bytes.fromhex(digest[:16]), "crc": zlib.crc32(data)}
    before, offset = -1, _next_offset(ask, "OFFER", offer)
    while before < offset < len(data):
        piece = {"offset": offset, "data": data[offset : offset + PUSH_MAX]}
        before, offset = offset, _next_offset(ask, "PUSH", piece)
    if before < 0 or offset != len(data):
        raise DeviceError(
            f"the device at {port} asks for byte {offset} of the {len(data)} bytes of its"
            " state, which is impossible; flash it again"
        )


def _next_offset(ask: Ask, name: str, values: Values) -> int:
    """Send a request; return the offset of the next piece, the detail of the STATUS."""
    ((_, status),) = ask(name, values)
    return int(status["detail"])
