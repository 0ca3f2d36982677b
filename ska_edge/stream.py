"""Samples in a stream: as many under way as a device has room for, each learned exactly once.

The device learns in order, and only what it is waiting for: after a frame that was lost it refuses
those behind it, and the host goes back and sends them again (go-back-N). What is learned is counted
on the device, so a stream goes on where it stopped, over a new session and a new port.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ska_edge.device import DeviceInfo, Result
from ska_edge.errors import ContactLost, DeviceError
from ska_edge.link import Link
from ska_edge.plural import counted
from ska_edge.protocol import BY_NAME, COUNTED, Status, Want, peek
from ska_edge.request import Request, result_of

STATUS = BY_NAME["STATUS"]


Sending = Callable[[int, int], None]
"""Called before a row is sent: with its index, and with how many samples the device will have."""


def _silent(*_: int) -> None:
    """A `Sending` that nobody wants to know of."""


class Window:
    """Rows on their way over one link, in order, at most `credit` at once.

    Args:
        link: open, to a device whose plan the rows fit.
        inputs: (n, d) integers in the plan's input format.
        labels: (n,) class indices.
        want: what else to ask for with every row.
        stop: once it is set no more rows are sent; the answers of those under way still come.
        sending: called before a row is sent for the first time.

    Attributes:
        credit: how many rows can be under way.
    """

    def __init__(
        self,
        link: Link,
        inputs: NDArray[np.integer],
        labels: NDArray[np.integer],
        want: Want,
        stop: threading.Event | None = None,
        sending: Sending = _silent,
    ) -> None:
        self._link = link
        self._stop = stop or threading.Event()
        self._sending = sending
        self._inputs, self._labels, self._want = inputs, labels, want
        self.credit = max(1, link.info.credit)
        self._start = link.info.samples
        self._sent = 0  # rows that were sent at least once
        self._known = 0  # rows that are known to be learned
        self._pending: deque[Request] = deque()
        self._went_back = False  # since the last answer
        self._failures = 0  # waits without an answer, since the last one
        self._error: DeviceError | None = None  # what ends it, behind the results before

    def results(self) -> Iterator[Result | None]:
        """What the device answers, a row each; None for a row that it has learned, but of which the
        answer was lost.

        Raises ContactLost when the device is gone, silent, or not where it should be; DeviceError
        when it refuses a row.
        """
        while self._fill():
            answered = self._wait()
            if self._error is not None:
                yield from answered
                raise self._error
            if answered:
                self._went_back, self._failures = False, 0
                yield from answered
                continue
            self._failures += 1
            if self._link.silent(self._failures):
                raise self._link.silence()
            self._went_back = False
            self._send_again()

    def _fill(self) -> bool:
        """Send rows while there is room; False when there is nothing to wait for."""
        while len(self._pending) < self.credit and self._sent < self._end():
            row, label = self._inputs[self._sent], int(self._labels[self._sent])
            samples = self._start + self._sent
            request = self._link.sample(samples, row.tolist(), label, self._want)
            request.samples = (samples + 1) % COUNTED
            self._sending(self._sent, request.samples)
            self._link.send(request)
            self._pending.append(request)
            self._sent += 1
        return bool(self._pending)

    def _end(self) -> int:
        return self._sent if self._stop.is_set() else len(self._labels)

    def _send_again(self) -> None:
        for request in self._pending:
            self._link.send(request)

    def _wait(self) -> list[Result | None]:
        """The results of the rows that are known to be learned by the next answer that says so;
        nothing when it is time to send again.
        """
        deadline = time.monotonic() + self._link.timeout
        while time.monotonic() < deadline:
            results: list[Result | None] = []
            for frame in self._link.frames():
                for request in list(self._pending):
                    if self._error is None and request.take(frame):
                        results += self._closed(request)
            if results or self._error is not None:
                return results
        return []

    def _closed(self, request: Request) -> list[Result | None]:
        """What follows from the frame that ends an answer, which is the last one that came."""
        closing = next(frame for frame in request.arrived if frame.code in request.closing)
        if closing.code == STATUS.code:
            code = peek(closing.code, closing.payload, "code")
            detail = peek(closing.code, closing.payload, "detail")
            if code == Status.SEQUENCE and detail is not None:
                request.arrived.remove(closing)
                return self._go_back(detail)
            if code == Status.NUMBER:
                return self._elsewhere()
        alone = len(self._pending) == 1
        try:
            replies = self._link.whole(request)
            found = result_of(replies) if replies else None
        except DeviceError as refusal:
            self._error = refusal
            return self._unanswered(request)
        if replies is None and alone:
            return []  # part of the answer is lost: the device can still give it again
        results = self._unanswered(request)
        self._learned(None if found is None else found.step)
        return [*results, found]

    def _unanswered(self, request: Request) -> list[Result | None]:
        """Rows ahead of one that the device has learned: it has learned them, too."""
        results: list[Result | None] = []
        while self._pending[0] is not request:
            self._learned(None)
            results.append(None)
        return results

    def _learned(self, step: int | None) -> None:
        """The first row of those under way is known to be learned."""
        self._pending.popleft()
        self._known += 1
        self._link.learned((self._start + self._known) % COUNTED, step)

    def _go_back(self, last: int) -> list[Result | None]:
        """The device has refused a row because it waits for another, behind the seq `last`."""
        seqs = [request.seq for request in self._pending]
        results: list[Result | None] = []
        if last in seqs:  # it has learned so far; the last of these it can answer again
            results = self._unanswered(self._pending[seqs.index(last)])
        elif last != (seqs[0] - 1) % 256:
            return self._elsewhere()
        if not self._went_back:  # every row behind the lost one is refused: go back once
            self._went_back = True
            self._send_again()
        return results

    def _elsewhere(self) -> list[Result | None]:
        """No results: the device must be asked where it is."""
        self._error = ContactLost(
            f"the device at {self._link.port} is not where it should be (did it restart, or does"
            " somebody else use it?): connect again and compare its samples"
        )
        return []


@dataclass(frozen=True, slots=True)
class Learned:
    """A row that a device has learned.

    Attributes:
        row: its index.
        samples: how many samples the device has learned with it.
        result: what the device answered; None where that was lost on the way.
    """

    row: int
    samples: int
    result: Result | None


@dataclass(frozen=True, slots=True)
class Interrupted:
    """Contact was lost, and found again.

    Attributes:
        reason: a sentence.
        info: the device as it is now.
        fell_back: the device has not learned on from where it was: it has started again with what
            it had saved, or with the plan's weights, or was given another state. What it learned
            since is lost.
    """

    reason: str
    info: DeviceInfo
    fell_back: bool


class Stream:
    """Lets a device learn rows, over as many sessions as it takes.

    Args:
        connect: opens a link to the device; raises DeviceError while there is none.
        digest: of the plan that the device must run.
        patience: seconds to try for a contact that brings the next row, after one was lost; 0 not
            at all.
        want: what to ask for with every row.
        stop: once it is set `learn` ends at the next boundary between two rows, and a device that
            is gone is not waited for. Give it to the links of `connect`, too.
        lost: called when contact was lost and is about to be waited for.

    Attributes:
        link: the link in use.
        samples: how many samples the device has learned, as far as is known.

    Raises DeviceError when there is no device, or another one.
    """

    PAUSE = 0.2  # seconds between two tries to find a device again

    def __init__(
        self,
        connect: Callable[[], Link],
        digest: str,
        *,
        patience: float = 0.0,
        want: Want = Want.METRICS,
        stop: threading.Event | None = None,
        lost: Callable[[ContactLost], None] | None = None,
    ) -> None:
        self._connect = connect
        self._digest = digest
        self._patience = patience
        self._want = want
        self._stop = stop or threading.Event()
        self._lost = lost
        self._token = 0  # of the state that is learned on
        self.link = connect()
        try:
            self.link.expect_digest(digest)
            try:
                self._replaced()
            except ContactLost as error:
                self._find_again(error, self._deadline(None))
            self.samples = self.link.info.samples
        except BaseException:
            self.link.close()
            raise

    def close(self) -> None:
        """Closes the link."""
        self.link.close()

    def learn(
        self,
        inputs: NDArray[np.integer],
        labels: NDArray[np.integer],
        sending: Sending = _silent,
    ) -> Iterator[Learned | Interrupted]:
        """Learn rows, inputs (n, d) and labels (n,), each once; what was lost on the way is said.

        `sending` is called before a row is sent, and before it is sent again in another session.
        Raises ContactLost when the device does not come back, DeviceError when another one comes.
        """
        row = credit = 0
        deadline: float | None = None  # no row was learned since contact was lost
        if self.link.info.token == self._token:
            self.samples = self.link.info.samples
        while row < len(labels) and not self._stop.is_set():

            def announce(index: int, samples: int, first: int = row) -> None:
                sending(first + index, samples)

            try:
                self._expect_token()
                window = Window(
                    self.link,
                    inputs[row:],
                    labels[row:],
                    self._want,
                    self._stop,
                    announce,
                )
                credit = window.credit
                for result in window.results():
                    deadline = None
                    yield self._learned(row, result)
                    row += 1
            except ContactLost as lost:
                deadline = self._deadline(deadline)
                fell_back = self._find_again(lost, deadline)
                ahead = self._ahead(fell_back, most=min(credit, len(labels) - row))
                yield Interrupted(str(lost), self.link.info, fell_back)
                for _ in range(ahead):  # learned before contact was lost
                    deadline = None
                    yield self._learned(row, None)
                    row += 1

    def ask(self, request: Callable[[Link], object]) -> Iterator[Interrupted]:
        """Make a request of all that the device has learned, between two calls of `learn`.

        It must be one that may be made twice: it is made again after contact was lost. What a
        device that has started again has lost is said, as by `learn`. Raises as `learn` does, and
        what the request raises.
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
                yield Interrupted(str(lost), self.link.info, fell_back)

    def claim(self) -> Iterator[Interrupted]:
        """Give the state a token of this stream's own, as `ask` makes a request: what others have
        sent to the device, or will teach it, is then not taken for what this stream does.
        """

        def renew(link: Link) -> None:
            if link.hello().token == self._token:
                self._token = link.renew_token()

        return self.ask(renew)

    def _learned(self, row: int, result: Result | None) -> Learned:
        self.samples = (self.samples + 1) % COUNTED
        return Learned(row, self.samples, result)

    # --- contact lost and found -------------------------------------------------------------------

    def _deadline(self, known: float | None) -> float:
        """Until when contact is waited for; after a pause, if that was so before."""
        if known is None:
            return time.monotonic() + self._patience
        self._stop.wait(self.PAUSE)
        return known

    def _find_again(self, lost: ContactLost, deadline: float) -> bool:
        """Whether the device that was found has another state than by learning on."""
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
                self.link.expect_digest(self._digest)
                with contextlib.suppress(ContactLost):
                    return self._replaced()
            self.link.close()
            self._stop.wait(self.PAUSE)
        raise lost

    def _waits(self, deadline: float) -> bool:
        return not self._stop.is_set() and time.monotonic() < deadline

    def _replaced(self) -> bool:
        """Whether the device has another token than before, which is the one to know it by now."""
        before, self._token = self._token, self.link.token()
        return self._token != before

    def _expect_token(self) -> None:
        """ContactLost when the link has met a device that has another state than by learning on."""
        if self.link.info.token != self._token:
            raise ContactLost(
                f"the device at {self.link.port} has started again, or was reset: connect"
                " again and compare its samples"
            )

    def _ahead(self, fell_back: bool, most: int) -> int:
        """How many rows the device has learned beyond `samples`; none where it fell back, from
        where it is now. More than were under way were not ours.
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
