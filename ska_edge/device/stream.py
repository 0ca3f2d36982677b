"""Samples in a stream, each learned exactly once, over as many sessions as it takes.

What is learned is counted on the device, so a stream goes on where it stopped, over a new session
and a new port. How samples are under way in one session stands in `window`.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ska_edge.device.claims import PlanShape
from ska_edge.device.info import DeviceInfo
from ska_edge.device.link import Link
from ska_edge.device.sample import Sample
from ska_edge.device.window import Sending, Window, sample_at, unannounced
from ska_edge.errors import ContactLost, DeviceError
from ska_edge.plural import counted
from ska_edge.wire.protocol import COUNTED, Want


@dataclass(frozen=True, slots=True)
class Reconnection:
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
        plan: the plan itself, where it is known: all that the device says is compared with it.

    Attributes:
        link: the link in use.
        samples: how many samples the device has learned, as far as is known.
        token: of the state that is learned on.

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
        plan: PlanShape | None = None,
    ) -> None:
        self._connect = connect
        self._digest, self._plan = digest, plan
        self._patience = patience
        self._want = want
        self._stop = stop or threading.Event()
        self._lost = lost
        self.token = 0
        self.link = connect()
        try:
            self._expect_plan()
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
        sending: Sending = unannounced,
    ) -> Iterator[Sample | Reconnection]:
        """Learn rows, inputs (n, d) and labels (n,), each once; what was lost on the way is said.

        `sending` is called before a row is sent, and before it is sent again in another session.
        Raises ContactLost when the device does not come back, DeviceError when another one comes.
        """
        row = credit = 0
        deadline: float | None = None  # no row was learned since contact was lost
        if self.link.info.token == self.token:
            self.samples = self.link.info.samples
        while row < len(labels) and not self._stop.is_set():
            try:
                self._expect_token()
                window = Window(
                    self.link, inputs, labels, self._want, self._stop, sending, first=row
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
                for _ in range(ahead):  # learned before contact was lost
                    self.samples = (self.samples + 1) % COUNTED
                    sample = sample_at(inputs, labels, row, self.samples)
                    deadline, row = None, row + 1
                    yield sample

    def ask(self, request: Callable[[Link], object]) -> Iterator[Reconnection]:
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
                yield Reconnection(str(lost), self.link.info, fell_back)

    def claim(self) -> Iterator[Reconnection]:
        """Give the state a token of this stream's own, as `ask` makes a request: what others have
        sent to the device, or will teach it, is then not taken for what this stream does.
        """

        def renew(link: Link) -> None:
            if link.hello().token == self.token:
                self.token = link.renew_token()

        return self.ask(renew)

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
                self._expect_plan()
                with contextlib.suppress(ContactLost):
                    return self._replaced()
            self.link.close()
            self._stop.wait(self.PAUSE)
        raise lost

    def _waits(self, deadline: float) -> bool:
        return not self._stop.is_set() and time.monotonic() < deadline

    def _replaced(self) -> bool:
        """Whether the device has another token than before, which is the one to know it by now."""
        before, self.token = self.token, self.link.token()
        return self.token != before

    def _expect_plan(self) -> None:
        """DeviceError when it is a device with another plan."""
        self.link.expect_digest(self._digest)
        if self._plan is not None:
            self.link.expect_plan(self._plan)

    def _expect_token(self) -> None:
        """ContactLost when the link has met a device that has another state than by learning on."""
        if self.link.info.token != self.token:
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
