"""Finds out whether rows are in the order of time, so that neighbors are alike."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ska_edge.data.dataset import Dataset
from ska_edge.data.tables.times import are_times

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

HEAD = 1000  # rows that are enough to see whether a column rises
LEAST = 30  # rows; fewer may be alike by chance
PAIRS = 10_000  # pairs of neighbors, enough to measure how much alike they are
COLUMNS = 64  # columns, enough to measure how much alike neighbors are
ALIKE = 0.5  # the least correlation of neighbors that are alike
FEW_COLUMNS = 10  # neighbors count as alike if they are alike in one of this many columns


def in_time(dataset: Dataset) -> str:
    """Return why the rows are probably in the order of time; "" if nothing says so."""
    if dataset.layout is not None:
        return "windows follow each other in time"
    time = dataset.time or _time_among(dataset)
    if time:
        return f"{time} rises like a time"
    if labels_run(dataset.y):
        return "the labels come in runs"
    if alike(dataset.x, dataset.y):
        return "neighboring rows are alike"
    return ""


def _time_among(dataset: Dataset) -> str:
    """Return the name of the first feature that rises like a time; "" if none does."""
    found = np.flatnonzero(are_times(dataset.x[:HEAD].astype(np.float64)))
    if not len(found):
        return ""
    return dataset.features[found[0]] if dataset.features else f"input {found[0] + 1}"


def labels_run(y: IntArray) -> bool:
    """Tell whether classes (n,) change much less often than in a random order."""
    count = len(y)
    if count < 2:
        return False
    expected = count - (np.bincount(y).astype(np.float64) ** 2).sum() / count
    changes = np.count_nonzero(np.diff(y))
    # The second term is at least 2.8 standard deviations of the changes in a random order.
    return bool(changes < expected / 2 and changes < expected - 2 * math.sqrt(expected))


def alike(x: FloatArray, y: IntArray) -> bool:
    """Tell whether features (n, d) of neighboring rows are much alike, beyond their classes.

    Rows are alike if enough of their features have a lag-1 autocorrelation of at least `ALIKE`. The
    mean of each class is subtracted first. In large data, only some rows and columns are compared.
    """
    count, width = x.shape
    if count < LEAST:
        return False
    first = np.unique(np.linspace(0, count - 2, min(count - 1, PAIRS)).astype(np.int64))
    columns = np.unique(np.linspace(0, width - 1, min(width, COLUMNS)).astype(np.int64))
    before, after = (
        x[np.ix_(rows, columns)].astype(np.float64)  # differences of integers would wrap around
        for rows in (first, first + 1)
    )
    rows, classes = np.concatenate([before, after]), np.concatenate([y[first], y[first + 1]])
    rows = rows - rows.mean(axis=0)
    for index in np.unique(classes):
        rows[classes == index] -= rows[classes == index].mean(axis=0)
    variance = (rows**2).mean(axis=0)
    steps = ((rows[len(first) :] - rows[: len(first)]) ** 2).mean(axis=0)
    # The difference of two independent rows has twice the variance of a row.
    # Columns with constant steps, such as row numbers, are left out.
    moves = (variance > 0) & (np.ptp(after - before, axis=0) > 0)
    close = steps[moves] <= 2 * (1 - ALIKE) * variance[moves]
    return bool(np.count_nonzero(close) * FEW_COLUMNS >= max(len(close), 1))
