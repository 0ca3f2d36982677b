"""Writes Intel HEX files."""

from __future__ import annotations

from collections.abc import Sequence

RECORD_BYTES = 16
DATA, END, UPPER_ADDRESS = 0, 1, 4
"""Types of records."""


def intel_hex(parts: Sequence[tuple[int, bytes]]) -> str:
    """Return an Intel HEX file with these addresses and bytes."""
    lines, upper = [], None
    for address, content in parts:
        at = 0
        while at < len(content):
            here = address + at
            if here // 0x10000 != upper:
                upper = here // 0x10000
                lines.append(_record(0, UPPER_ADDRESS, upper.to_bytes(2, "big")))
            count = min(RECORD_BYTES, len(content) - at, 0x10000 - here % 0x10000)
            lines.append(_record(here % 0x10000, DATA, content[at : at + count]))
            at += count
    lines.append(_record(0, END, b""))
    return "".join(f"{line}\n" for line in lines)


def _record(address: int, kind: int, content: bytes) -> str:
    """Return a record: count, address, type, content, and the checksum that makes the sum 0."""
    record = bytes([len(content), *address.to_bytes(2, "big"), kind]) + content
    return f":{record.hex().upper()}{-sum(record) % 256:02X}"
