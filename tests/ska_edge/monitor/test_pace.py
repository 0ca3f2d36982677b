"""The pace is the rate of events over the last seconds."""

from __future__ import annotations

from ska_edge.monitor.pace import RECENT, Pace


def test_the_pace_is_that_of_the_last_seconds() -> None:
    pace = Pace()
    assert pace.rate(0) == 0
    pace.count(0.0)
    assert pace.rate(0.0) == 0
    for tenth in range(1, 11):
        pace.count(tenth / 10)
    assert pace.rate(1.0) == 11
    assert pace.rate(RECENT) == 11 / RECENT
    assert pace.rate(2 * RECENT) == 0
