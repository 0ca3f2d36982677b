"""Every window is a contiguous part of one segment of one recording."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ska_edge.data.recordings.recording import Recording, Segment
from ska_edge.data.recordings.windows import cut
from ska_edge.errors import InputError


def recording(name: str, lengths: list[int], first: int = 0) -> Recording:
    """Return a recording whose samples count from `first`; each segment has a label of its own."""
    ends = np.cumsum([0, *lengths]).tolist()
    segments = tuple(Segment(a, b, str(at % 3)) for at, (a, b) in enumerate(pairwise(ends)))
    samples = np.arange(first, first + ends[-1], dtype=np.int32)
    return Recording(name, np.stack([samples, -samples], axis=1), ("a", "b"), segments)


LENGTHS = st.lists(st.lists(st.integers(5, 30), min_size=1, max_size=4), min_size=1, max_size=3)


@settings(max_examples=60, deadline=None)
@given(LENGTHS, st.integers(1, 5), st.integers(1, 8))
def test_a_window_is_a_part_of_one_segment(lengths: list[list[int]], size: int, hop: int) -> None:
    recordings = [recording(str(at), each, 1000 * at) for at, each in enumerate(lengths)]
    found = cut(recordings, size, hop)
    counts = [(n - size) // hop + 1 for each in lengths for n in each]
    assert len(found.x) == sum(counts)
    assert (np.diff(found.x[:, :, 0], axis=1) == 1).all()
    assert (found.x[:, :, 1] == -found.x[:, :, 0]).all()
    for x, label, number, start in zip(
        found.x, found.y, found.recording.tolist(), found.start.tolist(), strict=True
    ):
        own = recordings[number]
        assert x[0, 0] == 1000 * number + start
        inside = [s for s in own.segments if s.start <= start and start + size <= s.stop]
        assert [each.label for each in inside] == [label]


def test_a_short_recording_and_a_label_without_windows_are_refused() -> None:
    with pytest.raises(InputError, match=r"^a is 9 samples long, but window is 10; leave the"):
        cut([recording("a", [9])], 10, 10)
    with pytest.raises(InputError, match=r"^no window has the label '1', because its longest part"):
        cut([recording("a", [20, 5])], 10, 10)
    with pytest.raises(
        InputError, match=r"but the model takes windows of 10; .* or record longer$"
    ):
        cut([recording("a", [9])], 10, 10, fixed=True)
    with pytest.raises(InputError, match="5 samples and the model takes windows of 10; record mo"):
        cut([recording("a", [20, 5])], 10, 10, fixed=True)
