"""Measures decisions."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def accuracy(decisions: ArrayLike, labels: ArrayLike) -> float:
    """Return the fraction of rows that are classified right.

    A row of ``decisions`` (n, classes) is right if its largest value is at the index in ``labels``
    (n,). Of equal values, the first counts as the largest. Raises ValueError for no rows, or for
    shapes that do not fit.
    """
    values = np.asarray(decisions)
    truth = np.asarray(labels)
    if values.ndim != 2 or truth.shape != values.shape[:1] or not len(values):
        raise ValueError(
            "decisions must be (n >= 1, classes) and labels (n,),"
            f" not {values.shape} and {truth.shape}"
        )
    return float(np.mean(np.argmax(values, axis=1) == truth))
