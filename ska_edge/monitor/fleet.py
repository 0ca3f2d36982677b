"""Several devices that learn at the same time, a thread each: they wait for their lines mostly."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ska_edge.device.link import Link
from ska_edge.device.stream import Stream
from ska_edge.errors import ContactLost, DeviceError, InputError, SkaError
from ska_edge.monitor.log_line import Interruption
from ska_edge.monitor.monitor import Activity, Monitor
from ska_edge.monitor.sinks.sink import Sink
from ska_edge.plan.plan import Plan
from ska_edge.wire.protocol import Capability

TICK = 0.1  # seconds from one look at the devices to the next


@dataclass(frozen=True, slots=True)
class Job:
    """What every device of a fleet is to do.

    Attributes:
        plan: what they run.
        baud: speed of their ports.
        key: what all of them need to be changed; None without one.
        patience: seconds to wait for one that went away.
        halvings, save, save_every: see `Monitor.run`.
    """

    plan: Plan
    baud: int
    patience: float
    halvings: int | None
    save: bool
    save_every: int | None
    key: bytes | None = None


@dataclass(slots=True)
class Member:
    """One device of a fleet, what it shall learn, and how it does.

    Attributes:
        port: as it was named.
        inputs, labels: its rows.
        sinks: what is told of its events, in this order.
        monitor: None until there was contact.
        error: why it failed.
        waiting: contact was lost and is waited for.
        ended: it will learn no more.
    """

    port: str
    inputs: NDArray[np.integer]
    labels: NDArray[np.int64]
    sinks: Sequence[Sink] = ()
    monitor: Monitor | None = None
    error: SkaError | None = None
    waiting: bool = False
    ended: bool = False
    _stream: Stream | None = field(default=None, repr=False)

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

    def connect(self, job: Job, stop: threading.Event) -> None:
        """Find the device and check that it can do the job; a DeviceError becomes the member's."""

        def lost(reason: ContactLost) -> None:
            self.waiting = True
            self._status()
            for sink in self.sinks:
                sink.lost(reason)

        try:
            stream = self._stream = Stream(
                lambda: Link(self.port, baud=job.baud, key=job.key, stop=stop),
                job.plan.digest,
                patience=job.patience,
                stop=stop,
                lost=lost,
                plan=job.plan,
            )
            if job.save or job.save_every is not None:
                stream.link.expect_capability(Capability.SAVE, "keep its state")
        except DeviceError as error:
            self.error = error
            return
        self.waiting = False
        self.monitor = Monitor(stream, job.plan)

    def open(self) -> None:
        """Open the sinks, where there is contact; raises what they raise."""
        if self.monitor is not None and self.error is None:
            for sink in self.sinks:
                sink.open(self.monitor)

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
                sending=[sink.write for sink in self.sinks],
            ):
                if isinstance(line, Interruption):
                    self.waiting = False
                    self._status()
                for sink in self.sinks:
                    sink.write(line)
        except SkaError as error:
            self.error = error
        self.ended = True
        self._status()

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

    `tick` is called now and then, and `stopping` once after Ctrl-C, by the caller's thread.

    Nobody learns before all that can be wrong with what the user gave has been checked. A device
    that fails does not end the others; see `Member.error`.

    Raises InputError or ToolError before anything was learned; KeyboardInterrupt on Ctrl-C, when
    every device has come to the boundary between two samples. Ports and sinks are closed then.
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
