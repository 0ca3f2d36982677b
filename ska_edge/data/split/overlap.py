"""Keeps test windows apart from learned windows that share samples with them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ska_edge.data.dataset import Dataset


def without_overlap(train: Dataset, test: Dataset) -> tuple[Dataset, int]:
    """Leave out test windows that share a sample with a learned window.

    Return the remaining test rows and the number of windows left out. Rows that are not windows are
    returned unchanged.
    """
    if train.starts is None or test.starts is None or test.layout is None or not len(train.starts):
        return test, 0
    apart = ~overlapping(test.starts, train.starts, test.layout.length)
    return test.take(apart), int((~apart).sum())


def overlapping(
    starts: NDArray[np.int64], others: NDArray[np.int64], length: int
) -> NDArray[np.bool_]:
    """Tell which windows (n,) share a sample with one of the others (m,).

    `starts` and `others` are the first samples of windows of `length` samples.
    """
    shared = np.zeros(len(starts), dtype=bool)
    if not len(others):
        return shared
    known = np.sort(others)
    after = np.searchsorted(known, starts)
    behind = starts - known[np.maximum(after - 1, 0)]
    ahead = known[np.minimum(after, len(known) - 1)] - starts
    for distance, has in ((behind, after > 0), (ahead, after < len(known))):
        shared |= has & (distance < length)
    return shared
