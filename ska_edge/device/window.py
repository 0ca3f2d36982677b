"""Samples under way over one link: in order, as many as the device has room for.

The device learns in order, and only what it is waiting for: after a frame that was lost it refuses
those behind it, and the host goes back and sends them again (go-back-N).
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from ska_edge.device.exchange import Request, result_of
from ska_edge.device.info import Result
from ska_edge.device.link import Link
from ska_edge.errors import ContactLost, DeviceError
from ska_edge.wire.protocol import BY_NAME, COUNTED, Status, Want, peek

STATUS = BY_NAME["STATUS"]


Sending = Callable[[int, int], None]
"""Called before a row is sent: with its index, and with how many samples the device will have."""


def unannounced(*_: int) -> None:
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
        sending: Sending = unannounced,
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
