"""Reads a monitor's log line by line: what the host sent, and what the device reported."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ska_edge.errors import InputError
from ska_edge.files import refusal
from ska_edge.json_lines import JsonLine, JsonLines
from ska_edge.monitor.log.line import LogLine, parse
from ska_edge.monitor.log.row_block import RowBlock, RowReader


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
            raise refusal("read", path, error) from error

    def bad(self, line: int, what: str) -> InputError:
        """Return the error for a line."""
        return InputError(f"{self.path}, line {line}: {what}")

    def entries(self, only: tuple[bytes, ...] = ()) -> Iterator[Entry]:
        """Yield the lines in order; with `only`, just the lines that contain one of these texts."""
        lines = self._lines(only)
        for number, text in lines:
            if not only or any(part in text for part in only):
                yield number, self._parsed(number, text, lines)

    def pieces(self, reader: RowReader) -> Iterator[Entry | RowBlock]:
        """Yield the lines in order; the lines that `reader` collects are yielded as blocks."""
        lines = self._lines()
        for number, text in lines:
            if reader.take(number, text):
                if reader.full:
                    yield reader.block()
                continue
            if reader.rows:
                yield reader.block()
            yield number, self._parsed(number, text, lines)
        if reader.rows:
            yield reader.block()

    def _lines(self, only: tuple[bytes, ...] = ()) -> Iterator[tuple[int, bytes]]:
        """Yield the lines with their numbers.

        A block that has no text of `only` gives just its first line.
        """
        for block in self._file.blocks():
            wanted = not only or any(part in block.text for part in only)
            texts = block.texts()
            for number, text in enumerate(texts if wanted else texts[:1], block.number):
                self.done += len(text)
                yield number, text
            self.done = block.start + len(block.text)

    def _parsed(
        self, number: int, text: bytes, following: Iterator[object]
    ) -> LogLine | DamagedEnd:
        """Return the contents of a line; only the last line may be damaged."""
        line = JsonLine(0, text)
        content = line.content()
        if content is None:
            if next(following, None) is not None:
                raise self.bad(number, "not a line of a monitor's log: it is damaged")
            return DamagedEnd(self._file.is_torn(line))
        try:
            return parse(content)
        except InputError as error:
            raise self.bad(number, str(error)) from error
