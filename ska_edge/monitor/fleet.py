"""Lets several devices learn at the same time, with one thread per device."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ska_edge.device.link import Link
from ska_edge.device.port.control import Control
from ska_edge.device.stream import Stream
from ska_edge.errors import ContactLost, DeviceError, InputError, SkaError
from ska_edge.model.scaling import Scaling
from ska_edge.monitor.lesson import Lesson
from ska_edge.monitor.log.line import Interruption, LogLine
from ska_edge.monitor.monitor import Activity, Monitor
from ska_edge.monitor.sinks.sink import Sink
from ska_edge.plan.plan import Plan
from ska_edge.wire.protocol import Capability

TICK = 0.1  # seconds between two calls of `tick`


@dataclass(frozen=True, slots=True)
class Job:
    """The task of every device of a fleet.

    Attributes:
        plan: the plan of the devices.
        baud: speed of their ports.
        control: a function that returns, for the name of a port, what to do with its DTR and RTS.
        key: the key that authorizes changes of the devices; None without a key.
        patience: seconds to wait for a lost device.
        halvings, halvings_after, save, save_every, classes: see `Monitor.run`.
        names: see `Monitor`.
        following: whether the devices learn by themselves; then they get no rows.
        samples: with `following`, how many samples to follow; None follows until the fleet stops.
        raw: with `following`, whether to read the raw samples of the windows of their sensors.
        labels, units: with `following`, see `Monitor.watch`.
    """

    plan: Plan
    baud: int
    patience: float
    halvings: int | None
    save: bool
    save_every: int | None
    key: bytes | None = None
    names: Callable[[str], str] = str
    control: Callable[[str], Control] = lambda _: Control()
    following: bool = False
    samples: int | None = None
    raw: bool = False
    labels: Sequence[str] = ()
    units: Scaling | None = None
    classes: Sequence[str] = ()
    halvings_after: int | None = None


@dataclass(slots=True)
class Member:
    """One device of a fleet, its rows, and its progress.

    Attributes:
        port: the given name of its port.
        inputs, labels: the rows that it learns.
        sinks: the receivers of its events, in this order.
        lesson: the lesson that has these rows, see `Monitor.run`.
        monitor: the monitor of the device; None before the first contact.
        error: the error with which it failed; None if it did not fail.
        waiting: whether it waits for a lost device.
        ended: whether its learning has ended.
    """

    port: str
    inputs: NDArray[np.integer]
    labels: NDArray[np.int64]
    sinks: Sequence[Sink] = ()
    lesson: Lesson | None = None
    monitor: Monitor | None = None
    error: SkaError | None = None
    waiting: bool = False
    ended: bool = False
    _stream: Stream | None = field(default=None, repr=False)

    @property
    def state(self) -> Activity:
        """The device's present activity, in one word."""
        if self.error is not None:
            return "failed"
        if self.ended:
            return "ended"
        if self.monitor is None:
            return "connecting"
        return "waiting" if self.waiting else "learning"

    def connect(self, job: Job, stop: threading.Event) -> None:
        """Connect to the device and check that it can do the job; store DeviceErrors in `error`."""

        def lost(reason: ContactLost) -> None:
            self.waiting = True
            self._status()
            for sink in self.sinks:
                sink.lost(reason)

        try:
            stream = self._stream = Stream(
                lambda: Link(
                    self.port,
                    baud=job.baud,
                    key=job.key,
                    stop=stop,
                    control=job.control(self.port),
                ),
                job.plan.digest,
                patience=job.patience,
                stop=stop,
                lost=lost,
                plan=job.plan,
                watching=job.following,
            )
            if job.raw:
                stream.link.expect_raw()
            if job.following and not stream.link.info.senses:
                stream.listen()
            if job.save or job.save_every is not None:
                stream.link.expect_capability(Capability.SAVE, "keep its state")
        except DeviceError as error:
            self.error = error
            return
        self.waiting = False
        self.monitor = Monitor(stream, job.plan, job.names)

    def open(self) -> None:
        """Open the sinks if there is contact; raise their errors."""
        if self.monitor is not None and self.error is None:
            for sink in self.sinks:
                sink.open(self.monitor)

    def learn(self, job: Job) -> None:
        """Let the device learn its rows, or follow it; store an SkaError in `error`."""
        if self.monitor is None or self.error is not None:
            return
        self._status()
        try:
            for line in self._lines(self.monitor, job):
                if isinstance(line, Interruption):
                    self.waiting = False
                    self._status()
                for sink in self.sinks:
                    sink.write(line)
        except SkaError as error:
            self.error = error
        self.ended = True
        self._status()

    def _lines(self, monitor: Monitor, job: Job) -> Iterator[LogLine]:
        if job.following and monitor.info.senses:
            sending = [sink.write for sink in self.sinks]
            return monitor.watch(
                job.samples, sending, raw=job.raw, labels=job.labels, units=job.units
            )
        if job.following:
            return monitor.follow(job.samples)
        return monitor.run(
            self.inputs,
            self.labels,
            halvings=job.halvings,
            halvings_after=job.halvings_after,
            save=job.save,
            save_every=job.save_every,
            sending=[sink.write for sink in self.sinks],
            lesson=self.lesson,
            classes=job.classes,
        )

    def close(self) -> None:
        """Close the port and the sinks."""
        if self._stream is not None:
            self._stream.close()
        for sink in self.sinks:
            sink.close()

    def _status(self) -> None:
        for sink in self.sinks:
            sink.status(self.state)


