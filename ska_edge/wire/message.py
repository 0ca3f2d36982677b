"""Describes a message of the serial protocol, and its fields."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

Kind = Literal["u8", "i8", "u16", "i16", "u32", "i32", "i64"]
Values = Mapping[str, Any]
"""Values by field: int, bytes (u8 arrays) or tuple[int, ...]; `pack` takes any integer type."""

STRUCT_CODES: dict[Kind, str] = {
    "u8": "B",
    "i8": "b",
    "u16": "H",
    "i16": "h",
    "u32": "I",
    "i32": "i",
    "i64": "q",
}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a message.

    Attributes:
        name: name in Python and C.
        kind: integer type of each element.
        count: number of elements, the name of a plan dimension ("input_bytes", "classes"), or, only
            in the last field, "rest" for all bytes up to the end of the frame.
        most: for "rest", the maximum number of elements.
        only: "classes" or "values" if only messages of a classifier or of a regression have it.
        purpose: one line for readers of the C header and the documentation.
    """

    name: str
    kind: Kind
    count: int | str = 1
    purpose: str = ""
    most: int = 0
    only: str = ""

    @property
    def size(self) -> int:
        """Bytes of one element."""
        return struct.calcsize("<" + STRUCT_CODES[self.kind])


@dataclass(frozen=True, slots=True)
class Message:
    """One row of the protocol: a request (host to device) or a reply (device to host).

    Attributes:
        name: unique name.
        code: the frame's type byte; replies have the top bit set.
        direction: "request" or "reply".
        fields: payload, in order, without padding.
        purpose: one line.
        answer: for a request, the name of the reply that closes it (STATUS if it is refused).
        changes: whether a request changes the device; with a key, such a request ends in a tag.
        only: the C condition under which a firmware knows the message; "" if every firmware does.
    """

    name: str
    code: int
    direction: Literal["request", "reply"]
    fields: tuple[Field, ...]
    purpose: str
    answer: str = ""
    changes: bool = False
    only: str = ""

    def of(self, values: bool) -> Message:
        """Return the message of a regression, which has values, or of a classifier."""
        left_out = "classes" if values else "values"
        return replace(self, fields=tuple(f for f in self.fields if f.only != left_out))

    @property
    def differs(self) -> bool:
        """Whether a regression has other fields than a classifier."""
        return any(field.only for field in self.fields)
