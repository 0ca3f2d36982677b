"""Records labels one after another: counts down, records, and stops."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ska_edge.closable import Closable
from ska_edge.recorder.folder import begin, check
from ska_edge.recorder.rows import Row
from ska_edge.recorder.take import Form, Take

EXACT = 1e-6  # seconds; sums of times are not exact
SHOWN = 1024  # rows that are kept for a picture


@dataclass(frozen=True, slots=True)
class Plan:
    """What to record.

    Attributes:
        folder: the folder of the recordings.
        group: the group of the recordings, or "".
        seconds, samples: the length of a recording; if both are None, it lasts until it is stopped.
        countdown: seconds from the choice of a label to the beginning of its recording.
    """

    folder: Path
    group: str = ""
    seconds: float | None = None
    samples: int | None = None
    countdown: float = 0.0


class Session(Closable):
    """Makes recordings of one board: waits for a label, counts down, and records.

    Args:
        plan: what to record.
        names: the names of the board's values.
        now: the clock that the rows have, in seconds.

    Attributes:
        label: the label that is recorded now or after the countdown; None without a label.
        take: the recording that is being written, or None.
        takes: the recordings that are complete.
        latest: the last rows, whether they were recorded or not.
    """

    def __init__(
        self, plan: Plan, names: Sequence[str], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._plan, self._names, self._now = plan, tuple(names), now
        self.label: str | None = None
        self.take: Take | None = None
        self.takes: list[Take] = []
        self.latest: deque[Row] = deque(maxlen=SHOWN)
        self._begins = 0.0

    def check(self, label: str) -> None:
        """Raise OptionError if recordings of a label do not fit the recordings in the folder."""
        check(self._plan.folder, self._form(label))

    def start(self, label: str) -> None:
        """End the present recording, and begin the countdown for a recording of this label.

        Raises InputError as `stop` does.
        """
        self.stop()
        self.label = label
        self._begins = self._now() + self._plan.countdown

    def stop(self) -> None:
        """End the present recording, or its countdown; its samples stay in its file.

        Raises InputError as `Take.close` does.
        """
        self.label = None
        take, self.take = self.take, None
        if take is None:
            return
        try:
            take.close()
        finally:
            if take.rows and take.path.exists():
                self.takes.append(take)

    def close(self) -> None:
        """End the present recording; raise InputError as `stop` does."""
        self.stop()

    @property
    def countdown(self) -> float:
        """The seconds until the recording begins; 0 without a countdown."""
        if self.label is None or self.take is not None:
            return 0.0
        return max(self._begins - self._now(), 0.0)

    def add(self, rows: Sequence[Row]) -> None:
        """Take rows that have arrived: record them if a recording has begun, and end it when full.

        Raises InputError if the file cannot be written.
        """
        for row in rows:
            self.latest.append(row)
            if self.label is None or row.arrived < self._begins:
                continue
            if self.take is None:
                self.take = begin(self._plan.folder, self._form(self.label))
            self.take.add(row)
            if self._is_full(self.take):
                self.stop()

    def _form(self, label: str) -> Form:
        return Form(self._names, label, self._plan.group)

    def _is_full(self, take: Take) -> bool:
        seconds, samples = self._plan.seconds, self._plan.samples
        if samples is not None and take.rows >= samples:
            return True
        return seconds is not None and take.seconds > seconds - EXACT
