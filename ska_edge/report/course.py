"""Reads from a monitor's log what a device learned: its answers, its metrics, and its events."""

from __future__ import annotations

import math
from array import array
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ska_edge.errors import InputError
from ska_edge.model.model_file import Model
from ska_edge.monitor.log.class_line import ClassChange
from ska_edge.monitor.log.file import DamagedEnd, LogFile
from ska_edge.monitor.log.line import (
    HeldOut,
    Interruption,
    LogLine,
    LogRow,
    LogWarning,
    Missing,
    RateChange,
    Save,
    SessionEnd,
    SessionStart,
)
from ska_edge.network.output import output_distance
from ska_edge.plural import counted
from ska_edge.progress import Progress, silent

REPORTED = 64  # lines between two calls of a `Progress`
LAST = 12  # rows of `Course.last`
MEASURED = ("entropy", "cosine", "z_norm", "w_norm", "z_saturated", "w_saturated", "zero_updates")
"""The metrics of `LayerMetrics` that a report shows."""


@dataclass(slots=True)
class Course:
    """What a device reported in a log, in the order of the rows that it learned.

    Attributes:
        boards: the names of the boards, each once.
        rows: number of rows.
        right: for each row of a classifier, 1 if the device decided its class before it learned the
            row, otherwise 0; NaN if the answer was lost.
        missed: for each target of a regression, |target - value| of each row in the unit of the
            data; NaN if the answer was lost.
        updates: for each update, the number of its row, from 1.
        layers: for each layer, the metrics of `MEASURED` at each update; NaN if the log lacks a
            metric.
        rates: how many rows were learned before a rate, and this rate.
        held_out: for each test, how many rows were learned before it, how many held-out rows were
            right, and how many held-out rows there are.
        warnings: the sentences of the warnings.
        events: how many rows were learned before an event, and the event in words.
        labels: the names of the device's outputs, with the classes that were added.
        decided: numbers of rows, by the index of their class and by the index of the class that the
            device decided.
        last: the last rows.
        unanswered: number of rows whose answer was lost.
        missing: number of rows that are missing in the log.
        losses: how many times contact was lost.
        falls: how many times the device lost what it had learned since its last save.
        saves: how many times the device has saved its state.
        ended: whether the last session has ended.
    """

    boards: list[str] = field(default_factory=list)
    rows: int = 0
    right: array[float] = field(default_factory=lambda: array("d"))
    missed: dict[str, array[float]] = field(default_factory=dict)
    updates: array[int] = field(default_factory=lambda: array("q"))
    layers: list[dict[str, array[float]]] = field(default_factory=list)
    rates: list[tuple[int, float]] = field(default_factory=list)
    held_out: list[tuple[int, int, int]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    events: list[tuple[int, str]] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    decided: Counter[tuple[int, int]] = field(default_factory=Counter)
    last: deque[LogRow] = field(default_factory=lambda: deque(maxlen=LAST))
    unanswered: int = 0
    missing: int = 0
    losses: int = 0
    falls: int = 0
    saves: int = 0
    ended: bool = False

    @property
    def accuracy(self) -> float | None:
        """The share of rows that were right before they were learned; None if there is none."""
        right = np.array(self.right)
        known = right[~np.isnan(right)]
        return float(known.mean()) if len(known) else None


def read_course(path: Path, model: Model, progress: Progress = silent) -> Course:
    """Read a log of a device with this model.

    `progress` is called at intervals with the number of bytes read and the number of all bytes.

    Raises InputError if the log cannot be read, if a line before the last one is damaged, or if the
    plan, the metrics or the targets of a line do not suit the model. For a fault in a line, the
    sentence names the line.
    """
    log, reader = LogFile(path), CourseReader(model)
    for number, line in log.entries():
        try:
            reader.take(line)
        except InputError as error:
            raise log.bad(number, str(error)) from error
        if number % REPORTED == 0:
            progress(log.done, log.size)
    progress(log.size, log.size)
    return reader.course


class CourseReader:
    """Collects the lines of a log in a `Course`.

    Attributes:
        course: what was read so far.
    """

    def __init__(self, model: Model) -> None:
        self._model, self._plan = model, model.plan
        self._step: int | None = None  # of the row before, if it belongs to the same state
        self.course = Course(
            missed={name: array("d") for name in model.plan.labels if model.plan.regression},
            layers=[{name: array("d") for name in MEASURED} for _ in model.plan.layers],
            labels=[*model.state.labels],
        )

    def take(self, line: LogLine | DamagedEnd) -> None:
        """Add a line to the course.

        Raises InputError if the plan, the metrics or the targets of the line do not suit the model.
        """
        course = self.course
        if isinstance(line, SessionStart | Interruption):
            self._step = None
        if isinstance(line, LogRow):
            self._row(line)
        elif isinstance(line, SessionStart):
            line.require_plan(self._plan.digest)
            course.ended = False
            self._event(f"a session with {line.board} at {line.port} begins")
            if line.board not in course.boards:
                course.boards.append(line.board)
            self._rate(line.mark.halvings)
        elif isinstance(line, HeldOut):
            right, rows = (sum(counts) for counts in zip(*line.classes, strict=True))
            course.held_out.append((course.rows, right, rows))
        elif isinstance(line, LogWarning):
            course.warnings.append(str(line.content.get("text", "")))
        elif isinstance(line, Interruption):
            course.losses += 1
            course.falls += line.fell_back
            lost = ", and has lost what it learned since its last save" if line.fell_back else ""
            self._event(f"the device was lost ({line.reason}), came back{lost}")
            self._rate(line.mark.halvings)
        elif isinstance(line, RateChange):
            self._rate(line.halvings)
        elif isinstance(line, ClassChange):
            if line.label < len(course.labels):
                course.labels[line.label] = line.name
            self._event(f"the class '{line.name}' is added")
        elif isinstance(line, Missing):
            course.missing += line.rows
            self._event(f"{counted(line.rows, 'row')} are missing in the log")
        elif isinstance(line, Save):
            course.saves += 1
            self._event("the device has saved its state")
        elif isinstance(line, SessionEnd):
            course.ended = True

    def _event(self, text: str) -> None:
        self.course.events.append((self.course.rows, text))

    def _rate(self, halvings: int | None) -> None:
        if halvings is None:
            return
        rate = math.ldexp(self._plan.rate.real, -halvings)
        if not self.course.rates or self.course.rates[-1][1] != rate:
            self.course.rates.append((self.course.rows, rate))

    def _row(self, row: LogRow) -> None:
        course = self.course
        course.rows += 1
        course.last.append(row)
        course.unanswered += row.decisions is None
        if self._plan.regression:
            for values, missed in zip(course.missed.values(), self._distances(row), strict=True):
                values.append(missed)
        elif self._plan.rule_definition.supervised:
            course.right.append(math.nan if row.predicted is None else row.predicted == row.label)
            if row.predicted is not None and isinstance(row.label, int):
                course.decided[row.label, row.predicted] += 1
        # Older logs have metrics of zero for a row that made no update.
        unchanged = row.step is not None and row.step == self._step
        self._step = row.step
        if not row.layers or unchanged:
            return
        if len(row.layers) != len(course.layers):
            raise InputError(
                f"the metrics of {counted(len(row.layers), 'layer')}, but the model has"
                f" {len(course.layers)}; the log was changed"
            )
        course.updates.append(course.rows)
        for layer, found in zip(course.layers, _metrics(row.layers), strict=True):
            for name in MEASURED:
                layer[name].append(found[name])

    def _distances(self, row: LogRow) -> Sequence[float]:
        """Return |target - value| of each target, in the unit of the data."""
        plan, units, classes = self._plan, self._model.units, self._plan.classes
        if row.decisions is None:
            return [math.nan] * classes
        assert plan.output is not None and units is not None
        if isinstance(row.label, int) or {len(row.label), len(row.decisions)} != {classes}:
            raise InputError(f"the row needs {counted(classes, 'target')}; the log was changed")
        distances = output_distance(row.decisions, row.label)
        found: list[float] = (plan.output.dequantize(distances) * units.scale).tolist()
        return found


def _metrics(layers: Sequence[object]) -> Iterator[Mapping[str, float]]:
    """Yield the metrics of each layer in a line, by the names in `MEASURED`."""
    for layer in layers:
        if not isinstance(layer, Mapping):
            raise InputError("its 'layers' are not the metrics of layers; the log was changed")
        yield {name: _real(name, layer.get(name, math.nan)) for name in MEASURED}


def _real(name: str, value: object) -> float:
    if type(value) not in (int, float):
        raise InputError(f"its {name!r} is not a number; the log was changed")
    try:
        found = float(value)  # type: ignore[arg-type]
    except OverflowError:
        found = math.inf
    if math.isinf(found):
        raise InputError(f"its {name!r} is too large; the log was changed")
    return found
