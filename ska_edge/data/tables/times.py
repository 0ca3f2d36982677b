"""Finds columns of times, which show that the rows of a table are in the order of time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ska_edge.data.tables.number import is_finite

LEAST = 10  # in fewer rows, a measured value may rise by chance
MOST_FALLS = 0.05  # fraction of the steps: a time may start again where another recording begins
# A date as in ISO 8601, or a time of day; the order of such texts is the order of the times.
TIME = re.compile(r"\d{4}-\d\d-\d\d([T ].*)?|\d\d:\d\d(:\d\d.*)?")


def is_time(texts: Sequence[str]) -> bool:
    """Tell whether the values of a column rise like a time: dates, times of day or numbers."""
    if all(map(is_finite, texts)):
        return bool(are_times(np.array([float(text) for text in texts])[:, np.newaxis]).all())
    if not all(map(TIME.fullmatch, texts)):
        return False
    _, ranks = np.unique(list(texts), return_inverse=True)
    return bool(_rise(ranks[:, np.newaxis]).all())


def are_times(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which columns of numbers (n, d) rise like a time; return (d,).

    A column that always rises by 1 has row numbers, not times.
    """
    counts: NDArray[np.bool_] = (np.diff(values, axis=0) == 1).all(axis=0)
    return _rise(values) & ~counts


def _rise(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell which columns of values (n, d) rise in most steps and rarely fall; return (d,)."""
    if len(values) < LEAST:
        return np.zeros(values.shape[1], dtype=bool)
    steps = np.diff(values, axis=0)
    rises, falls = (steps > 0).mean(axis=0), (steps < 0).mean(axis=0)
    return np.asarray((rises > 0.5) & (falls <= MOST_FALLS))
