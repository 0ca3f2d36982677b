"""Watches a device: yields its rows and windows as lines of a log, and tracks its progress.

The file is long, because one class follows a device through all of a session.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from ska_edge.device.info import DeviceInfo, Result
from ska_edge.device.sample import Sample, Truth
from ska_edge.device.sensor import RawSamples, SensorWindow
from ska_edge.device.steering import Steering
from ska_edge.device.stream import Reconnection, Stream
from ska_edge.errors import with_names
from ska_edge.model.scaling import Scaling
from ska_edge.monitor.lesson import ADVICE, class_order, recall_advice
from ska_edge.monitor.log.line import (
    CHECKPOINT,
    Interruption,
    LogLine,
    LogRow,
    LogWarning,
    Missing,
    RowNotice,
    SessionEnd,
    SessionStart,
    WindowSeen,
)
from ska_edge.monitor.log.value import Mark, Place
from ska_edge.monitor.pace import Pace
from ska_edge.monitor.signs.drift import Drift
from ska_edge.network.measures.diagnosis import ENOUGH, Symptom, Watch
from ska_edge.network.measures.metrics import LayerMetrics, Meter
from ska_edge.network.measures.warning import general_warning
from ska_edge.network.output import output_distance
from ska_edge.plan.plan import Plan
from ska_edge.rules.confidence import UNKNOWN
from ska_edge.wire.protocol import COUNTED

WINDOW = 500  # number of last samples whose decisions are stored, to measure their spread
LOOKS = 0.1  # seconds between two looks at the windows of a device's sensor
NO_KEY = "a regression learns values, which no key gives: use Device.label in Python"
LOOK = 10  # rows between two checks for symptoms


class Watcher:
    """Watches a device that learns or classifies; other threads may read its attributes.

    Args:
        stream: the contact with the device.
        plan: the plan of the device.
        names: a function that returns the name of a training option for a warning; by default the
            name in Python.

    Attributes:
        info: the last report of the device.
        step: number of updates that the device has made.
        samples: number of samples that the device has learned.
        halvings: how many times the device's rate is halved.
        learned: number of rows that the device has learned in this session.
        correct: how many of these rows the device classified correctly before it learned them.
        unknown: how many of these rows the device called unknown before it learned them.
        unanswered: how many of these rows have no answer, because it was lost.
        missing: number of rows that the device learned by itself and whose announcements were lost.
        missed: for a regression, the sum of |target - value| of each target; otherwise 0.
        result: the last answer to a row that made an update, with its metrics.
        symptoms: the present signs of poor learning, the worst first.
        fell_back: how many times the device has lost what it had learned since its last save.
        saved: sample count of the device's last save in this session; None without one.
        steering: takes requests of a person.
        window: the newest window of the device's sensor; None if it has none.
    """

    def __init__(self, stream: Stream, plan: Plan, names: Callable[[str], str] = str) -> None:
        self.info: DeviceInfo = stream.link.info
        self.step, self.samples = self.info.step, self.info.samples
        self.halvings = self.info.halvings
        self.learned = self.correct = self.unknown = self.unanswered = 0
        self.missing = self.fell_back = 0
        self.missed: NDArray[np.int64] = np.zeros(plan.classes, dtype=np.int64)
        self.result: Result | None = None
        self.symptoms: tuple[Symptom, ...] = ()
        self.steering = Steering()
        self._place: Place | None = None
        self._passed = 0  # how many rows the device has learned since `_place`
        self._stream = stream
        self._plan, self._regression = plan, plan.regression
        self._names = names
        self._watch, self._meter = Watch(plan), Meter(plan)
        # Decisions, input and label of the last rows.
        self._decided: deque[tuple[tuple[int, ...], tuple[int, ...], int]] = deque(maxlen=WINDOW)
        self._warned: set[tuple[str, int]] = set()
        self._looks = False  # whether it is time to check for symptoms
        self.saved: int | None = None
        self._sending: Sequence[Callable[[LogLine], None]] = ()
        self._alone = False  # whether the device learns by itself
        self._disordered = False  # whether the warning about the order of the rows was given
        self._pace = Pace()
        self._drift = Drift(plan)
        # Rows that `_drift` has not seen yet: input, label, and whether the device was right.
        self._unseen: list[tuple[tuple[int, ...], int, bool]] = []
        self._classes = plan.labels
        self._units: Scaling | None = None
        self.window: SensorWindow | None = None
        self._learned_window = 0  # number of the last window whose row was yielded
        self._asked_window = 0  # number of a window that a person has labeled; 0 after the answer
        self._recall_advice = recall_advice("", bool(plan.replay.per_class))

    @property
    def port(self) -> str:
        """The port of the device."""
        return self._stream.link.port

    @property
    def sensor_ended(self) -> bool:
        """Whether the source of the device's sensor has no more samples."""
        return self._stream.link.sensor_ended

    @property
    def retries(self) -> int:
        """How many times a request was sent again, because its answer did not come in time."""
        return self._stream.link.retries

    @property
    def rate(self) -> float:
        """Rows per second, over the last seconds."""
        return self._pace.rate(time.monotonic())

    @property
    def place(self) -> Place | None:
        """The position of the next row to learn; None if it is not known.

        Before `Monitor.run`, it is the position in the rows of the log that this session continues.
        """
        return self._place and self._place.after(self._passed)

    @place.setter
    def place(self, place: Place | None) -> None:
        self._place, self._passed = place, 0

    def named(self, label: int) -> str:
        """Return the name of a class, or "unknown"; the label itself if the class has no name."""
        if label == UNKNOWN:
            return "unknown"
        return self._classes[label] if label < len(self._classes) else str(label)

    @property
    def classes(self) -> list[str]:
        """The names of the classes, in the order of their labels; "" for an output without one."""
        return [self.named(label) for label in range(len(self._classes) or self._plan.classes)]

    @property
    def seen(self) -> str:
        """The newest window of the device's sensor, in words; "" without one."""
        if self.window is None:
            return ""
        result = self.window.result
        if self._regression:
            return f"window {self.window.number}: {self._valued(result.decisions)}"
        largest = self._plan.formats.decision.dequantize(np.array(max(result.decisions)))
        said = self.named(result.predicted)
        return f"window {self.window.number}: {said}, decision {largest:.2f}"

    def said(self, predicted: int, decisions: tuple[int, ...]) -> str:
        """Return what the device said of a window, in words: its class, or the values of a
        regression.
        """
        return self._valued(decisions) if self._regression else self.named(predicted)

    def _valued(self, outputs: tuple[int, ...]) -> str:
        """Return values or targets of a regression in words.

        Each follows the name of its target, or else the number. They have the unit of the data if
        `watch` was given `units`; otherwise, they are scaled.
        """
        assert self._plan.output is not None
        values = self._plan.output.dequantize(np.array(outputs))
        if self._units is not None:
            values = self._units.undo(values)
        each = [f"{value:.4g}" for value in values.tolist()]
        names = self._classes or [str(target) for target in range(len(each))]
        return ", ".join(map(" ".join, zip(names, each, strict=True)))

    def _learned_as(self, label: Truth) -> str:
        """Return in words that a window was learned."""
        if isinstance(label, int):
            return f"learned as {self.named(label)}"
        return f"learned with {self._valued(label)}"

    def follow(self, most: int | None = None) -> Iterator[LogLine]:
        """Yield the lines of a log while the device learns by itself, until the stream stops.

        With `most`, it ends after this number of samples. If announcements are lost, a line says
        how many rows are missing. Raises the errors of `Stream.follow`; the stream stays open.
        """
        self._alone = True
        yield SessionStart.of(self.info, self.port)
        for event in self._stream.follow(most):
            if isinstance(event, Reconnection):
                yield self._found_again(event)
            elif isinstance(event, DeviceInfo):
                yield from self._missing(self._ahead(event.samples), event.samples)
                self.info, self.step, self.halvings = event, event.step, event.halvings
            else:
                ahead = self._ahead(event.samples)
                yield from self._missing(ahead - 1, event.samples - 1)
                if ahead:  # otherwise the sample is known
                    yield self._row(event)
                    yield from self._look()
        yield from self._look(last=True)
        yield SessionEnd(Mark.of(self.info, halvings=False))

    def watch(
        self,
        most: int | None = None,
        sending: Sequence[Callable[[LogLine], None]] = (),
        pause: float = LOOKS,
        raw: bool = False,
        labels: Sequence[str] = (),
        units: Scaling | None = None,
    ) -> Iterator[LogLine]:
        """Yield the lines of a log while the device classifies windows of its own sensor.

        The device learns a window if a person labels it: by `steering`, or at the device. With
        `most`, the iterator ends after this number of learned windows, or of windows if the device
        only classifies. It also ends if the source of the sensor, such as a file, has no more
        samples; `sensor_ended` is then true. If a window was learned that the host has not read, a
        line says how many rows are missing.

        Args:
            most: number of windows to learn, or to see; None watches until the stream stops.
            sending: functions that get the notice before a window is learned.
            pause: seconds between two looks at the device.
            raw: also read the raw samples of each window; `Link.expect_raw` tells whether the
                device has them.
            labels: the name of each output, "" for one that is no class; by default the plan's.
            units: how the targets of a regression are scaled; None for classes.

        Raises the errors of `Stream.watch`; the stream stays open.
        """
        self._alone, self._sending, self._units = True, sending, units
        self._classes = tuple(labels) or self._classes
        yield SessionStart.of(self.info, self.port)
        front, seen = self._plan.front, 0
        samples = RawSamples(front.length, front.hop, front.axes) if raw and front else None
        for event in self._stream.watch(self._wanted_window, self._announce_window, pause, samples):
            if isinstance(event, Reconnection):
                yield self._found_again(event)
                if event.fell_back:
                    self._learned_window = self._asked_window = 0
            elif isinstance(event, Sample):
                self._tell_learned(self._asked_window, event.label)
                yield self._row(event)
            else:
                yield from self._see(event)
                seen += 1
                if most is not None and (self.learned if self.info.learns else seen) >= most:
                    break
        yield from self._look(last=True)
        self.info = self._stream.link.hello()
        yield from self._missing(self._ahead(self.info.samples), self.info.samples)
        yield SessionEnd(Mark.of(self.info, halvings=False))

    def _wanted_window(self) -> tuple[int, Truth] | None:
        """Return the number and the label of the window that a person has labeled, once."""
        label, window = self.steering.take_label(), self.window
        if label is None or window is None:
            return None
        if not self.info.learns:
            self.steering.answer = "the device only classifies"
            return None
        if isinstance(label, int):
            if self._regression:
                self.steering.answer = NO_KEY
                return None
            names = self.classes
            if label >= len(names) or not names[label]:
                self.steering.answer = f"there is no class {label}"
                return None
        if window.label is not None:
            self.steering.answer = (
                f"window {window.number} was already {self._learned_as(window.label)}"
            )
            return None
        return window.number, label

    def _announce_window(self, window: SensorWindow, label: Truth) -> None:
        self._asked_window = window.number
        sample = (self.samples + 1) % COUNTED
        for send in self._sending:
            send(RowNotice(sample, self._stream.token, label, window.x))

    def _see(self, window: SensorWindow) -> Iterator[LogLine]:
        """Yield the line of a new window, and the row of a window that was learned."""
        result, before = window.result, self.window
        self.window = window
        if self._asked_window not in (0, window.number):
            self.steering.answer = f"window {self._asked_window} is over, so it was not learned"
            self._asked_window = 0
        if before is None or before.number != window.number:
            yield WindowSeen(window.number, result.predicted, result.decisions, window.raw)
        ahead = self._ahead(result.samples)
        if window.label is None or window.number == self._learned_window or not ahead:
            yield from self._missing(ahead, result.samples)
            return
        yield from self._missing(ahead - 1, result.samples - 1)
        self._learned_window = window.number
        self._tell_learned(window.number, window.label)
        yield self._row(Sample(0, window.x, window.label, result.samples, result))
        yield from self._look()

    def _tell_learned(self, window: int, label: Truth) -> None:
        self._asked_window = 0
        self.steering.answer = f"window {window} was {self._learned_as(label)}"

    # --- events -----------------------------------------------------------------------------------

    def _disorder(self, labels: NDArray[np.integer]) -> Iterator[LogLine]:
        """Yield a warning, once, if a device without a replay buffer learns rows class by class."""
        plan = self._plan
        classes = plan.rule_definition.supervised and not plan.regression
        if plan.replay.per_class or not classes or self._disordered:
            return
        what = class_order(labels, self._classes)
        if what:
            self._disordered = True
            yield self._warning("class order", what, ADVICE)

    def _drifted(self) -> Iterator[LogLine]:
        """Yield a warning for each new sign of drift in the rows."""
        for row in self._unseen:
            self._drift.add(*row)
        self._unseen.clear()
        outside, advice = self._drift.outside(), self._drift.advice
        if outside is not None:
            yield self._warning("inputs out of range", outside, advice)
        for what in self._drift.fallen():
            yield self._warning("falling recall", what, f"{advice}; {self._recall_advice}")

    def _warning(self, sign: str, what: str, advice: str) -> LogWarning:
        """Return a warning about the rows of a device, or about classes that it forgets."""
        advice = with_names(advice, self._names)
        return LogWarning(general_warning(sign, f"{sign}: {what}; {advice}"))

    def _found_again(self, event: Reconnection) -> LogLine:
        self.info, self.halvings = event.info, event.info.halvings
        self.fell_back += event.fell_back
        if event.fell_back:
            self.step, self.samples = event.info.step, event.info.samples
            self.saved = None
        place = self.place if event.fell_back else None
        return Interruption(event.reason, event.fell_back, Mark.of(event.info), place)

    def _ahead(self, samples: int) -> int:
        """Return how many samples a count is ahead of the known one; 0 if it is not ahead."""
        ahead = (samples - self.samples) % COUNTED
        return ahead if ahead < COUNTED // 2 else 0

    def _missing(self, rows: int, samples: int) -> Iterator[LogLine]:
        """Yield a line for lost announcements; `samples` is the sample count after them."""
        if rows > 0:
            self.samples = samples % COUNTED
            self.missing += rows
            yield Missing(rows, self.samples)

    def _row(self, sample: Sample) -> LogRow:
        """Create the line for a row, and update the attributes."""
        result = sample.result
        self.samples = sample.samples
        self.learned += 1
        self._looks = self.learned % LOOK == 0
        self._passed += 1
        self._pace.count(time.monotonic())
        layers: list[LayerMetrics] = []
        if result is None:
            self.unanswered += 1
        else:
            self.step = result.step
            if self._regression:
                self.missed += output_distance(result.decisions, sample.label)
            else:
                self.correct += result.predicted == sample.label
            self.unknown += result.predicted == UNKNOWN
            layers = self._meter.layers(result.metrics)
            if layers:
                self.result = result
            self._watch.add(result.step, layers)
            label = sample.label if isinstance(sample.label, int) else 0
            right = self._regression or result.predicted == sample.label
            self._decided.append((result.decisions, sample.x, label))
            self._unseen.append((sample.x, label, right))
        return LogRow(
            sample=sample.samples,
            label=sample.label,
            x=sample.x,
            step=None if result is None else result.step,
            predicted=None if result is None else result.predicted,
            decisions=None if result is None else result.decisions,
            layers=[*map(asdict, layers)],
            halvings=None if sample.samples % CHECKPOINT else self.halvings,
            place=None if sample.samples % CHECKPOINT else self.place,
        )

    def _look(self, last: bool = False) -> Iterator[LogLine]:
        """Check for symptoms at intervals; yield a line for each new one."""
        if self.learned < ENOUGH or not (self._looks or last) or not self._decided:
            return
        decisions, inputs, labels = (np.array(part) for part in zip(*self._decided, strict=True))
        if self._alone:
            yield from self._disorder(labels)
        yield from self._drifted()
        output = len(self._plan.layers) - 1
        self._watch.decisions(output, decisions, inputs, labels)
        self.symptoms = tuple(self._watch.symptoms())
        for symptom in self.symptoms:
            if (symptom.sign, symptom.layer) not in self._warned:
                self._warned.add((symptom.sign, symptom.layer))
                yield LogWarning(symptom.as_dict(self._names))
