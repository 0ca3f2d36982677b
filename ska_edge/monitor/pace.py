"""Measures how many events happen per second."""

from __future__ import annotations

import threading
from collections import deque

RECENT = 5.0  # seconds over which the rate is measured


class Pace:
    """Counts events, and computes their rate over the last seconds."""

    def __init__(self) -> None:
        self._times: deque[float] = deque()
        self._first: float | None = None
        self._lock = threading.Lock()

    def count(self, now: float) -> None:
        """Count one event; `now` is its time in seconds."""
        with self._lock:
            self._first = now if self._first is None else self._first
            self._times.append(now)
            self._forget(now)

    def rate(self, now: float) -> float:
        """Return the events per second; 0 for fewer than two events."""
        with self._lock:
            self._forget(now)
            if self._first is None or now <= self._first:
                return 0.0
            return len(self._times) / min(RECENT, now - self._first)

    def _forget(self, now: float) -> None:
        while self._times and self._times[0] < now - RECENT:
            self._times.popleft()
