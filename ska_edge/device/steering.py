"""Takes what a person asks of a device while it learns; a `Monitor` does it between two rows."""

from __future__ import annotations

import threading

from ska_edge.device.sample import Truth

TICK = 0.1  # seconds between two looks at whether the stream was stopped


class Steering:
    """Requests for one device; any thread may make them.

    Attributes:
        held: is set while no row may be sent, because something was asked for.
        paused: whether the device gets no rows now.
        ended: whether the device gets no more rows in this session.
        answer: a sentence about the last request that was done or refused; "" at first.
    """

    def __init__(self) -> None:
        self.held = threading.Event()
        self.paused = self.ended = False
        self.answer = ""
        self._lock = threading.Lock()
        self._asked = threading.Event()
        self._halvings, self._save = 0, False
        self._label: Truth | None = None

    def pause(self) -> None:
        """Ask for a pause, or for the end of a pause."""
        with self._lock:
            self.paused = not self.paused
            self._ask()

    def end(self) -> None:
        """Ask for the end of the session; what follows the last row still happens."""
        with self._lock:
            self.ended = True
            self._ask()

    def save(self) -> None:
        """Ask for a save on the device."""
        with self._lock:
            self._save = True
            self._ask()

    def change_rate(self, halvings: int) -> None:
        """Ask for a rate that is halved this many times more; -1 doubles it."""
        with self._lock:
            self._halvings += halvings
            self._ask()

    def label(self, label: Truth) -> None:
        """Ask for the newest window of the device's sensor to be learned with this label, or with
        these targets of a regression.
        """
        with self._lock:
            self._label = label

    def take_label(self) -> Truth | None:
        """Remove and return the label for the newest window; None if there is none."""
        with self._lock:
            found, self._label = self._label, None
        return found

    def _ask(self) -> None:
        self.held.set()
        self._asked.set()

    def take(self) -> tuple[int, bool]:
        """Remove and return how many more times to halve the rate, and whether to save."""
        with self._lock:
            found = (self._halvings, self._save)
            self._halvings, self._save = 0, False
            if not (self.paused or self.ended):
                self.held.clear()
        return found

    def wait(self) -> None:
        """Wait until something is asked for, but not longer than `TICK`."""
        self._asked.wait(TICK)
        self._asked.clear()
