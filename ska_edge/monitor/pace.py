"""Measures how many events happen per second."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

RECENT = 5.0  # seconds over which the rate is measured
# Number of stored times; if more events happen in `RECENT` seconds, the rate is over fewer seconds.
KEPT = 16_384


class Pace:
    """Counts events, and computes their rate over the last seconds.

    Attributes:
        count: counts one event; its argument is the time of the event in seconds.
    """

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=KEPT)
        self.count: Callable[[float], None] = self._times.append

    def rate(self, now: float) -> float:
        """Return the events per second; 0 without an event before `now`."""
        times = list(self._times)
        if not times or now <= times[0]:
            return 0.0
        return sum(time >= now - RECENT for time in times) / min(RECENT, now - times[0])
