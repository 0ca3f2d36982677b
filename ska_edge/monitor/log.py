"""A monitor's log, read line by line: what a device was given, and what it said about itself.

One JSON object a line. What the lines are, and what they mean, is told where they are made, in
`telemetry`. Here they are checked, and those that say nothing of a state are left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from ska_edge.errors import InputError
from ska_edge.wire.protocol import COUNTED

LONGEST_LINE = 16_000_000  # bytes; 65,535 inputs and as many decisions take less than a megabyte


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a device was, by its own account.

    Attributes:
        step, samples: updates made, samples learned.
        crc: CRC-32 of its state.
        halvings: how often its rate was halved; None where the line does not say it.
    """

    step: int
    samples: int
    crc: int
    halvings: int | None = None


@dataclass(frozen=True, slots=True)
class Started:
    """The beginning of a session: which device it is, and where it goes on."""

    line: int
    digest: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class Row:
    """A sample that the device learned.

    Attributes:
        line: number of the line, from 1.
        sample: how many samples the device has learned with it.
        label: class index.
        x: the input's integers.
        step, predicted, decisions: what the device answered; None where that is lost.
    """

    line: int
    sample: int
    label: int
    x: tuple[int, ...]
    step: int | None
    predicted: int | None
    decisions: tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class Sent:
    """A row that was about to be sent; whether the device learned it, other lines say.

    Attributes:
        line: number of the line, from 1.
        sample: how many samples the device will have learned with it.
        token: of the state that it was meant for.
        label: class index.
        x: the input's integers.
    """

    line: int
    sample: int
    token: int
    label: int
    x: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Interrupted:
    """Contact was lost and found again; with `fell_back` the device lost what it learned last."""

    line: int
    fell_back: bool
    mark: Mark


@dataclass(frozen=True, slots=True)
class RateSet:
    """From here on the device learned with its plan's rate times 2**-halvings."""

    line: int
    halvings: int


@dataclass(frozen=True, slots=True)
class Setting:
    """A rate that was about to be set on a state with a token; whether it was, other lines say."""

    line: int
    halvings: int
    token: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of a session."""

    line: int
    mark: Mark


@dataclass(frozen=True, slots=True)
class Cut:
    """The last line, which says nothing.

    Attributes:
        line: its number, from 1.
        start: how many bytes stand before it, if it was not written to its end; None where it is
            damaged otherwise.
    """

    line: int
    start: int | None = None


Entry = Started | Sent | Row | Interrupted | Setting | RateSet | Ended | Cut


class LogFile:
    """An open log; a context manager.

    Attributes:
        path: of the file.
        size: its bytes.
        done: how many of them were read.

    Raises InputError when it cannot be read, and while reading, with the line, when a line is none
    of a monitor's log. Lines that say nothing of a device's state are left out.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.done = 0
        try:
            self._file = path.open("rb")
            self.size = path.stat().st_size
        except FileNotFoundError as error:
            raise InputError(f"there is no log {path}") from error
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror}") from error

    def __enter__(self) -> LogFile:
        """The log itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Closes the file."""
        self._file.close()

    def bad(self, line: int, what: str) -> InputError:
        """The error for a line."""
        return InputError(f"{self.path}, line {line}: {what}")

    def entries(self, only: tuple[bytes, ...] = ()) -> Iterator[Entry]:
        """What the lines say, in order; with `only`, those lines that hold one of these texts."""
        for number, text in self._lines():
            if only and not any(part in text for part in only):
                continue
            content = _parsed(text)
            if content is None:
                if self.done < self.size or self._file.read(1):
                    raise self.bad(number, "not a line of a monitor's log: it is damaged")
                yield Cut(number, self.done - len(text) if _is_cut(text) else None)
                return
            entry = _Line(self, number, content).entry()
            if entry is not None:
                yield entry

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        number = 0
        while text := self._file.readline(LONGEST_LINE + 1):
            number += 1
            self.done += len(text)
            if len(text) > LONGEST_LINE:
                raise self.bad(number, f"longer than {LONGEST_LINE} bytes: no monitor's log")
            yield number, text


def _is_cut(text: bytes) -> bool:
    """Whether a line that says nothing can be the beginning of one that does."""
    return text.startswith(b"{") and not text.endswith(b"\n")


def _parsed(text: bytes) -> dict[str, Any] | None:
    """The object that a line holds; None when it holds none."""
    try:
        content = json.loads(text.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


@dataclass(frozen=True, slots=True)
class _Line:
    """One line as an object, to be checked key by key."""

    log: LogFile
    number: int
    content: dict[str, Any]

    def entry(self) -> Entry | None:
        """What it says; None when that is nothing of a state."""
        content = self.content
        if "device" in content:
            return Started(self.number, self._digest(), self._mark())
        if "sample" in content:
            return self._row()
        if "sent" in content:
            sample, token, label = (self._integer(name) for name in ("sent", "token", "label"))
            return Sent(self.number, sample, token, label, self._integers("x"))
        if "interrupted" in content:
            fell_back = content.get("fell_back")
            if not isinstance(fell_back, bool):
                raise self._wrong("fell_back", "true or false")
            return Interrupted(self.number, fell_back, self._mark())
        if "setting" in content:
            halvings = self._integer("setting", 256)
            return Setting(self.number, halvings, self._integer("token"))
        if "rate" in content:
            return RateSet(self.number, self._integer("rate", 256))
        if "end" in content:
            inner = content["end"]
            if not isinstance(inner, dict):
                raise self._wrong("end", "an object")
            line = _Line(self.log, self.number, inner)
            return Ended(self.number, line._mark(halvings=False))
        if "saved" in content or "warning" in content:
            return None
        raise self.log.bad(self.number, "not a line of a monitor's log: none of its keys is known")

    def _wrong(self, key: str, wanted: str) -> InputError:
        return self.log.bad(self.number, f"its {key!r} is not {wanted}; the log was changed")

    def _integer(self, key: str, limit: int = COUNTED) -> int:
        value = self.content.get(key)
        if type(value) is not int or not 0 <= value < limit:  # bool is an int, too
            raise self._wrong(key, f"a whole number from 0 to {limit - 1}")
        return value

    def _integers(self, key: str) -> tuple[int, ...]:
        values = self.content.get(key)
        if not isinstance(values, list) or not all(type(value) is int for value in values):
            raise self._wrong(key, "a list of whole numbers")
        return tuple(values)

    def _digest(self) -> str:
        device = self.content["device"]
        digest = device.get("digest") if isinstance(device, dict) else None
        if not isinstance(digest, str):
            raise self._wrong("device", "an object with a digest")
        return digest

    def _mark(self, halvings: bool = True) -> Mark:
        step, samples, crc = (self._integer(name) for name in ("step", "samples", "crc"))
        return Mark(step, samples, crc, self._integer("halvings", 256) if halvings else None)

    def _row(self) -> Row:
        def answered(key: str) -> bool:
            return self.content.get(key) is not None

        return Row(
            line=self.number,
            sample=self._integer("sample"),
            label=self._integer("label"),
            x=self._integers("x"),
            step=self._integer("step") if answered("step") else None,
            predicted=self._integer("predicted") if answered("predicted") else None,
            decisions=self._integers("decisions") if answered("decisions") else None,
        )
