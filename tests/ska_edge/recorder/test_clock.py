"""Samples that arrive in bundles get the even times at which they were taken."""

from __future__ import annotations

import numpy as np
import pytest

from ska_edge.recorder.clock import even_times


def bundled(times: np.ndarray, bundle: float) -> np.ndarray:
    """Return the times at which lines arrive if a buffer is emptied every `bundle` seconds."""
    return np.ceil(times / bundle) * bundle


@pytest.mark.parametrize("bundle", [0.001, 0.016, 0.05])
@pytest.mark.parametrize("rate", [5, 50, 104, 1000])
def test_bundles_are_undone(rate: int, bundle: float) -> None:
    taken = np.arange(10 * rate) / rate
    found = even_times(bundled(taken, bundle))
    assert found is not None
    steps = np.diff(found)
    assert np.allclose(steps, steps[0]) and 1 / steps[0] == pytest.approx(rate, rel=0.005)
    assert np.abs(found - taken).max() < 1.1 * bundle


def test_a_gap_stays_a_gap() -> None:
    taken = np.arange(2000) / 100
    taken = np.delete(taken, slice(700, 750))
    found = even_times(bundled(taken, 0.016))
    assert found is not None
    steps = np.diff(found)
    assert np.flatnonzero(steps > 0.02).tolist() == [699]
    assert steps[699] == pytest.approx(0.51, abs=0.02)


def test_a_busy_host_does_not_cause_a_gap() -> None:
    taken = np.arange(3000) / 100
    arrived = np.where((taken > 12) & (taken < 12.5), 12.5, taken)
    found = even_times(arrived)
    assert found is not None and np.diff(found).max() < 0.011


def test_uneven_samples_keep_their_times() -> None:
    slow, fast = np.arange(500) / 20, 25 + np.arange(500) / 100
    assert even_times(np.concatenate([slow, fast])) is None
    assert even_times(np.zeros(50)) is None
    assert even_times(np.array([0.0, 1.0])) is None
