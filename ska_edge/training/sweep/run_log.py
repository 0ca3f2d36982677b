"""Reads and writes the file with the runs of a sweep; a later sweep resumes from it."""

from __future__ import annotations

from pathlib import Path

from ska_edge.closable import Closable
from ska_edge.data.dataset import Dataset
from ska_edge.errors import InputError
from ska_edge.json_lines import JsonLine, JsonLines
from ska_edge.training.options import Options
from ska_edge.training.sweep.experiment import Record, key, key_options

KINDS = ("fixed", "float")
LINE_START = b'{"data_digest": '


class RunLog(Closable):
    """A JSONL file with one record of `experiment.run` per line; complete lines never change.

    Attributes:
        dropped: whether the file ends in an incomplete line, which the first new record replaces.

    Raises InputError if the file cannot be read or written, or if a complete line is not a record.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.dropped = False
        self._records: dict[str, Record] = {}
        self._file = JsonLines(path, LINE_START)
        if path.exists():
            self._read()
        self._file.open()

    def _read(self) -> None:
        for number, line in enumerate(self._file.lines(), 1):
            record = _record(line)
            if record is not None:
                # A run of an earlier version does not note its split, which was plain.
                record["options"].setdefault("split", "plain")
                self._records[key(record["data_digest"], record["options"])] = record
            elif self._file.is_torn(line):
                self.dropped = True
            elif line.text.strip():
                raise InputError(
                    f"{self.path}: line {number} is not a run of a sweep; remove it, or name"
                    " another folder"
                )

    def find(self, dataset: Dataset, options: Options) -> Record | None:
        """Return the record of this training; None if there is none yet."""
        return self._records.get(key(dataset.digest, key_options(dataset, options)))

    def add(self, record: Record) -> None:
        """Append a record to the file immediately; raise InputError if it cannot be written."""
        self._file.append(record)
        self._records[key(record["data_digest"], record["options"])] = record

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        self._file.close()


def _record(line: JsonLine) -> Record | None:
    record = line.content()
    try:
        if record is None or not isinstance(record["data_digest"], str):
            return None
        if not isinstance(record["options"], dict):
            return None
        if isinstance(record.get("error"), str):
            return record
        tests = [record["accuracy"][kind]["test"] for kind in KINDS]
    except (TypeError, LookupError):
        return None
    return record if all(isinstance(test, float) for test in tests) else None
