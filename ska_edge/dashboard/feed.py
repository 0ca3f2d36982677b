"""Collects what the page shows of one device: a sink of the monitor, or the reader of a log."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ska_edge.dashboard.signals import Signals, signal_chart
from ska_edge.device.steering import Steering
from ska_edge.errors import ContactLost, InputError
from ska_edge.model.model_file import Model
from ska_edge.monitor.log.line import LogLine, LogRow, SessionStart, WindowSeen
from ska_edge.monitor.monitor import Activity, Monitor
from ska_edge.monitor.pace import Pace
from ska_edge.network.state import State
from ska_edge.plural import counted
from ska_edge.report.chart import Chart
from ska_edge.report.comparison import Comparison
from ska_edge.report.course import CourseReader
from ska_edge.report.course_charts import course_charts, decided_chart
from ska_edge.report.model_charts import weight_charts
from ska_edge.report.model_tables import title
from ska_edge.report.section import Fact
from ska_edge.report.sections import course_facts
from ska_edge.report.table import percent
from ska_edge.rules.confidence import UNKNOWN, UNKNOWN_NAME

LABEL = "label"
ACTIONS: dict[str, Callable[[Steering], None]] = {
    "pause": lambda steering: None if steering.paused else steering.pause(),
    "continue": lambda steering: steering.pause() if steering.paused else None,
    "save": Steering.save,
    "double": lambda steering: steering.change_rate(-1),
    "halve": lambda steering: steering.change_rate(1),
}
"""What a person can ask of a device that learns rows; the keys of `monitor` do the same."""
EVENTS = 20  # the page shows so many of the last events


class Feed:
    """What the page shows of one device, as a `Sink`; any thread may call `document`.

    Every number comes from the lines of the log, by way of `Course`; only the activity and the
    samples per second are not in a log.

    Args:
        name: the device's port, or the name of its log.
        model: the model of the device.
        signals: the raw samples of the rows; None if there are none.
        labeling: whether a person labels the windows of the device's own sensor, in place of
            steering how it learns rows.
    """

    def __init__(
        self, name: str, model: Model, signals: Signals | None = None, labeling: bool = False
    ) -> None:
        self._labeling = labeling
        self.name = name
        self._signals = signals
        self._changes = 0
        self._model = model
        self._reader = CourseReader(model)
        self._lock = threading.Lock()
        self._start: SessionStart | None = None
        self._activity: Activity | None = None
        self._trouble = ""
        self._pace = Pace()
        self._comparison: Comparison | None = None
        self._window: WindowSeen | None = None  # the last one with its raw samples
        self._monitor: Monitor | None = None

    # --- the methods of a sink --------------------------------------------------------------------

    def open(self, monitor: Monitor) -> None:
        """Keep the monitor, which counts the retries and takes requests.

        Raises InputError if windows are to be labeled, but the device has no sensor, or runs a
        regression.
        """
        if self._labeling and monitor.info.has_values:
            raise InputError(
                f"the device at {monitor.port} runs a regression, and no button gives the values"
                " of a window: use Device.label in Python, or show the page without buttons"
            )
        if self._labeling and not monitor.info.senses:
            raise InputError(
                f"the device at {monitor.port} has no sensor of its own, so there are no windows to"
                " label: name DATA, or show the page without buttons"
            )
        self._monitor = monitor

    def write(self, line: LogLine) -> None:
        """Add a line that arrives now; raise as `CourseReader.take` does."""
        if isinstance(line, LogRow):
            self._pace.count(time.monotonic())
        self.read(line)

    def status(self, activity: Activity) -> None:
        """Show the device's activity."""
        with self._lock:
            self._activity = activity
            if activity != "waiting":
                self._trouble = ""
            self._changes += 1

    def lost(self, reason: ContactLost) -> None:
        """Show why contact was lost."""
        with self._lock:
            self._trouble = str(reason)
            self._changes += 1

    def close(self) -> None:
        """Do nothing: the page still shows the device."""

    # --- more sources -----------------------------------------------------------------------------

    def read(self, line: LogLine) -> None:
        """Add a line that was written at another time; raise as `CourseReader.take` does."""
        with self._lock:
            if isinstance(line, SessionStart):
                self._start = line
            if isinstance(line, WindowSeen) and line.raw is not None:
                self._window = line
            self._reader.take(line)
            self._changes += 1

    def compared(self, comparison: Comparison) -> None:
        """Show the result of a replay."""
        with self._lock:
            self._comparison = comparison
            self._changes += 1

    @property
    def version(self) -> tuple[object, ...]:
        """A value that changes with every change of the document."""
        return self._changes, self._rate(), self._retries(), self._steered()

    def steer(self, action: str, label: int | None = None) -> None:
        """Ask the device for an action; the device's monitor does it between two rows.

        The actions are `ACTIONS`. If a person labels windows, the only action is `LABEL`: the
        device learns the newest window of its sensor with the class of this index.

        Raises InputError for another action, for a label that is missing or no class, and for a
        device that learns nothing now.
        """
        actions = (LABEL,) if self._labeling else (*ACTIONS,)
        if action not in actions:
            raise InputError(
                f"there is no action {action!r:.40}; the actions are {', '.join(actions)}"
            )
        steering, monitor = self._steering(), self._monitor
        if steering is None or monitor is None:
            raise InputError(f"the device at {self.name} learns no rows now")
        if not self._labeling:
            ACTIONS[action](steering)
            return
        labels = [label for label, name in enumerate(monitor.classes) if name]
        if label is None or label not in labels:
            raise InputError(
                f'the action label needs a "label": the index of a class, from 0 to {labels[-1]}'
            )
        if monitor.window is None:
            raise InputError(f"the device at {self.name} has no complete window yet")
        steering.label(label)

    @property
    def rows(self) -> int:
        """The number of rows so far."""
        return self._reader.course.rows

    @property
    def ended(self) -> bool:
        """Whether the last session has ended."""
        return self._reader.course.ended

    # --- the page ---------------------------------------------------------------------------------

    def document(self) -> dict[str, Any]:
        """Return what the page shows, as plain data for JSON."""
        with self._lock:
            course, steered = self._reader.course, self._steered()
            activity = self._activity or ("ended" if course.ended else "following")
            return {
                "name": self.name,
                "board": self._start.board if self._start else None,
                "port": self._start.port if self._start else None,
                "model": title(self._model),
                "activity": "paused" if steered and steered["paused"] else activity,
                "trouble": self._trouble,
                "rows": course.rows,
                "accuracy": course.accuracy,
                "control": steered,
                "facts": [_fact(each) for each in self._facts()],
                "link": [_fact(each) for each in self._link()],
                "last": [*map(self._row, reversed(course.last))],
                "labels": list(course.labels),
                "warnings": list(course.warnings),
                "events": [list(each) for each in reversed(course.events[-EVENTS:])],
                "difference": self._comparison.difference if self._comparison else "",
                "gap": self._comparison.gap if self._comparison else "",
                "charts": [
                    {"kind": type(chart).__name__.lower(), **chart.as_dict()}
                    for chart in self._charts()
                ],
            }

    def _charts(self) -> Iterator[Chart]:
        course = self._reader.course
        yield from course_charts(course, self._model)
        decided = decided_chart(course)
        if decided is not None:
            yield decided
        signal = self._signal()
        if signal is not None:
            yield signal
        if self._comparison is not None and self._comparison.state is not None:
            states: dict[str, State] = {"at the start": self._model.state}
            yield from weight_charts({**states, "now": self._comparison.state})

    def _signal(self) -> Chart | None:
        """Return the signal of the last row, or of the last window of the device's own sensor, with
        what the device decided below it.
        """
        seen, front = self._window, self._model.plan.front
        if seen is not None and seen.raw is not None and front is not None and not front.image:
            said = _name(self._reader.course.labels, seen.predicted)
            if self._model.plan.regression:
                said = _reals(self._model.values_of(_matrix(seen.decisions))[0])
            words = f"Window {seen.number}: the device said {said}."
            return signal_chart(np.array(seen.raw), self._model.axes, words)
        last = self._reader.course.last
        if self._signals is None or not last:
            return None
        row = self._row(last[-1])
        words = f"Sample {row['sample']}: {row['truth']}"
        words += f", the device said {row['decided']}." if row["decided"] else ", answer lost."
        return self._signals.chart(last[-1].x, words)

    def _facts(self) -> Iterator[Fact]:
        course, found = self._reader.course, self._comparison
        yield from course_facts(course)
        if course.held_out:
            after, right, rows = course.held_out[-1]
            words = f"{right} of {counted(rows, 'row')}"
            words += "" if after == course.rows else f", after {counted(after, 'learned row')}"
            yield Fact("right, held-out rows", percent(right / rows) if rows else "-", words)
        if course.rates:
            yield Fact("learning rate", f"{course.rates[-1][1]:g}")
        if found is not None:
            words = f"compared bit for bit: {counted(found.rows, 'row')}" if found.rows else ""
            yield Fact("device and host", found.verdict, words)

    def _link(self) -> Iterator[Fact]:
        course = self._reader.course
        yield Fact("samples per second", self._rate())
        yield Fact("losses of contact", str(course.losses))
        yield Fact("losses of what it learned", str(course.falls))
        if self._monitor is not None:
            yield Fact("retries", str(self._retries()))
        yield Fact("answers lost", str(course.unanswered))
        yield Fact("rows missing", str(course.missing))
        yield Fact("saves", str(course.saves))

    def _retries(self) -> int:
        return 0 if self._monitor is None else self._monitor.retries

    def _steered(self) -> dict[str, Any] | None:
        """Return what can be steered; None if the device learns no rows now.

        `paused` tells whether the device is paused, and `answer` is the last answer to a request.
        `labels` are the names of the classes with which a person can label windows, "" for an
        output without a name. `window` is the newest window in words.
        """
        steering, monitor = self._steering(), self._monitor
        if steering is None or monitor is None:
            return None
        return {
            "paused": steering.paused,
            "answer": steering.answer,
            "labels": monitor.classes if self._labeling else [],
            "window": monitor.seen,
        }

    def _steering(self) -> Steering | None:
        monitor = self._monitor
        return None if monitor is None or self._activity != "learning" else monitor.steering

    def _rate(self) -> str:
        rate = 0.0 if self.ended else self._pace.rate(time.monotonic())
        return f"{rate:.1f}" if rate else "-"

    def _row(self, row: LogRow) -> dict[str, Any]:
        """Return what the page shows of a row."""
        model, course = self._model, self._reader.course
        found: dict[str, Any] = {"sample": row.sample, "right": None, "decisions": None}
        if row.decisions is None:
            return {**found, "truth": self._truth(row), "decided": ""}
        if model.plan.regression:
            values = model.values_of(_matrix(row.decisions))[0]
            return {**found, "truth": self._truth(row), "decided": _reals(values)}
        decisions = model.plan.formats.decision.dequantize(_matrix(row.decisions)[0])
        found["decisions"] = decisions.tolist()
        if row.predicted is not None and model.plan.rule_definition.supervised:
            found["right"] = row.predicted == row.label
        return {
            **found,
            "truth": self._truth(row),
            "decided": _name(course.labels, row.predicted),
        }

    def _truth(self, row: LogRow) -> str:
        if isinstance(row.label, int):
            supervised = self._model.plan.rule_definition.supervised
            return _name(self._reader.course.labels, row.label) if supervised else ""
        return _reals(self._model.values_of(_matrix(row.label))[0])


def _matrix(values: tuple[int, ...]) -> NDArray[np.int64]:
    return np.array([values], dtype=np.int64)


def _reals(values: NDArray[np.float64]) -> str:
    return ", ".join(f"{value:.4g}" for value in values.tolist())


def _name(labels: list[str], index: int | None) -> str:
    """Return the name of an output; the index of one that does not exist."""
    if index is None:
        return ""
    if index == UNKNOWN:
        return UNKNOWN_NAME
    return labels[index] if index < len(labels) else str(index)


def _fact(fact: Fact) -> dict[str, str]:
    return {"name": fact.name, "value": fact.value, "words": fact.words}
