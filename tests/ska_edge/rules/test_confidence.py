"""Samples with too small a confidence get no class; the limit leaves the wanted share a class."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ska_edge.rules.confidence import UNKNOWN, classified, confidences, least_confidence

DECISIONS = arrays.arrays(
    np.int64,
    st.tuples(st.integers(1, 5), st.integers(1, 6)),
    elements=st.one_of(st.integers(0, 3), st.integers(0, 32_767)),
)


@given(DECISIONS, st.integers(0, 32_767))
def test_a_class_needs_the_difference_of_the_two_largest_decisions(
    decisions: np.ndarray, least: int
) -> None:
    for row, found, confidence in zip(
        decisions.tolist(), classified(decisions, least), confidences(decisions), strict=True
    ):
        largest, second, *_ = [*sorted(row, reverse=True), 0]
        assert confidence == largest - second
        assert found == (row.index(largest) if confidence >= least else UNKNOWN)


@given(
    arrays.arrays(np.int64, st.integers(1, 40), elements=st.integers(0, 20)),
    st.floats(0, 1, exclude_min=True),
)
def test_the_limit_is_the_largest_that_enough_samples_reach(
    found: np.ndarray, share: float
) -> None:
    least = least_confidence(found, share)
    assert (found >= least).mean() >= share
    assert (found > least).mean() < share or least == found.max()


def test_the_wanted_share_keeps_its_class() -> None:
    found = np.arange(100)[::-1]
    assert least_confidence(found, 0.95) == 5
    assert least_confidence(found, 1.0) == 0
