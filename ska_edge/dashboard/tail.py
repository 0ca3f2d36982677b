"""Follows a log that grows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ska_edge.errors import InputError
from ska_edge.files import refusal
from ska_edge.json_lines import LONGEST_LINE, JsonLine
from ska_edge.monitor.log.line import LogLine, parse


class Tail:
    """The new lines of a log.

    Attributes:
        path: the file.
        line: the number of the last line that was read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.line = 0
        self._read = 0  # bytes

    def lines(self) -> Iterator[LogLine]:
        """Yield the complete lines that were written since the last call.

        Raises InputError if the file cannot be read, has become shorter, or has a line that is not
        from a monitor's log; the sentence then names the line.
        """
        try:
            with self.path.open("rb") as file:
                if file.seek(0, 2) < self._read:
                    raise InputError(
                        f"{self.path} has become shorter, so it is another log now: start again"
                    )
                file.seek(self._read)
                while (text := file.readline(LONGEST_LINE + 1)).endswith(b"\n"):
                    self._read += len(text)
                    self.line += 1
                    yield self._parsed(text)
        except FileNotFoundError as error:
            raise InputError(f"there is no log {self.path}") from error
        except OSError as error:
            raise refusal("read", self.path, error) from error
        if len(text) > LONGEST_LINE:
            raise self.bad(f"a line is longer than {LONGEST_LINE} bytes", self.line + 1)

    def bad(self, what: str, line: int | None = None) -> InputError:
        """Return the error for a line, by default the last one."""
        return InputError(f"{self.path}, line {line or self.line}: {what}")

    def _parsed(self, text: bytes) -> LogLine:
        content = JsonLine(0, text).content()
        if content is None:
            raise self.bad("not a line of a monitor's log: it is damaged")
        try:
            return parse(content)
        except InputError as error:
            raise self.bad(str(error)) from error
