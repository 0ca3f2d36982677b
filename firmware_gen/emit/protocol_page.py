"""Writes the tables and the worked frame of `docs/PROTOCOL.md` from `ska_edge.wire.protocol`.

The page has prose, and blocks between `<!-- name -->` and `<!-- end -->`. Only the blocks are
written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ska_edge.errors import InputError
from ska_edge.wire.codec import Codec
from ska_edge.wire.frame import OVERHEAD, crc16, encode_frame
from ska_edge.wire.message import Field, Message, Values
from ska_edge.wire.protocol import (
    BY_NAME,
    CAPABILITY_PURPOSE,
    MESSAGES,
    PROTOCOL_VERSION,
    STATUS_PURPOSE,
    WANT_PURPOSE,
)

BLOCK = re.compile(r"(<!-- (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)

EXAMPLE_INPUTS = 4
EXAMPLE: tuple[str, int, Values] = (
    "SAMPLE",
    5,
    {"number": 1000, "label": 3, "want": 1, "x": bytes([0, 64, 128, 1])},
)
"""Message, seq and values of the worked frame, for a plan with four one-byte inputs."""


def emit_protocol(page: str) -> str:
    """Return the page with all its blocks regenerated; raise InputError for an unknown block."""
    blocks = {
        "version": f"Version {PROTOCOL_VERSION}.\n",
        "messages": _messages(),
        "fields": _fields(),
        "status": _codes(STATUS_PURPOSE),
        "capabilities": _codes(CAPABILITY_PURPOSE),
        "want": _codes(WANT_PURPOSE),
        "example": _example(),
    }

    def block(found: re.Match[str]) -> str:
        if found[2] not in blocks:
            raise InputError(f"no block {found[2]!r}; there are {', '.join(blocks)}")
        return f"{found[1]}{blocks[found[2]]}{found[3]}"

    return BLOCK.sub(block, page)


def _messages() -> str:
    lines = ["| message | code | closed by | fields | purpose |", "|---|---|---|---|---|"]
    for message in MESSAGES:
        fields = ", ".join(_field(field) for field in message.fields)
        answer = f"`{message.answer}`" if message.answer else ""
        lines.append(
            f"| `{message.name}` | 0x{message.code:02x} | {answer} | {fields} | {message.purpose} |"
        )
    return "\n".join(lines) + "\n"


def _field(field: Field) -> str:
    if field.count == 1:
        return f"{field.name} {field.kind}"
    most = f", at most {field.most}" if field.count == "rest" else ""
    return f"{field.name} {field.kind}[{field.count}{most}]"


def _fields() -> str:
    """List the meaning of each field; a field shared by several messages has one row."""
    lines, seen = ["| field | in | meaning |", "|---|---|---|"], set()
    for message in MESSAGES:
        for field in message.fields:
            if (field.name, field.purpose) in seen:
                continue
            seen.add((field.name, field.purpose))
            among = ", ".join(f"`{m.name}`" for m in MESSAGES if field in m.fields)
            lines.append(f"| {field.name} | {among} | {field.purpose} |")
    return "\n".join(lines) + "\n"


def _codes(purposes: Mapping[Any, str]) -> str:
    lines = ["| value | name | meaning |", "|---|---|---|"]
    lines += [f"| {code:d} | `{code.name}` | {text} |" for code, text in purposes.items()]
    return "\n".join(lines) + "\n"


def _example() -> str:
    """Show a frame field by field, then its bytes on the wire."""
    name, seq, values = EXAMPLE
    message: Message = BY_NAME[name]
    codec = Codec({"input_bytes": EXAMPLE_INPUTS})
    payload = codec.pack(name, values)
    content = bytes([message.code, seq]) + payload
    rows = [(content[:1], f"type {name}"), (content[1:2], f"seq {seq}")]
    place = 0
    for field in message.of(values=False).fields:
        value = values[field.name]
        size = field.size if field.count == 1 else len(value)
        shown = tuple(value) if isinstance(value, bytes) else value
        rows.append((payload[place : place + size], f"{field.name} {shown}"))
        place += size
    crc = crc16(content)
    rows.append((crc.to_bytes(2, "little"), f"CRC, 0x{crc:04x}"))
    width = max(len(part.hex(" ")) for part, _ in rows)
    lines = [f"    {part.hex(' '):{width}}  {text}" for part, text in rows]
    assert sum(len(part) for part, _ in rows) == len(payload) + OVERHEAD
    wire = encode_frame(message.code, seq, payload).hex(" ")
    return "\n".join([*lines, "", "on the wire:", "", f"    {wire}"]) + "\n"
