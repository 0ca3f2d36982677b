"""Measures a training at intervals, and writes its log, a JSONL file with the metrics of steps."""

from __future__ import annotations

import contextlib
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ska_edge.errors import InputError
from ska_edge.files import refusal
from ska_edge.network.engine import Trainer
from ska_edge.network.measures.diagnosis import POINTS, Watch
from ska_edge.network.measures.metrics import LayerMetrics, layer_metrics
from ska_edge.plan.plan import Plan


class StepLog:
    """A JSONL file with the metrics of steps, or no file if the path is None.

    The first new line replaces an existing file. A line that cannot be written ends the log, but
    not the training.

    Attributes:
        wanted: whether there is a file.
        fault: why the log is incomplete; None while it is complete.

    Raises InputError if the file cannot be opened.
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
        self.write_line({"step": step, "layers": layers})

    def write_line(self, content: dict[str, Any]) -> None:
        """Write one line, if there is a file."""
        if self._file is None or self.fault is not None:
            return
        try:
            self._file.write(json.dumps(content) + "\n")
            if not self._begun:
                self._begin()
        except OSError as error:
            self._fail(error)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            try:
                if not self._begun and self.fault is None:
                    self._begin()  # the log of a training without steps is empty
                self._file.close()
            except OSError as error:
                self._fail(error)

    def _begin(self) -> None:
        """Remove the rest of an existing file after the first new line."""
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


class Measuring:
    """Measures a training of the integers at intervals, because metrics cost time.

    `total` is the number of samples to learn. A log gets the metrics of every update. `watch` gets
    the metrics of at least `POINTS` updates, or of all updates if there are fewer.
    """

    def __init__(
        self, plan: Plan, total: int, trainer: Trainer, log: StepLog, watch: Watch
    ) -> None:
        self._plan, self._trainer = plan, trainer
        self._log, self._watch = log, watch
        self._watched = max(total // plan.batch // POINTS, 1)
        self._updates = 0

    def stretches(self, order: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
        """Divide the rows of an epoch into parts; metrics are needed only at the end of a part.

        A smaller batch at the end of the epoch is skipped.
        """
        batch, start = self._plan.batch, 0
        end = len(order) // batch * batch
        while start < end:
            updates = 1 if self._log.wanted else self._watched - self._updates % self._watched
            stop = min(start + updates * batch, end)
            yield order[start:stop]
            start = stop

    def measure(self, rows: int) -> None:
        """Record the metrics after a part of `rows` rows, if the log or the watch needs them."""
        self._updates += rows // self._plan.batch
        watched = self._updates % self._watched == 0
        if not (watched or self._log.wanted):
            return
        step, layers = self._trainer.state.step, metrics_of(self._plan, self._trainer)
        self._log.write(step, [layer.as_dict() for layer in layers])
        if watched:
            self._watch.add(step, layers)


def metrics_of(plan: Plan, trainer: Trainer) -> list[LayerMetrics]:
    """Return the metrics of the last update, per layer."""
    return [layer_metrics(plan, index, sums) for index, sums in enumerate(trainer.metrics())]
