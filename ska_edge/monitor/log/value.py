"""Defines the values that several lines of a monitor's log share, and checks values that are read.

`line` has the lines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from ska_edge.device.info import DeviceInfo
from ska_edge.errors import InputError
from ska_edge.wire.protocol import COUNTED

HALVINGS = 256  # a device counts the halvings of its rate in 8 bits

Json = dict[str, Any]


class Keys:
    """A line's JSON object; most methods check the value that they return.

    Raises InputError for a value that no monitor writes.
    """

    def __init__(self, content: Mapping[str, Any]) -> None:
        self._content = content

    def value(self, key: str) -> Any:
        """Return a value without a check; None if the object lacks the key."""
        return self._content.get(key)

    def has(self, key: str) -> bool:
        """Tell whether the object has the key, with a value that is not null."""
        return self._content.get(key) is not None

    def integer(self, key: str, limit: int = COUNTED) -> int:
        """Return a whole number from 0 to limit - 1."""
        value = self._content.get(key)
        if type(value) is not int or not 0 <= value < limit:  # type, because a bool is an int
            raise wrong(key, f"a whole number from 0 to {limit - 1}")
        return value

    def integers(self, key: str) -> tuple[int, ...]:
        """Return a list of whole numbers."""
        values = self._content.get(key)
        if not isinstance(values, list) or not all(type(value) is int for value in values):
            raise wrong(key, "a list of whole numbers")
        return tuple(values)

    def rows(self, key: str) -> tuple[tuple[int, ...], ...]:
        """Return a list of lists of whole numbers, which all have the same length."""
        rows = [Keys({key: row}).integers(key) for row in self.values(key)]
        if len({len(row) for row in rows}) != 1:
            raise wrong(key, "a list of rows of whole numbers")
        return tuple(rows)

    def boolean(self, key: str) -> bool:
        """Return true or false."""
        value = self._content.get(key)
        if not isinstance(value, bool):
            raise wrong(key, "true or false")
        return value

    def text(self, key: str) -> str:
        """Return a value as text; empty if the object lacks the key."""
        return str(self._content.get(key, ""))

    def inner(self, key: str, wanted: str = "an object") -> Keys:
        """Return an object inside of the object; `wanted` describes it for the error."""
        value = self._content.get(key)
        if not isinstance(value, dict):
            raise wrong(key, wanted)
        return Keys(value)

    def values(self, key: str) -> Sequence[Any]:
        """Return a list, whose values are not checked; empty if the value is not a list."""
        value = self._content.get(key)
        return value if isinstance(value, list) else ()


def wrong(key: str, wanted: str) -> InputError:
    """Return the error for a key whose value is not what a monitor writes."""
    return InputError(f"its {key!r} is not {wanted}; the log was changed")


@dataclass(frozen=True, slots=True)
class Mark:
    """The progress that a device reported.

    Attributes:
        step, samples: updates made, samples learned.
        crc: CRC-32 of its state.
        halvings: how many times its rate was halved; None if the line does not say it.
    """

    step: int
    samples: int
    crc: int
    halvings: int | None = None

    @classmethod
    def of(cls, info: DeviceInfo, *, halvings: bool = True) -> Mark:
        """Return the present progress of a device, from its last WELCOME."""
        return cls(info.step, info.samples, info.crc, info.halvings if halvings else None)

    def as_dict(self) -> Json:
        """Return the entries of this mark in a line, without halvings if they are None."""
        counts = {"step": self.step, "samples": self.samples, "crc": self.crc}
        return counts if self.halvings is None else {**counts, "halvings": self.halvings}

    @classmethod
    def parse(cls, keys: Keys, *, halvings: bool) -> Mark:
        """Read a mark from a line; `halvings` tells whether the line must have halvings."""
        step, samples, crc = (keys.integer(name) for name in ("step", "samples", "crc"))
        known = halvings or keys.has("halvings")
        return cls(step, samples, crc, keys.integer("halvings", HALVINGS) if known else None)


@dataclass(frozen=True, slots=True)
class Place:
    """A position in the rows that a monitor sends.

    Attributes:
        rows: digest of the rows and their order, see `Lesson.digest`.
        next: index of the next row to learn.
    """

    KEY: ClassVar = "place"
    rows: str
    next: int

    def after(self, learned: int) -> Place:
        """Return the position after this many more rows."""
        return Place(self.rows, self.next + learned)

    def as_dict(self) -> Json:
        """Return the entry of a line as a JSON object."""
        return {"rows": self.rows, "next": self.next}

    @classmethod
    def parse(cls, keys: Keys) -> Place | None:
        """Read the position from a line; None if the line has none."""
        if not keys.has(cls.KEY):
            return None
        place = keys.inner(cls.KEY)
        return cls(place.text("rows"), place.integer("next"))
