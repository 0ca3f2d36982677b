"""Writes one recording: a CSV file with a line per sample."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ska_edge.closable import Closable
from ska_edge.data.tables.recorded import TIME, seconds_of
from ska_edge.errors import InputError
from ska_edge.files import refusal, write_file
from ska_edge.plural import counted
from ska_edge.recorder.clock import even_times
from ska_edge.recorder.rows import Row

HOST_TIME = "t"
LABEL, GROUP = "label", "group"


@dataclass(frozen=True, slots=True)
class Form:
    """What each line of a recording has: a time, the values of a board, a label and a group.

    If one of the `names` is the name of a time, the board's value is the time. Otherwise, the host
    gives the time, in seconds since the first sample. An empty `label` or `group` has no column.
    """

    names: tuple[str, ...]
    label: str = ""
    group: str = ""

    @property
    def clock(self) -> int | None:
        """The number of the value that is the board's time; None without one."""
        found = (at for at, name in enumerate(self.names) if TIME.fullmatch(name.strip().lower()))
        return next(found, None)

    @property
    def header(self) -> list[str]:
        """The names of the columns."""
        time = [HOST_TIME] if self.clock is None else []
        ends = [name for name, text in ((LABEL, self.label), (GROUP, self.group)) if text]
        return [*time, *self.names, *ends]

    def line(self, values: Sequence[str], time: float) -> list[str]:
        """Return the cells of a sample that the host got at `time` in seconds."""
        own = [f"{time:.6f}"] if self.clock is None else []
        return [*own, *values, *(text for text in (self.label, self.group) if text)]


class Take(Closable):
    """A recording that is being written; each sample is written to the file at once.

    Args:
        path: the new file.
        form: what a line has.

    Attributes:
        path, form: the file, and what a line has.
        seconds: the time from the first sample to the last one.

    Raises InputError if the file exists or cannot be written.
    """

    def __init__(self, path: Path, form: Form) -> None:
        self.path = path
        self.seconds = 0.0
        self.form = form
        self._taken: list[Row] = []
        try:
            self._file = path.open("x", newline="", encoding="utf-8")
        except OSError as error:
            raise refusal("write", path, error) from error
        self._write([form.header])

    @property
    def rows(self) -> int:
        """The number of samples."""
        return len(self._taken)

    def add(self, row: Row) -> None:
        """Write a sample; raise InputError if the system refuses it."""
        clock = self.form.clock
        if self._taken:
            before = self._taken[-1]
            step = row.arrived - before.arrived
            if clock is not None:
                step = self._time(row, clock) - self._time(before, clock)
            self.seconds += max(step, 0.0)  # a board that restarts begins at 0 again
        self._taken.append(row)
        first = self._taken[0].arrived
        self._write([self.form.line(row.values, row.arrived - first)])

    def close(self) -> None:
        """Close the file, or remove it if there are no samples.

        If the times are those of the host, they are made even, see `even_times`. Raises InputError
        if the file cannot be written or removed, or if somebody has removed a file with samples.
        """
        if self._file.closed:
            return
        try:
            self._file.close()
        except OSError as error:
            raise refusal("write", self.path, error) from error
        if not self._taken:
            self._remove()
        elif not self.path.exists():
            raise InputError(
                f"{self.path} was removed during its recording, and its"
                f" {counted(self.rows, 'sample')} with it; record it again"
            )
        elif self.form.clock is None:
            self._even()

    def _remove(self) -> None:
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise refusal("remove", self.path, error) from error

    def _time(self, row: Row, clock: int) -> float:
        first = self._taken[0].values[clock]
        return float(row.values[clock]) * seconds_of(self.form.names[clock], first.isdigit())

    def _even(self) -> None:
        arrived = np.array([row.arrived for row in self._taken])
        times = even_times(arrived - arrived[0])
        if times is None:
            return
        self.seconds = float(times[-1] - times[0])
        text = io.StringIO(newline="")
        lines = csv.writer(text, lineterminator="\n")
        lines.writerow(self.form.header)
        for row, time in zip(self._taken, (times - times[0]).tolist(), strict=True):
            lines.writerow(self.form.line(row.values, time))
        write_file(self.path, text.getvalue().encode())

    def _write(self, lines: Sequence[Sequence[str]]) -> None:
        try:
            csv.writer(self._file, lineterminator="\n").writerows(lines)
            self._file.flush()
        except OSError as error:
            raise refusal("write", self.path, error) from error
