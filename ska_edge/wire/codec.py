"""Converts the values of a message's fields to the payload of a frame, and back.

`protocol` has the table of messages. Numbers are little-endian, without padding.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ska_edge.errors import DeviceError, InputError
from ska_edge.wire.message import STRUCT_CODES, Field, Message, Values
from ska_edge.wire.protocol import MESSAGES


class Layout:
    """The positions of a message's fields in its payload.

    Args:
        message: the message; the size of every field is known, except for a last field with count
            "rest".
        counts: number of elements of each field, by name.
    """

    def __init__(self, message: Message, counts: Mapping[str, int]) -> None:
        self.message = message
        self.rest = next((field for field in message.fields if field.count == "rest"), None)
        # Name, number of elements (-1: not an array), and whether the elements are bytes.
        self._parts: list[tuple[str, int, bool]] = []
        code = "<"
        for field in message.fields:
            if field is self.rest:
                continue
            count, octets = counts[field.name], field.kind == "u8"
            self._parts.append((field.name, count if field.count != 1 else -1, octets))
            letter = "s" if octets and field.count != 1 else STRUCT_CODES[field.kind]
            code += letter if field.count == 1 else f"{count}{letter}"
        self._struct = struct.Struct(code)

    def pack(self, values: Values) -> bytes:
        """Return the payload; bad values raise LookupError, TypeError, ValueError, struct.error."""
        elements: list[Any] = []
        for name, count, octets in self._parts:
            value = values[name]
            if count < 0:
                elements.append(value)
            elif len(value) != count:
                raise ValueError(name)
            elif octets:
                elements.append(bytes(value))
            else:
                elements += value
        if self.rest is None:
            return self._struct.pack(*elements)
        rest = values[self.rest.name]
        if len(rest) > self.rest.most:
            raise ValueError(self.rest.name)
        code = STRUCT_CODES[self.rest.kind]
        return self._struct.pack(*elements) + struct.pack(f"{len(rest)}{code}", *rest)

    def unpack(self, payload: bytes) -> dict[str, Any]:
        """Return the values by field; raise struct.error if the length is wrong."""
        size = self._struct.size
        elements, values, at = self._struct.unpack(payload[:size]), {}, 0
        for name, count, octets in self._parts:
            if count < 0 or octets:
                values[name] = elements[at]
                at += 1
            else:
                values[name] = elements[at : at + count]
                at += count
        if len(payload) - size > (self.rest.most if self.rest else 0):
            raise struct.error
        if self.rest is not None:
            rest = payload[size:]
            octets = self.rest.kind == "u8"
            values[self.rest.name] = rest if octets else struct.unpack(f"{len(rest)}b", rest)
        return values


def _places() -> dict[tuple[int, str], tuple[struct.Struct, int]]:
    """Return the positions of all fields without an array before them, by code and name."""
    places = {}
    for message in MESSAGES:
        at = 0
        for field in message.fields:
            if field.count != 1 or field.only:
                break
            places[message.code, field.name] = struct.Struct("<" + STRUCT_CODES[field.kind]), at
            at += field.size
    return places


_PLACES = _places()


def place(code: int, name: str) -> slice:
    """Return the position of a field that has no array before it in its message."""
    number, at = _PLACES[code, name]
    return slice(at, at + number.size)


def peek(code: int, payload: bytes, name: str) -> int | None:
    """Read one field of a message, even if the rest of the payload is invalid.

    The fields before `name` must not be arrays. Returns None if the payload is too short for it.
    """
    number, at = _PLACES[code, name]
    return int(number.unpack_from(payload, at)[0]) if len(payload) >= at + number.size else None


class Codec:
    """Packs and unpacks the messages of one plan.

    Args:
        dimensions: sizes of the plan dimensions, {"input_bytes": ..., "classes": ...}; before
            WELCOME they are unknown, and left out. A regression also has "target_bytes".
        messages: the table.
    """

    def __init__(
        self, dimensions: Mapping[str, int], messages: Sequence[Message] = MESSAGES
    ) -> None:
        self._dimensions = dict(dimensions)
        messages = [message.of("target_bytes" in dimensions) for message in messages]
        self._messages = messages
        self._layouts: dict[
            str | int, Layout
        ] = {}  # each layout twice: by message name and by code
        for message in messages:
            if all(isinstance(_count(field, dimensions), int) for field in message.fields):
                counts = {field.name: _count(field, dimensions) or 0 for field in message.fields}
                self._layouts[message.name] = Layout(message, counts)
                self._layouts[message.code] = self._layouts[message.name]

    def pack(self, name: str, values: Values) -> bytes:
        """Return the payload of message `name`.

        Raises InputError if a field is missing, unknown or out of range, or if the message needs
        a dimension that is unknown.
        """
        try:
            layout = self._layouts[name]
            if len(values) == len(layout.message.fields):
                return layout.pack(values)
        except (LookupError, TypeError, ValueError, struct.error):
            pass
        known = {message.name: message for message in self._messages}
        raise self._refusal(known[name], values)

    def _refusal(self, message: Message, values: Values) -> InputError:
        """Return the error for values that cannot be packed; it names the first bad field."""
        unknown = set(values) - {field.name for field in message.fields}
        if unknown:
            return InputError(f"message {message.name} has no field {min(unknown)!r}")
        for field in message.fields:
            if field.name not in values:
                return InputError(
                    f"message {message.name} needs a value for its field {field.name!r}"
                )
            count = _count(field, self._dimensions)
            if count is None:
                return self._unknown(message)
            elements = _elements(values[field.name])
            try:
                if count != len(elements) if field.count != "rest" else len(elements) > field.most:
                    raise struct.error
                struct.pack(f"<{len(elements)}{STRUCT_CODES[field.kind]}", *elements)
            except struct.error:
                wanted = f"at most {field.most}" if field.count == "rest" else str(count)
                return InputError(
                    f"message {message.name}, field {field.name!r}: {len(elements)} value(s) given,"
                    f" but {wanted} integer(s) of type {field.kind} needed"
                )
        return InputError(f"message {message.name} cannot be packed")

    def unpack(self, code: int, payload: bytes) -> tuple[str, dict[str, Any]]:
        """Return the name and the values of a message.

        A single number becomes an int, a u8 array becomes bytes, any other array becomes a tuple.
        Raises DeviceError for an unknown code or a wrong length, and InputError if the message
        needs a dimension that is unknown.
        """
        layout = self._layouts.get(code)
        if layout is None:
            raise self._foreign(code)
        try:
            return layout.message.name, layout.unpack(payload)
        except struct.error:
            raise DeviceError(
                f"a message {layout.message.name} of {len(payload)} bytes arrived, which does not"
                " fit its fields; the firmware was made for another plan or by another ska-edge"
            ) from None

    def _foreign(self, code: int) -> DeviceError | InputError:
        known = [message for message in self._messages if message.code == code]
        if known:
            return self._unknown(known[0])
        return DeviceError(f"a message of unknown type 0x{code:02x} arrived; update ska-edge")

    def _unknown(self, message: Message) -> InputError:
        lacking = next(f.count for f in message.fields if _count(f, self._dimensions) is None)
        return InputError(f"message {message.name} needs the plan's number of {lacking}")


def _count(field: Field, dimensions: Mapping[str, int]) -> int | None:
    """Return the number of elements of a field, 0 for the rest of a payload; None if unknown."""
    if isinstance(field.count, int):
        return field.count
    return 0 if field.count == "rest" else dimensions.get(field.count)


def _elements(value: Any) -> tuple[Any, ...]:
    # A value of an `enum.Flag` is iterable, but counts as one number.
    return (value,) if isinstance(value, int) or not isinstance(value, Iterable) else tuple(value)