def run(
    members: Sequence[Member],
    job: Job,
    tick: Callable[[], None],
    stopping: Callable[[], None],
) -> None:
    """Let all members learn.

    The caller's thread calls `tick` at intervals, and `stopping` once after Ctrl-C.

    All of the user's input is checked before any device learns. If one device fails, the others
    continue; see `Member.error`.

    Raises InputError or ToolError if a sink cannot be opened; then no device learns. After Ctrl-C,
    raises KeyboardInterrupt as soon as every device is between two samples, and all ports and sinks
    are closed.
    """
    stop = threading.Event()
    names = [f"monitor {member.port}" for member in members]

    def at_once(task: Callable[[Member], None]) -> None:
        _at_once(names, [partial(task, member) for member in members], stop, tick, stopping)

    try:
        at_once(lambda member: member.connect(job, stop))
        for member in members:
            member.open()
        at_once(lambda member: member.learn(job))
    finally:
        _at_once(names, [member.close for member in members], stop)


def _at_once(
    names: Sequence[str],
    tasks: Sequence[Callable[[], None]],
    stop: threading.Event,
    tick: Callable[[], None] = lambda: None,
    stopping: Callable[[], None] = lambda: None,
) -> None:
    """Run each task in its own thread; when all have ended, raise one of their errors, if any."""
    errors: list[BaseException] = []

    def guarded(task: Callable[[], None], ended: threading.Event) -> None:
        try:
            task()
        except BaseException as error:  # re-raised below
            errors.append(error)
            stop.set()
        finally:
            ended.set()

    # Events instead of `join`: Python 3.11 treats a thread as ended after an interrupted `join`.
    # The threads are daemons, so that a second Ctrl-C ends the program even while they wait.
    under_way: list[threading.Event] = []
    try:
        for name, task in zip(names, tasks, strict=True):
            ended = threading.Event()
            arguments = (task, ended)
            under_way.append(ended)  # before `start`, because Ctrl-C may arrive while `start` runs
            threading.Thread(target=guarded, args=arguments, name=name, daemon=True).start()
        for ended in under_way:
            while not ended.wait(TICK):
                tick()
        tick()
    except BaseException:  # Ctrl-C
        stop.set()
        stopping()
        for ended in under_way:
            ended.wait()
        raise
    if errors:
        raise sorted(errors, key=lambda error: not isinstance(error, InputError))[0]
