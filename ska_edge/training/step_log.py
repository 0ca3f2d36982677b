"""The log of a training: a JSONL file with the metrics of every step."""

from __future__ import annotations

import json
from pathlib import Path

from ska_edge.errors import InputError


class StepLog:
    """A JSONL file with one line per step, or nothing."""

    def __init__(self, path: Path | None) -> None:
        self.wanted = path is not None
        try:
            self._file = open(path, "w", encoding="utf-8") if path else None  # noqa: SIM115
        except OSError as error:
            raise InputError(f"cannot write {path}: {error.strerror}") from error

    def write(self, step: int, layers: list[dict[str, float]]) -> None:
        """One step; nothing without a file."""
        if self._file:
            self._file.write(json.dumps({"step": step, "layers": layers}) + "\n")

    def close(self) -> None:
        """Close the file."""
        if self._file:
            self._file.close()
