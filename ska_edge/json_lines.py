"""Reads and appends to files with one JSON object per line.

A killed program can leave an incomplete last line (a torn line). A reader distinguishes a torn line
from a damaged one, and the next writer removes a torn line.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO, FileIO
from pathlib import Path
from typing import Any, BinaryIO

from ska_edge.closable import Closable
from ska_edge.errors import InputError
from ska_edge.files import refusal, write_file

LONGEST_LINE = 16_000_000  # bytes
BLOCK = 2**16  # bytes that one read takes, from the end backward
READ = 2**20  # bytes that one read takes, from the start forward


@dataclass(frozen=True, slots=True)
class JsonLine:
    """One line of a file.

    Attributes:
        start: number of bytes of the file before the line.
        text: the bytes of the line, with its newline.
    """

    start: int
    text: bytes

    @property
    def end(self) -> int:
        """Number of bytes of the file up to the end of the line."""
        return self.start + len(self.text)

    def content(self) -> dict[str, Any] | None:
        """Return the JSON object in the line; None if the line has none."""
        try:
            content = json.loads(self.text.decode("utf-8"))
        except (ValueError, RecursionError):
            return None
        return content if isinstance(content, dict) else None


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines of a file; only the last one of the file may lack its newline.

    Attributes:
        number: number of the first line, counted from 1 in the file.
        start: number of bytes of the file before the block.
        text: the bytes of the block.
    """

    number: int
    start: int
    text: bytes

    def texts(self) -> list[bytes]:
        """Return the bytes of each line, with its newline."""
        return BytesIO(self.text).readlines()


class JsonLines(Closable):
    """A file with a JSON object per line.

    `blocks`, `lines` and `lines_from_end` read the file. `append` writes to it, between `open` and
    `close`; the end of a `with` block calls `close`. An existing file does not change before the
    first `append`.

    Args:
        path: the file.
        opening: the bytes with which every line begins.
    """

    def __init__(self, path: Path, opening: bytes = b"{") -> None:
        self.path = path
        self._opening = opening
        self._file: FileIO | None = None
        self._new = self._overwrite = self._begun = False

    # --- reading ----------------------------------------------------------------------------------

    def lines(self) -> Iterator[JsonLine]:
        """Yield all lines in order.

        Raises InputError if the file cannot be read, or if a line is longer than `LONGEST_LINE`.
        """
        for block in self.blocks():
            at = block.start
            for text in block.texts():
                yield JsonLine(at, text)
                at += len(text)

    def blocks(self) -> Iterator[Block]:
        """Yield all lines in blocks of about `READ` bytes; raise as `lines` does."""
        number, at, rest = 1, 0, b""
        with self._readable() as file:
            while chunk := file.read(READ):
                whole = chunk.rfind(b"\n") + 1
                text, rest = (rest + chunk[:whole], chunk[whole:]) if whole else (b"", rest + chunk)
                # A line that is too long can only be in a block that is longer than `LONGEST_LINE`.
                for part in [text] if len(text) <= LONGEST_LINE else BytesIO(text):
                    if part:
                        yield Block(number, at, self._short(part, f", line {number}"))
                    number, at = number + part.count(b"\n"), at + len(part)
                self._short(rest, f", line {number}")
            if rest:
                yield Block(number, at, rest)

    def lines_from_end(self) -> Iterator[JsonLine]:
        """Yield all lines, the last one first; read only what is needed; raise as `lines` does."""
        with self._readable() as file:
            at = file.seek(0, 2)
            tail = b""  # the bytes from `at` on, perhaps from the middle of a line
            while at:
                size = min(BLOCK, at)
                at -= size
                file.seek(at)
                tail = file.read(size) + tail
                while start := tail.rfind(b"\n", 0, len(tail) - 1) + 1:
                    yield JsonLine(at + start, self._short(tail[start:]))
                    tail = tail[:start]
                self._short(tail)
            if tail:
                yield JsonLine(0, tail)

    def is_torn(self, line: JsonLine) -> bool:
        """Tell whether a last line is incomplete because its write was cut off."""
        if line.text.endswith(b"\n") or line.content() is not None:
            return False
        return line.text.startswith(self._opening) or self._opening.startswith(line.text)

    def _readable(self) -> BinaryIO:
        try:
            return self.path.open("rb")
        except OSError as error:
            raise refusal("read", self.path, error) from error

    def _short(self, text: bytes, where: str = ", near its end") -> bytes:
        if len(text) > LONGEST_LINE:
            raise InputError(f"{self.path}{where}: a line is longer than {LONGEST_LINE} bytes")
        return text

    # --- writing ----------------------------------------------------------------------------------

    def open(self, *, overwrite: bool = False) -> None:
        """Open the file for appending; with `overwrite`, the first line replaces the old content.

        Raises InputError if the file cannot be written.
        """
        self._new, self._overwrite = not self.path.exists(), overwrite
        try:
            self._file = FileIO(self.path, "a")
        except OSError as error:
            raise refusal("write", self.path, error) from error

    def close(self) -> None:
        """Close the file, and remove it if it is new and empty; a second call does nothing."""
        if self._file is None:
            return
        self._file.close()
        self._file = None
        if self._new and not self._begun:
            self.path.unlink(missing_ok=True)

    def append(self, content: Mapping[str, Any]) -> None:
        """Append a line; it then survives even a kill of this program.

        The first append removes a torn line at the end of the file, or the whole old content if
        `open` was told to overwrite. Raises InputError if the line cannot be written, or if the old
        file ends in a damaged line.
        """
        assert self._file is not None, "open comes first"
        line = json.dumps(content).encode() + b"\n"
        try:
            if not self._begun and self.path.is_file():
                if self._overwrite:
                    self._replace(line)
                    return
                line = self._repair(self._file) + line
            self._write(self._file, line)
        except OSError as error:
            raise refusal("write", self.path, error) from error
        self._begun = True

    def _replace(self, line: bytes) -> None:
        assert self._file is not None
        self._file.close()
        write_file(self.path, line)
        self._file = FileIO(self.path, "a")
        self._begun = True

    def _repair(self, file: FileIO) -> bytes:
        """Remove a torn last line; return the bytes that must precede the next line."""
        last = next(self.lines_from_end(), None)
        if last is None or last.text.endswith(b"\n"):
            return b""
        if last.content() is not None:
            return b"\n"  # the line is complete, except for its newline
        if not self.is_torn(last):
            raise InputError(f"{self.path} ends in a line that is damaged; name another file")
        file.truncate(last.start)
        return b""

    @staticmethod
    def _write(file: FileIO, line: bytes) -> None:
        """Write the line; if the disk is full, remove the part of it that was written."""
        before, rest = file.seek(0, 2) if file.seekable() else 0, line
        try:
            while rest:
                rest = rest[file.write(rest) or 0 :]
        except OSError:
            if rest != line:
                with contextlib.suppress(OSError):
                    file.truncate(before)
            raise
