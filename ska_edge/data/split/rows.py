"""Holds out rows of each class at random."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def held_out(count: int, fraction: float) -> int:
    """Return how many of `count` rows are held out: about a fraction, but at least one row.

    A single row is learned, not held out. Nothing is held out if `fraction` is 0.
    """
    if fraction == 0:
        return 0
    return min(max(round(fraction * count), 1), count - 1)


def stratified(
    y: NDArray[np.int64], order: NDArray[np.int64], fraction: float
) -> NDArray[np.bool_]:
    """Return which rows (n,) are held out: in each class, the first rows of a shuffled order."""
    tested = np.zeros(len(y), dtype=bool)
    for index in np.unique(y):
        rows = order[y[order] == index]
        tested[rows[: held_out(len(rows), fraction)]] = True
    return tested
