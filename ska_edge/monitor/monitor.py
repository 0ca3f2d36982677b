"""Lets a device learn rows, and yields the events of this session as lines of a log."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ska_edge.device.link import Link
from ska_edge.device.sample import Sample
from ska_edge.device.stream import Reconnection, Stream
from ska_edge.errors import ContactLost, DeviceError
from ska_edge.monitor.lesson import Lesson, recall_advice, stretches
from ska_edge.monitor.log.class_line import ClassChange, ClassNotice
from ska_edge.monitor.log.line import (
    HeldOut,
    LogLine,
    RateChange,
    RateNotice,
    RowNotice,
    Save,
    SessionEnd,
    SessionStart,
)
from ska_edge.monitor.log.value import Mark, Place
from ska_edge.monitor.signs.exam import Exam
from ska_edge.monitor.watcher import Watcher
from ska_edge.plan.plan import Plan
from ska_edge.plural import counted
from ska_edge.wire.protocol import Capability

Activity = Literal["connecting", "learning", "waiting", "ended", "failed"]


class Monitor(Watcher):
    """Lets one device learn rows and reports the events; it can also watch as a `Watcher` does.

    A person makes requests through `steering`, and `run` executes them between two rows. The
    arguments and the other attributes are those of `Watcher`.

    Attributes:
        first: index of the first row that this session sends; above 0 if it continues a lesson.
        exam: the held-out rows, and how the device classified them; None without any.
    """

    def __init__(self, stream: Stream, plan: Plan, names: Callable[[str], str] = str) -> None:
        super().__init__(stream, plan, names)
        self.first = 0
        self.exam: Exam | None = None
        self._wanted_halvings: int | None = None  # None keeps the device's rate
        self._wanted_classes: Sequence[str] = ()  # to add, each once
        # The refusal of a save; `run` raises it after its last line.
        self._refusal: DeviceError | None = None

    def run(
        self,
        inputs: NDArray[np.integer],
        labels: NDArray[np.integer],
        *,
        halvings: int | None = None,
        halvings_after: int | None = None,
        save: bool = False,
        save_every: int | None = None,
        sending: Sequence[Callable[[LogLine], None]] = (),
        lesson: Lesson | None = None,
        classes: Sequence[str] = (),
    ) -> Iterator[LogLine]:
        """Let the device learn, and yield the lines of a log as events happen.

        Args:
            inputs: (n, d) integers in the plan's input format.
            labels: (n,) class indices, or targets (n, classes).
            halvings: how many times to halve the plan's rate before the first row; None keeps the
                rate. A device that falls back gets this rate again.
            halvings_after: the same after the last row, before the last save.
            save: save the device's state at the end.
            save_every: also save the state after every `save_every` rows.
            sending: functions that get the notice before a row is sent, a rate is set or a class is
                added.
            lesson: the lesson that has these rows. The device also classifies the held-out rows of
                the lesson. It starts at the attribute `place` if that is a position in these rows.
            classes: names of classes to add before the first row, also to a device that fell back.

        Raises the errors of `Stream.learn`; the stream stays open. If the device refuses a save,
        that error is raised after the last line.
        """
        first = self.first = self._begin(lesson, len(labels))
        order, seed = ("", 0) if lesson is None else (lesson.order, lesson.seed)
        yield SessionStart.of(self.info, self.port, order, seed, self.place)
        if lesson is not None:
            yield from self._disorder(labels[first:])
        self._sending = sending
        # A claim gives the state a new token, so the claim comes after SessionStart. When a
        # continued log gets SessionStart, the log first adds its missing rows, by the old token.
        for interrupted in self._stream.claim():
            yield self._found_again(interrupted)
        self._wanted_halvings, self._wanted_classes = halvings, classes
        yield from self._prepare()
        yield from self._teach(inputs, labels, first, save_every)
        if halvings_after is not None:
            self._wanted_halvings = halvings_after
            yield from self._set_rate()
        if save and self._refusal is None and self.saved != self.samples:
            yield from self._save()
        yield from self._look(last=True)
        yield from self._ask(Link.hello)
        self.info = self._stream.link.info
        yield SessionEnd(Mark.of(self.info, halvings=False), self.place)
        if self._refusal is not None:
            raise self._refusal

    # --- parts of a session -----------------------------------------------------------------------

    def _begin(self, lesson: Lesson | None, rows: int) -> int:
        known, self.place = self.place, None
        if lesson is None:
            return 0
        self._recall_advice = recall_advice(lesson.order, bool(self._plan.replay.per_class))
        if lesson.names:
            self._classes = lesson.names
            self._drift.names = lesson.names
        if len(lesson.held_labels):
            self.exam = Exam(lesson.held_inputs, lesson.held_labels, self._classes)
        self.place = Place(lesson.digest, 0)
        if known is not None and known.rows == self.place.rows and known.next < rows:
            self.place = known
        return self.place.next

    def _teach(
        self,
        inputs: NDArray[np.integer],
        labels: NDArray[np.integer],
        first: int,
        save_every: int | None,
    ) -> Iterator[LogLine]:
        """Let the device learn the rows from `first` on, with exams and saves between them."""
        exams = None if self.exam is None else self.exam.every(len(labels) - first)
        yield from self._examine()
        for start, end in stretches(first, len(labels), exams, save_every):

            def announce(sample: Sample) -> None:
                if self._sending:
                    token = self._stream.token
                    notice = RowNotice(sample.samples, token, sample.label, sample.x)
                    for send in self._sending:
                        send(notice)

            for row in self._beginnings(first, start, end):
                for event in self._stream.learn(
                    inputs[row:end], labels[row:end], announce, self.steering.held
                ):
                    if isinstance(event, Reconnection):
                        yield from self._interrupted(event)
                        continue
                    yield self._row(event)
                    if self._looks:
                        yield from self._look()
                yield from self._steer()
            if self.learned < end - first:
                return  # the stream was stopped, or the session was ended
            if end == len(labels) or (exams is not None and end % exams == 0):
                yield from self._examine()
            if save_every is not None and end % save_every == 0:
                yield from self._save()
            if self._refusal is not None:
                return

    def _beginnings(self, first: int, start: int, end: int) -> Iterator[int]:
        """Yield the row at which to begin, and again the next row after each request."""
        row = start
        while row < end and not (self._stream.stopped or self.steering.ended):
            yield row
            row = first + self.learned

    def _steer(self) -> Iterator[LogLine]:
        """Do what a person asked for, and wait for the end of a pause."""
        steering = self.steering
        while not self._stream.stopped:
            halvings, save = steering.take()
            if halvings:
                yield from self._change_rate(halvings)
            if save:
                yield from self._save_now()
            if steering.ended or not steering.held.is_set():
                return
            steering.wait()

    def _change_rate(self, halvings: int) -> Iterator[LogLine]:
        wanted = min(max(self.halvings + halvings, 0), self._plan.rate_halvings_max)
        if wanted == self.halvings:
            limit = "the plan's" if halvings < 0 else "the smallest"
            self.steering.answer = f"the rate is {limit} already"
            return
        self._wanted_halvings = wanted
        yield from self._prepare()
        halved = f", halved {counted(wanted, 'time')}" if wanted else ""
        self.steering.answer = f"the rate is the plan's{halved}"

    def _save_now(self) -> Iterator[LogLine]:
        try:
            self._stream.link.expect_capability(Capability.SAVE, "keep its state")
        except DeviceError as error:
            self.steering.answer = str(error)
            return
        yield from self._save()
        if self._refusal is not None:
            self.steering.answer, self._refusal = str(self._refusal), None
        else:
            self.steering.answer = f"saved at sample {self.saved}"

    def _examine(self) -> Iterator[LogLine]:
        """Let the device classify the held-out rows; yield the result and a warning per forgotten
        class.
        """
        exam = self.exam
        if exam is None:
            return
        yield from self._ask(lambda link: exam.sit(link, self.learned))
        yield HeldOut(self.samples, exam.result)
        for what in exam.fallen():
            yield self._warning("falling recall", what, self._recall_advice)

    # --- requests ---------------------------------------------------------------------------------

    def _prepare(self) -> Iterator[LogLine]:
        """Set the rate and add the classes, at the beginning and after a device fell back."""
        fell_back = True
        while fell_back:
            yield from self._set_rate()
            fell_back = yield from self._add_classes()

    def _add_classes(self) -> Generator[LogLine, None, bool]:
        """Add all classes, in order, in each try; return whether the device fell back meanwhile."""
        names, labels, fell_back = self._wanted_classes, list[int](), False
        if not names:
            return False

        def add(link: Link) -> None:
            for name in names:
                for send in self._sending:
                    send(ClassNotice(name, self._stream.token))
            labels[:] = map(link.add_class, names)

        for event in self._stream.ask(add):
            fell_back = fell_back or event.fell_back
            yield self._found_again(event)
        yield from map(ClassChange, names, labels)
        return fell_back

    def _set_rate(self) -> Iterator[LogLine]:
        halvings = self._wanted_halvings
        if halvings is not None:

            def halve(link: Link) -> None:
                for send in self._sending:
                    send(RateNotice(halvings, self._stream.token))
                link.halve_rate(halvings)

            for event in self._stream.ask(halve):
                if not event.fell_back and event.info.halvings == halvings:
                    yield RateChange(halvings)  # the device has the rate; only its answer was lost
                yield self._found_again(event)
            self.halvings = halvings
            yield RateChange(halvings)

    def _save(self) -> Iterator[LogLine]:
        try:
            yield from self._ask(Link.save)
        except ContactLost:
            raise
        except DeviceError as error:
            self._refusal = error
            return
        self.saved = self.samples
        yield Save(self.samples)

    def _ask(self, request: Callable[[Link], object]) -> Iterator[LogLine]:
        for event in self._stream.ask(request):
            yield from self._interrupted(event)

    def _interrupted(self, event: Reconnection) -> Iterator[LogLine]:
        yield self._found_again(event)
        if event.fell_back:
            yield from self._prepare()
