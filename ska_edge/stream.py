"""Samples in a stream: as many under way as a device has room for, each learned exactly once.

The device learns in order, and only what it is waiting for: after a frame that was lost it refuses
those behind it, and the host goes back and sends them again (go-back-N). What is learned is counted
on the device, so a stream goes on where it stopped, over a new session and a new port.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ska_edge.device import DeviceInfo, Result
from ska_edge.errors import ContactLost, DeviceError
from ska_edge.link import Link, Request, result_of
from ska_edge.protocol import BY_NAME, Status, Want

COUNTED = 2**32  # a device counts samples in 32 bits
STATUS = BY_NAME["STATUS"]


class Window:
    """Rows on their way over one link, in order, at most `credit` at once.

    Args:
        link: open, to a device whose plan the rows fit.
        inputs: (n, d) integers in the plan's input format.
        labels: (n,) class indices.
        want: what else to ask for with every row.
    """

    def __init__(
        self, link: Link, inputs: NDArray[np.integer], labels: NDArray[np.integer], want: Want
    ) -> None:
        self._link = link
        self._inputs, self._labels, self._want = inputs, labels, want
        self._credit = max(1, link.info.credit)
        self._first = link.info.samples
        self._sent = 0  # rows that were sent at least once
        self._pending: deque[Request] = deque()
        self._went_back = False  # since the last answer
        self._failures = 0  # waits without an answer, since the last one

    def results(self) -> Iterator[Result | None]:
        """What the device answers, a row each; None for a row that it has learned, but of which the
        answer was lost.

        Raises ContactLost when the device is gone, silent, or not where it should be; DeviceError
        when it refuses a row.
        """
        while self._fill():
            answered = self._wait()
            if answered:
                self._went_back, self._failures = False, 0
                yield from answered
                continue
            self._failures += 1
            if self._failures >= self._link.tries:
                raise self._link.silence()
            self._went_back = False
            self._send_again()

    def _fill(self) -> bool:
        """Send rows while there is room; False when all are learned."""
        while len(self._pending) < self._credit and self._sent < len(self._labels):
            number = (self._first + self._sent) % COUNTED
            row, label = self._inputs[self._sent], int(self._labels[self._sent])
            request = self._link.sample(number, row.tolist(), label, self._want)
            self._link.send(request)
            self._pending.append(request)
            self._sent += 1
        return bool(self._pending)

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
                    if request.take(frame):
                        results += self._closed(request)
            if results:
                return results
        return []

    def _closed(self, request: Request) -> list[Result | None]:
        """What follows from the frame that ends an answer, which is the last one that came."""
        closing = next(frame for frame in request.arrived if frame.code in request.closing)
        if closing.code == STATUS.code and closing.payload[:1] == bytes([Status.SEQUENCE]):
            request.arrived.remove(closing)
            return self._go_back(int.from_bytes(closing.payload[1:5], "little"))
        if closing.code == STATUS.code and closing.payload[:1] == bytes([Status.NUMBER]):
            raise self._elsewhere()
        alone = len(self._pending) == 1
        replies = self._link.whole(request)
        if replies is None and alone:
            return []  # part of the answer is lost: the device can still give it again
        results = self._unanswered(request)
        self._pending.popleft()
        found = result_of(replies) if replies else None
        if found is not None:
            self._link.note(samples=found.samples, step=found.step)
        return [*results, found]

    def _unanswered(self, request: Request) -> list[Result | None]:
        """Rows ahead of one that the device has learned: it has learned them, too."""
        results: list[Result | None] = []
        while self._pending[0] is not request:
            self._pending.popleft()
            results.append(None)
        return results

    def _go_back(self, last: int) -> list[Result | None]:
        """The device has refused a row because it waits for another, behind the seq `last`."""
        seqs = [request.seq for request in self._pending]
        results: list[Result | None] = []
        if last in seqs:  # it has learned so far; the last of these it can answer again
            results = self._unanswered(self._pending[seqs.index(last)])
        elif last != (seqs[0] - 1) % 256:
            raise self._elsewhere()
        if not self._went_back:  # every row behind the lost one is refused: go back once
            self._went_back = True
            self._send_again()
        return results

    def _elsewhere(self) -> ContactLost:
        return ContactLost(
            f"the device at {self._link.port} is not where it should be (did it restart, or does"
            " somebody else use it?): connect again and compare its samples"
        )


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
        fell_back: the device has started again with what it had saved, or with the plan's weights;
            what it learned since is lost.
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

    Attributes:
        link: the link in use.
    """

    PAUSE = 0.2  # seconds between two tries to open a port that is not there

    def __init__(
        self,
        connect: Callable[[], Link],
        digest: str,
        *,
        patience: float = 0.0,
        want: Want = Want.METRICS,
    ) -> None:
        self._connect = connect
        self._digest = digest
        self._patience = patience
        self._want = want
        self.link = connect()
        try:
            self.link.expect_digest(digest)
        except BaseException:
            self.link.close()
            raise

    def close(self) -> None:
        """Closes the link."""
        self.link.close()

    def learn(
        self, inputs: NDArray[np.integer], labels: NDArray[np.integer]
    ) -> Iterator[Learned | Interrupted]:
        """Learn rows, inputs (n, d) and labels (n,), each once; what was lost on the way is said.

        Raises ContactLost when the device does not come back, DeviceError when another one comes.
        """
        row, samples = 0, self.link.info.samples
        deadline: float | None = None  # no row was learned since contact was lost
        while row < len(labels):
            credit = self.link.info.credit
            try:
                for result in Window(self.link, inputs[row:], labels[row:], self._want).results():
                    samples, deadline = (samples + 1) % COUNTED, None
                    yield Learned(row, samples, result)
                    row += 1
            except ContactLost as lost:
                if deadline is None:
                    deadline = time.monotonic() + self._patience
                info = self._find_again(lost, deadline)
                ahead = (info.samples - samples) % COUNTED
                fell_back = ahead > min(credit, len(labels) - row)
                yield Interrupted(str(lost), info, fell_back)
                if fell_back:
                    samples = info.samples
                    continue
                for _ in range(ahead):  # learned before contact was lost
                    samples, deadline = (samples + 1) % COUNTED, None
                    yield Learned(row, samples, None)
                    row += 1

    def _find_again(self, lost: ContactLost, deadline: float) -> DeviceInfo:
        self.link.close()
        while True:
            if time.monotonic() >= deadline:
                raise lost
            try:
                self.link = self._connect()
                self.link.hello()
                break
            except DeviceError:
                self.link.close()
                time.sleep(self.PAUSE)
        self.link.expect_digest(self._digest)
        return self.link.info
