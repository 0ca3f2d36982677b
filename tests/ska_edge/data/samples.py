"""Samples for the tests of data."""

from __future__ import annotations

import numpy as np

from ska_edge.data.dataset import Dataset


def small(group: bool = True) -> Dataset:
    x = np.array([[0.5, -1.0], [1e-3, 7.0], [2.0, 3.0], [4.0, 5.0]])
    owners = np.array([1, 1, 2, 9]) if group else None
    return Dataset("small", x, np.array([0, 1, 2, 1]), ("left", "right", "überkopf"), owners)
