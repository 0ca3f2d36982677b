"""Streams samples to a device, over as many sessions as needed; each sample is learned once.

The device counts the samples that it learns. The count tells a new session where the stream
continues, even at a new port. `window` handles the samples in flight within one session.

The file is long, because one class finds a lost device again, whether the device learns rows,
announces what it learns, or has a sensor of its own.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ska_edge.device import device_errors
from ska_edge.device.claims import PlanShape
from ska_edge.device.info import DeviceInfo
from ska_edge.device.link import Link, new_token
from ska_edge.device.sample import Sample, Truth
from ska_edge.device.sensor import RawSamples, SensorWindow, Wanted
from ska_edge.device.window import Sending, Window, sample_at, unannounced
from ska_edge.errors import ContactLost, DeviceError
from ska_edge.plural import counted
from ska_edge.wire.protocol import COUNTED, Want


@dataclass(frozen=True, slots=True)
class Reconnection:
    """The device was lost, and has reconnected.

    Attributes:
        reason: why it was lost, one sentence.
        info: the device's present report.
        fell_back: whether the device lost its last state, because it restarted from its save or
            the plan's weights, or because it was given another state.
    """

    reason: str
    info: DeviceInfo
    fell_back: bool


class Stream:
    """Lets a device learn rows, over as many sessions as needed.

    Args:
        connect: opens a link to the device; raises DeviceError while there is none.
        digest: digest of the plan that the device must run.
        patience: seconds after a loss of contact within which the next row must be learned; with
            0, a lost device is an error at once.
        want: additional contents of every answer.
        stop: once it is set, `learn` ends between two rows and does not wait for a lost device.
            Pass it to the links of `connect`, too.
        lost: called when contact is lost, before the wait.
        plan: the plan with this digest, if known; all reports of the device are checked against it.
        watching: whether the stream sends no rows. A device with a sensor of its own may then be
            one that only classifies, whose state has no token.

    Attributes:
        link: the link in use.
        samples: the known number of samples that the device has learned.
        token: token of the device's state.

    Raises DeviceError if there is no device, or one with another plan.
    """

    PAUSE = 0.2  # seconds between two tries to reconnect

    def __init__(
        self,
        connect: Callable[[], Link],
        digest: str,
        *,
        patience: float = 0.0,
        want: Want = Want.METRICS,
        stop: threading.Event | None = None,
        lost: Callable[[ContactLost], None] | None = None,
        plan: PlanShape | None = None,
        watching: bool = False,
    ) -> None:
        self._connect = connect
        self._digest, self._plan = digest, plan
        self._patience = patience
        self._want = want
        self._stop = stop or threading.Event()
        self._lost = lost
        self.token = 0
        self._own = 0  # the last token that this stream has tried to set
        self.link = connect()
        try:
            self._expect_plan()
            if not (watching and self.link.info.senses):
                self.link.expect_learning()
            try:
                self._replaced()
            except ContactLost as error:
                self._find_again(error, self._deadline(None))
            self.samples = self.link.info.samples
        except BaseException:
            self.link.close()
            raise

    @property
    def stopped(self) -> bool:
        """Whether `stop` is set."""
        return self._stop.is_set()

    def close(self) -> None:
        """Close the link."""
        self.link.close()

    def learn(
        self,
        inputs: NDArray[np.integer],
        labels: NDArray[np.integer],
        sending: Sending = unannounced,
        held: threading.Event | None = None,
    ) -> Iterator[Sample | Reconnection]:
        """Learn rows of inputs (n, d) and labels (n,), each once; yield rows and reconnections.

        `sending` is called before a row is sent, and before it is sent again in another session. If
        `held` is set, the iterator ends after the answers to the rows that were sent.
        Raises ContactLost if the device does not come back, and DeviceError if it refuses a row,
        comes back with another plan, or was taught by another program.
        """
        held = held or threading.Event()
        row = credit = 0
        deadline: float | None = None  # set from a loss of contact until the next row is learned
        if self.link.info.token == self.token:
            self.samples = self.link.info.samples
        while row < len(labels) and not self._stop.is_set() and not held.is_set():
            try:
                self._expect_token()
                window = Window(
                    *(self.link, inputs, labels, self._want, self._stop, sending),
                    first=row,
                    held=held,
                )
                credit = window.credit
                for sample in window.results():
                    deadline, row = None, sample.row + 1
                    self.samples = sample.samples
                    yield sample
            except ContactLost as lost:
                deadline = self._deadline(deadline)
                fell_back = self._find_again(lost, deadline)
                ahead = self._ahead(fell_back, most=min(credit, len(labels) - row))
                yield Reconnection(str(lost), self.link.info, fell_back)
                for _ in range(ahead):  # these rows were learned before contact was lost
                    self.samples = (self.samples + 1) % COUNTED
                    sample = sample_at(inputs, labels, row, self.samples)
                    deadline, row = None, row + 1
                    yield sample

    def ask(self, request: Callable[[Link], object]) -> Iterator[Reconnection]:
        """Make a request between two calls of `learn`, when no row is in flight.

        The request must be repeatable, because it is repeated after a loss of contact. Yields
        reconnections as `learn` does. Raises the errors of `learn` and of the request.
        """
        deadline: float | None = None
        while True:
            try:
                self._expect_token()
                request(self.link)
                self._expect_token()
                self._ahead(fell_back=False, most=0)
                return
            except ContactLost as lost:
                deadline = self._deadline(deadline)
                fell_back = self._find_again(lost, deadline)
                self._ahead(fell_back, most=0)
                yield Reconnection(str(lost), self.link.info, fell_back)

    def listen(self) -> DeviceInfo:
        """Make the device announce what it learns by itself, for `follow`; return its report."""
        return self.link.listen(self._want)

    def follow(self, most: int | None = None) -> Iterator[Sample | DeviceInfo | Reconnection]:
        """Yield the samples that the device learns by itself, until `stop`, or until `most` came.

        Samples that arrive together with the last of `most` are yielded, too. The device's report
        is yielded when the announcements begin, after each silence, and at the end. A report that
        counts more samples than were announced shows that some were lost. Reconnections are yielded
        as by `learn`. Raises ContactLost if the device does not come back.
        """
        deadline: float | None = None
        count = 0
        while self._goes_on(count, most):
            try:
                info = self.listen()
                self._expect_token()
                deadline = None
                for heard in self._announced(info):
                    yield from heard  # all samples, because the device has learned them all
                    count += sum(isinstance(each, Sample) for each in heard)
                    if not self._goes_on(count, most):
                        break
            except ContactLost as lost:
                deadline = self._deadline(deadline)
                fell_back = self._find_again(lost, deadline)
                yield Reconnection(str(lost), self.link.info, fell_back)
        info = self.link.hello()
        yield from self.link.announced()
        yield info

    def watch(
        self,
        wanted: Wanted,
        sending: Callable[[SensorWindow, Truth], None],
        pause: float = PAUSE,
        raw: RawSamples | None = None,
    ) -> Iterator[SensorWindow | Sample | Reconnection]:
        """Yield the windows of the device's sensor, until `stop`; let the device learn some.

        The iterator also ends when the source of the sensor, such as a file, has no more samples.

        A window that the device learns is yielded again. If the answer is lost, and the next window
        is complete before contact is back, the learned window is yielded as a sample without a
        result. Reconnections are yielded as by `learn`.

        Args:
            wanted: is asked between two windows for a window to learn.
            sending: is called with a window and its label before it is learned.
            pause: seconds between two looks at the device.
            raw: collects the raw samples, which the windows then have; None reads none.

        Raises ContactLost if the device does not come back, and DeviceError if it has no sensor, or
        no class with a label.
        """
        deadline: float | None = None
        newest: SensorWindow | None = None
        asked: tuple[SensorWindow, Truth] | None = None  # a LABEL whose effect is not known yet
        self.samples = self.link.info.samples
        after = 0
        while not self._stop.is_set():
            found: SensorWindow | None = None
            try:
                self._expect_token()
                given = wanted()
                if newest is not None and given is not None and given[0] == newest.number:
                    asked = newest, given[1]
                    sending(*asked)
                    seen: SensorWindow | None = self.link.label(*given)
                else:
                    seen = self.link.window(after)
                    if seen is None and self.link.sensor_ended:
                        return
                    seen = seen and self._measured(seen)
                if raw is not None:
                    raw.read(self.link.read_raw)
                    seen = seen and replace(seen, raw=raw.of(seen.number))
                found, deadline = seen, None
            except device_errors.NotNewestError:
                asked, after = None, 0
            except ContactLost as lost:
                deadline = self._deadline(deadline)
                if self._find_again(lost, deadline):
                    asked, self.samples = None, self.link.info.samples
                    yield Reconnection(str(lost), self.link.info, fell_back=True)
                else:
                    yield Reconnection(str(lost), self.link.info, fell_back=False)
                newest, after = None, 0
                if raw is not None:
                    raw.forget()
            if found is not None:
                yield from self._learned_before(found, asked)
                newest, after, asked = found, found.number, None
                self.samples = found.result.samples
                yield found
            self._stop.wait(pause)

    def _measured(self, window: SensorWindow) -> SensorWindow:
        """Return a window that was labeled by a button, with the metrics of its learning step.

        There are no metrics without a label, if the next window is complete meanwhile, or if the
        device takes no request without its key.
        """
        if window.label is None or not self.link.may_change:
            return window
        try:
            again = self.link.label(window.number, window.label, self._want)
        except device_errors.NotNewestError:
            return window
        return again if again.number == window.number else window

    def _learned_before(
        self, found: SensorWindow, asked: tuple[SensorWindow, Truth] | None
    ) -> Iterator[Sample]:
        """Yield the window to be learned if it was learned, and `found` is a later one."""
        if asked is None or asked[0].number == found.number:
            return
        before = found.result.samples - (found.label is not None)
        if (before - self.samples) % COUNTED > 0:
            samples = (self.samples + 1) % COUNTED
            yield Sample(0, asked[0].x, asked[1], samples)

    def _announced(self, info: DeviceInfo) -> Iterator[Sequence[Sample | DeviceInfo]]:
        """Yield what arrives, until the device is silent for a timeout, or until `stop`.

        `info` is the report after the samples that have already arrived.
        """
        yield [*self.link.announced(), info]
        silent = time.monotonic() + self.link.timeout
        while time.monotonic() < silent and not self._stop.is_set():
            self.link.frames()
            samples = self.link.announced()
            if samples:
                silent = time.monotonic() + self.link.timeout
                yield samples

    def _goes_on(self, count: int, most: int | None) -> bool:
        return not self._stop.is_set() and (most is None or count < most)

    def claim(self) -> Iterator[Reconnection]:
        """Give the state a token of this stream, unless the state has one; yield reconnections.

        With its own token, the stream does not take the rows of another program for its own rows.
        """

        def renew(link: Link) -> None:
            if link.hello().token == self.token != self._own:
                self._own = new_token()  # set before the request, because its answer may be lost
                self.token = link.set_token(self._own)

        return self.ask(renew)

    # --- reconnection -----------------------------------------------------------------------------

    def _deadline(self, known: float | None) -> float:
        """Return the deadline for a reconnection; if there is one already, pause and return it."""
        if known is None:
            return time.monotonic() + self._patience
        self._stop.wait(self.PAUSE)
        return known

    def _find_again(self, lost: ContactLost, deadline: float) -> bool:
        """Reconnect; return whether the device lost the stream's state."""
        self.link.close()
        if self._lost is not None and self._waits(deadline):
            self._lost(lost)
        while self._waits(deadline):
            before = self.link
            try:
                self.link = self._connect()
                self.link.follow(before)
                self.link.hello()
            except DeviceError:
                pass
            else:
                self._expect_plan()
                with contextlib.suppress(ContactLost):
                    return self._replaced()
            self.link.close()
            self._stop.wait(self.PAUSE)
        raise lost

    def _waits(self, deadline: float) -> bool:
        return not self._stop.is_set() and time.monotonic() < deadline

    def _replaced(self) -> bool:
        """Tell whether the state was replaced; from now on, expect the token of this state.

        A state without a token gets a new one.
        """
        if not self.link.info.learns:
            return False  # its state never changes
        before, had = (self.token, self._own), self.link.info.token
        self.token = self.link.token()
        if not had:
            self._own = self.token
        return self.token not in before

    def _expect_plan(self) -> None:
        self.link.expect_digest(self._digest)
        if self._plan is not None:
            self.link.expect_plan(self._plan)

    def _expect_token(self) -> None:
        """Raise ContactLost if the device lost the stream's state."""
        if self.link.info.token != self.token:
            raise ContactLost(
                f"the device at {self.link.port} has started again, or was reset: connect"
                " again and compare its samples"
            )

    def _ahead(self, fell_back: bool, most: int) -> int:
        """Return how many rows the device has learned beyond `samples`; 0 if it fell back.

        Raises DeviceError for more than `most`, the rows in flight: then another program has taught
        the device.
        """
        info = self.link.info
        if fell_back:
            self.samples = info.samples
        ahead = (info.samples - self.samples) % COUNTED
        if ahead > most:
            raise DeviceError(
                f"the device at {self.link.port} has {counted(info.samples, 'sample')}, not"
                f" {self.samples} as this program left it: let nobody else use it"
            )
        return ahead
