"""Several devices that learn at the same time, a thread each: they wait for their lines mostly."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ska_edge.device.link import Link
from ska_edge.device.stream import Stream
from ska_edge.errors import ContactLost, DeviceError, InputError, SkaError
from ska_edge.monitor.monitor import Activity, Monitor
from ska_edge.monitor.mqtt import Publisher, device_name
from ska_edge.monitor.telemetry import Line, Log
from ska_edge.plan.plan import Plan
from ska_edge.wire.protocol import Capability

TICK = 0.1  # seconds from one look at the devices to the next

Say = Callable[["Member", Line | ContactLost], None]


@dataclass(frozen=True, slots=True)
class Job:
    """What every device of a fleet is to do.

    Attributes:
        plan: what they run.
        baud: speed of their ports.
        patience: seconds to wait for one that went away.
        halvings, save, save_every: see `Monitor.run`.
        overwrite: replace logs that are there.
        broker: address of an MQTT broker, "" for none.
        say: called by the devices' threads: with each line of a log, and when contact was lost.
        warn: called with a sentence about the broker.
    """

    plan: Plan
    baud: int
    patience: float
    halvings: int | None
    save: bool
    save_every: int | None
    overwrite: bool
    broker: str
    say: Say
    warn: Callable[[str], None]


@dataclass(slots=True)
class Member:
    """One device of a fleet, what it shall learn, and how it does.

    Attributes:
        port: as it was named.
        inputs, labels: its rows.
        path: of its log.
        name: for MQTT; None becomes `device_name`, when there is contact.
        monitor: None until there was contact.
        error: why it failed.
        waiting: contact was lost and is waited for.
        ended: it will learn no more.
    """

    port: str
    inputs: NDArray[np.integer]
    labels: NDArray[np.int64]
    path: Path | None = None
    name: str | None = None
    monitor: Monitor | None = None
    error: SkaError | None = None
    waiting: bool = False
    ended: bool = False
    _stream: Stream | None = field(default=None, repr=False)
    _log: Log | None = field(default=None, repr=False)
    _publisher: Publisher | None = field(default=None, repr=False)

    @property
    def state(self) -> Activity:
        """What it does."""
        if self.error is not None:
            return "failed"
        if self.ended:
            return "ended"
        if self.monitor is None:
            return "connecting"
        return "waiting" if self.waiting else "learning"

    def open(self, job: Job, stop: threading.Event) -> None:
        """Find the device, and check all that can be checked before it learns; then open the log.

        A DeviceError becomes the member's own; raises every other.
        """

        def lost(reason: ContactLost) -> None:
            self.waiting = True
            self._status()
            job.say(self, reason)

        try:
            stream = self._stream = Stream(
                lambda: Link(self.port, baud=job.baud, stop=stop),
                job.plan.digest,
                patience=job.patience,
                stop=stop,
                lost=lost,
            )
            if job.save or job.save_every is not None:
                stream.link.expect_capability(Capability.SAVE, "keep its state")
        except DeviceError as error:
            self.error = error
            return
        self.waiting = False
        self.monitor = Monitor(stream, job.plan)
        if self.path is not None:
            self._log = Log(self.path, stream.link.info, overwrite=job.overwrite)
        if job.broker:
            self.name = self.name or device_name(stream.link.info.board, stream.link.port)

    def publish(self, job: Job) -> None:
        """Connect to the broker, if there is one; ToolError without the package for it."""
        if job.broker and self.monitor is not None and self.name is not None:
            self._publisher = Publisher(job.broker, self.name, job.warn)

    def learn(self, job: Job) -> None:
        """Learn all rows, or until the fleet is stopped; an SkaError becomes the member's own."""
        if self.monitor is None or self.error is not None:
            return
        self._status()
        try:
            for line in self.monitor.run(
                self.inputs,
                self.labels,
                halvings=job.halvings,
                save=job.save,
                save_every=job.save_every,
                sending=self._write,
            ):
                if "interrupted" in line:
                    self.waiting = False
                    self._status()
                self._write(line)
                if self._publisher is not None:
                    self._publisher.line(line)
                job.say(self, line)
        except SkaError as error:
            self.error = error
        self.ended = True
        self._status()

    def close(self) -> None:
        """Close the port, the log and the connection to the broker."""
        for part in (self._stream, self._log, self._publisher):
            if part is not None:
                part.close()

    def _write(self, line: Line) -> None:
        if self._log is not None:
            self._log.write(line)

    def _status(self) -> None:
        if self._publisher is not None:
            self._publisher.status(self.state)


def run(
    members: Sequence[Member],
    job: Job,
    tick: Callable[[], None],
    stopping: Callable[[], None],
) -> None:
    """Let all members learn.

    `tick` is called now and then, and `stopping` once after Ctrl-C, by the caller's thread.

    Nobody learns before all that can be wrong with what the user gave has been checked. A device
    that fails does not end the others; see `Member.error`.

    Raises InputError or ToolError before anything was learned; KeyboardInterrupt on Ctrl-C, when
    every device has come to the boundary between two samples. Ports and logs are closed then.
    """
    stop = threading.Event()
    names = [f"monitor {member.port}" for member in members]
    try:
        _at_once(
            names, [partial(member.open, job, stop) for member in members], stop, tick, stopping
        )
        _check_names(members)
        for member in members:
            member.publish(job)
        _at_once(names, [partial(member.learn, job) for member in members], stop, tick, stopping)
    finally:
        _at_once(names, [member.close for member in members], stop)


def _check_names(members: Sequence[Member]) -> None:
    """InputError where two devices would publish under the same name."""
    known: dict[str, Member] = {}
    for member in members:
        if member.name is None:
            continue
        other = known.setdefault(member.name, member)
        if other is not member:
            raise InputError(
                f"for MQTT the devices at {other.port} and {member.port} would both be called"
                f" {member.name}: give each a --name"
            )


def _at_once(
    names: Sequence[str],
    tasks: Sequence[Callable[[], None]],
    stop: threading.Event,
    tick: Callable[[], None] = lambda: None,
    stopping: Callable[[], None] = lambda: None,
) -> None:
    """Do all tasks, a thread each; raises the first of their errors when all have ended."""
    errors: list[BaseException] = []

    def guarded(task: Callable[[], None], ended: threading.Event) -> None:
        try:
            task()
        except BaseException as error:  # raised again below, where it is seen
            errors.append(error)
            stop.set()
        finally:
            ended.set()

    # Events: Python 3.11 takes a thread for ended whose `join` was interrupted. Daemons:
    # a second Ctrl-C ends the program, whatever they wait for.
    under_way: list[threading.Event] = []
    try:
        for name, task in zip(names, tasks, strict=True):
            ended = threading.Event()
            arguments = (task, ended)
            under_way.append(ended)  # first: Ctrl-C may come when it runs and `start` has not ended
            threading.Thread(target=guarded, args=arguments, name=name, daemon=True).start()
        for ended in under_way:
            while not ended.wait(TICK):
                tick()
        tick()
    except BaseException:  # Ctrl-C
        stop.set()
        with contextlib.suppress(OSError):  # the terminal may be what has gone
            stopping()
        for ended in under_way:
            ended.wait()
        raise
    if errors:
        raise sorted(errors, key=lambda error: not isinstance(error, InputError))[0]
