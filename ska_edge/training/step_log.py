"""Writes the log of a training: a JSONL file with the metrics of every step."""

from __future__ import annotations

import contextlib
import json
import os
import stat
from pathlib import Path

from ska_edge.errors import InputError
from ska_edge.files import refusal


class StepLog:
    """A JSONL file with one line per step, or no file.

    The first new line replaces an existing file. A line that cannot be written ends the log, but
    not the training.

    Attributes:
        wanted: whether there is a file.
        fault: why the log is incomplete; None while it is complete.
    """

    def __init__(self, path: Path | None) -> None:
        self.wanted = path is not None
        self.fault: InputError | None = None
        self._path, self._begun = path, False
        try:
            number = None if path is None else os.open(path, os.O_WRONLY | os.O_CREAT, 0o666)
            self._file = None if number is None else os.fdopen(number, "w", encoding="utf-8")
        except OSError as error:
            raise refusal("write", path, error) from error

    def write(self, step: int, layers: list[dict[str, float]]) -> None:
        """Write one step, if there is a file."""
        if self._file is None or self.fault is not None:
            return
        try:
            self._file.write(json.dumps({"step": step, "layers": layers}) + "\n")
            if not self._begun:
                self._begin()
        except OSError as error:
            self._fail(error)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            try:
                if not self._begun and self.fault is None:
                    self._begin()  # if the training made no step, the complete log is empty
                self._file.close()
            except OSError as error:
                self._fail(error)

    def _begin(self) -> None:
        """Remove the old lines before the first new one."""
        assert self._file is not None
        self._file.flush()
        if stat.S_ISREG(os.fstat(self._file.fileno()).st_mode):
            self._file.truncate()
        self._begun = True

    def _fail(self, error: OSError) -> None:
        if self.fault is None:
            self.fault = refusal("write", self._path, error)
        with contextlib.suppress(OSError):  # closing writes the buffer, which fails, too
            if self._file is not None:
                self._file.close()
