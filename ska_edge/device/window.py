"""Sends samples over one link, in order, with as many in flight as the device can take.

The device learns in order, and accepts only the next sample. If the frame of a sample is lost, the
device refuses all later samples, and the host sends them again from the lost one (go-back-N).
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from ska_edge.device.exchange import Request
from ska_edge.device.link import Link
from ska_edge.device.sample import Sample
from ska_edge.errors import ContactLost, DeviceError
from ska_edge.wire.codec import peek
from ska_edge.wire.protocol import BY_NAME, COUNTED, Status, Want

STATUS = BY_NAME["STATUS"]


Sending = Callable[[Sample], None]
"""Called before a row is sent."""


def unannounced(_: Sample) -> None:
    """Do nothing; this is the default `Sending`."""


def sample_at(
    inputs: NDArray[np.integer], labels: NDArray[np.integer], row: int, samples: int
) -> Sample:
    """Return a row of inputs (n, d) and labels (n,) as a `Sample` without a result."""
    label = labels[row].tolist()  # an integer, or a list of targets
    truth = label if isinstance(label, int) else tuple(label)
    return Sample(row, tuple(inputs[row].tolist()), truth, samples)


class Window:
    """Sends rows over one link, in order, with at most `credit` rows in flight.

    Args:
        link: an open link to a device whose plan fits the rows.
        inputs: (n, d) integers in the plan's input format.
        labels: (n,) class indices, or targets (n, classes).
        want: additional contents of every answer.
        stop: once it is set, no more rows are sent; the answers to rows in flight are still read.
        sending: called before a row is sent for the first time.
        first: the first row to send.
        held: while it is set, no more rows are sent, as with `stop`.

    Attributes:
        credit: maximum number of rows in flight.
    """

    def __init__(
        self,
        link: Link,
        inputs: NDArray[np.integer],
        labels: NDArray[np.integer],
        want: Want,
        stop: threading.Event | None = None,
        sending: Sending = unannounced,
        *,
        first: int = 0,
        held: threading.Event | None = None,
    ) -> None:
        self._link = link
        self._stop = stop or threading.Event()
        self._held = held or threading.Event()
        self._sending = sending
        self._inputs, self._labels, self._want = inputs, labels, want
        self.credit = link.info.credit
        self._row = first  # the next row to send for the first time
        self._samples = link.info.samples  # the device's sample count before that row
        self._pending: deque[tuple[Request, Sample]] = deque()
        self._went_back = False  # whether rows were sent again since the last answer
        self._failures = 0  # timeouts since the last answer
        self._error: DeviceError | None = None  # raised after the rows before it are yielded

    def results(self) -> Iterator[Sample]:
        """Yield the rows that the device has learned, in order, each with the device's answer.

        The result of a row is None if its answer was lost. Raises ContactLost if the device is
        gone, silent, or has an unexpected sample count; DeviceError if it refuses a row.
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
        """Send rows up to the credit; return False if no row is in flight."""
        while len(self._pending) < self.credit and not self._at_end():
            before, self._samples = self._samples, (self._samples + 1) % COUNTED
            sample = sample_at(self._inputs, self._labels, self._row, self._samples)
            self._sending(sample)
            request = self._link.teach(before, sample.x, sample.label, self._want)
            self._pending.append((request, sample))
            self._row += 1
        return bool(self._pending)

    def _at_end(self) -> bool:
        return self._row == len(self._labels) or self._stop.is_set() or self._held.is_set()

    def _send_again(self) -> None:
        for request, _ in self._pending:
            self._link.resend(request)

    def _wait(self) -> list[Sample]:
        """Wait for an answer; return the rows that it confirms as learned, or [] at a timeout."""
        deadline = time.monotonic() + self._link.timeout
        while time.monotonic() < deadline:
            learned: list[Sample] = []
            for frame in self._link.frames():
                for request, sample in list(self._pending):
                    if self._error is None and request.take(frame):
                        learned += self._closed(request, sample)
            if learned or self._error is not None:
                return learned
        return []

    def _closed(self, request: Request, sample: Sample) -> list[Sample]:
        """Return the rows that the end of an answer confirms as learned, if any."""
        closing = request.end
        if closing is not None and closing.code == STATUS.code:
            code = peek(closing.code, closing.payload, "code")
            detail = peek(closing.code, closing.payload, "detail")
            if code == Status.SEQUENCE and detail is not None:
                request.end = request.replies = None
                return self._go_back(detail)
            if code == Status.NUMBER:
                return self._elsewhere()
            try:
                self._link.whole(request)
            except DeviceError as refusal:
                self._error = refusal
        self._error = self._error or request.error
        if self._error is not None:
            return self._learned_before(request)
        if request.result is None and len(self._pending) == 1:
            return []  # a part of the answer is lost; after the timeout, the device repeats it
        sample.result = request.result
        return [*self._learned_before(request), self._learned()]

    def _learned_before(self, request: Request) -> list[Sample]:
        """Remove and return the rows before this request; the device has learned them all."""
        learned = []
        while self._pending[0][0] is not request:
            learned.append(self._learned())
        return learned

    def _learned(self) -> Sample:
        """Remove and return the first row in flight, which the device has learned."""
        _, sample = self._pending.popleft()
        self._link.samples = sample.samples
        if sample.result is not None:
            self._link.step = sample.result.step
        return sample

    def _go_back(self, last: int) -> list[Sample]:
        """Send the rows in flight again, once per loss; return the rows that are known as learned.

        `last` is the sequence number of the last row that the device has learned.
        """
        seqs = [request.seq for request, _ in self._pending]
        learned: list[Sample] = []
        if last in seqs:  # learned up to `last`; the device can repeat only its answer to `last`
            learned = self._learned_before(self._pending[seqs.index(last)][0])
        elif last != (seqs[0] - 1) % 256:
            return self._elsewhere()
        if not self._went_back:  # each row in flight after a lost one is refused; go back only once
            self._went_back = True
            self._send_again()
        return learned

    def _elsewhere(self) -> list[Sample]:
        """Set the error for a device with an unexpected sample count; return no rows."""
        self._error = ContactLost(
            f"the device at {self._link.port} is not where it should be (did it restart, or does"
            " somebody else use it?): connect again and compare its samples"
        )
        return []
