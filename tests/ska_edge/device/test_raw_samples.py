"""A host finds the raw samples of a window, or knows that it has missed some."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from ska_edge.device.sensor import RawPart, RawSamples
from ska_edge.wire.protocol import RAW_MAX

AXES = 16
MOST = RAW_MAX // (2 * AXES)  # samples of an answer


@dataclass
class Ring:
    """A device that has the newest samples of its sensor; sample n has n as each value."""

    length: int
    hop: int
    taken: int = 0
    kept: int = 0
    window: int = 0
    end: int = 0
    since: int = 0  # samples since the last gap

    def take(self) -> None:
        self.taken, self.since = self.taken + 1, self.since + 1
        self.kept = min(self.kept + 1, self.length)
        beyond = self.since - self.length
        if beyond >= 0 and beyond % self.hop == 0:
            self.window, self.end = self.window + 1, self.taken

    def gap(self) -> None:
        self.kept = self.since = 0

    def read(self, first: int, axes: int) -> RawPart:
        oldest = self.taken - self.kept
        first = first if oldest <= first <= self.taken else oldest
        numbers = range(first, min(first + MOST, self.taken))
        return RawPart(first, self.window, self.end, tuple((number,) * axes for number in numbers))


@given(
    st.integers(1, 20),
    st.integers(1, 25),
    st.lists(st.tuples(st.integers(0, 30), st.booleans()), max_size=20),
)
def test_the_samples_of_a_window_are_those_up_to_its_end(
    length: int, hop: int, turns: list[tuple[int, bool]]
) -> None:
    ring, found = Ring(length, hop), RawSamples(length, hop, AXES)
    read = known = 0  # samples that were read, and the first one after the last loss
    for count, gap in turns:
        if gap:
            ring.gap()
        for _ in range(count):
            ring.take()
        if ring.taken - ring.kept > read:
            known = ring.taken - ring.kept
        found.read(ring.read)
        read = ring.taken
        begin, raw = ring.end - length, None
        if begin >= max(known, ring.taken - length - hop):
            raw = tuple((number,) * AXES for number in range(begin, ring.end))
        assert found.of(ring.window) == raw
        assert found.of(ring.window + 1) is None


def test_a_device_that_has_restarted_begins_anew() -> None:
    found, ring = RawSamples(4, 4, AXES), Ring(4, 4)
    for _ in range(6):
        ring.take()
    found.read(ring.read)
    assert found.of(1) is None  # its first two samples are gone
    found.forget()
    again = Ring(4, 4)
    for _ in range(4):
        again.take()
    found.read(again.read)
    assert found.of(1) == tuple((number,) * AXES for number in range(4))
