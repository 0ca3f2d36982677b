"""Reads a monitor's log line by line: what the host sent, and what the device reported."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ska_edge.errors import InputError
from ska_edge.json_lines import JsonLines
from ska_edge.monitor.log_line import LogLine, parse


@dataclass(frozen=True, slots=True)
class DamagedEnd:
    """The last line of a log, if it is damaged.

    Attributes:
        torn: whether the line is incomplete; if False, it is damaged in another way.
    """

    torn: bool


Entry = tuple[int, LogLine | DamagedEnd]
"""The number of a line, from 1, and its content."""


class LogFile:
    """A log to read.

    Attributes:
        path: path of the file.
        size: bytes of the file.
        done: bytes read so far.

    Raises InputError if the file cannot be read, or for a line that is not from a monitor's log;
    the sentence then names the line's number.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.done = 0
        self._file = JsonLines(path)
        try:
            path.open("rb").close()
            self.size = path.stat().st_size
        except FileNotFoundError as error:
            raise InputError(f"there is no log {path}") from error
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror}") from error

    def bad(self, line: int, what: str) -> InputError:
        """Return the error for a line."""
        return InputError(f"{self.path}, line {line}: {what}")

    def entries(self, only: tuple[bytes, ...] = ()) -> Iterator[Entry]:
        """Yield the lines in order; with `only`, just the lines that contain one of these texts."""
        damaged = 0  # number of a line that is no JSON object; only the last line may be one
        for number, line in enumerate(self._file.lines(), 1):
            if damaged:
                raise self.bad(damaged, "not a line of a monitor's log: it is damaged")
            self.done = line.end
            if only and not any(part in line.text for part in only):
                continue
            content = line.content()
            if content is None:
                damaged, torn = number, self._file.is_torn(line)
                continue
            try:
                said = parse(content)
            except InputError as error:
                raise self.bad(number, str(error)) from error
            yield number, said
        if damaged:
            yield damaged, DamagedEnd(torn)
