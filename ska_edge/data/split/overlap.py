"""Keeps test windows apart from learned windows that share samples with them."""

from __future__ import annotations

import numpy as np

from ska_edge.data.dataset import Dataset


def without_overlap(train: Dataset, test: Dataset) -> tuple[Dataset, int]:
    """Return the test rows without windows that share a sample with a learned window, and how many
    were left out. Rows that are no windows are returned as they are.
    """
    if train.starts is None or test.starts is None or test.layout is None or not len(train.starts):
        return test, 0
    learned = np.sort(train.starts)
    after = np.searchsorted(learned, test.starts)
    behind = test.starts - learned[np.maximum(after - 1, 0)]
    ahead = learned[np.minimum(after, len(learned) - 1)] - test.starts
    apart = np.ones(len(test.starts), dtype=bool)
    for distance, has in ((behind, after > 0), (ahead, after < len(learned))):
        apart &= ~has | (distance >= test.layout.length)
    return test.take(apart), int((~apart).sum())
