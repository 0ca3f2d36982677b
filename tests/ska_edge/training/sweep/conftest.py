"""Fixture with the data for the tests of sweeps."""

from __future__ import annotations

import numpy as np
import pytest

from ska_edge.data.dataset import Dataset


@pytest.fixture(scope="session")
def data() -> Dataset:
    """Return three classes of 20 rows each, with 4 features."""
    rng = np.random.default_rng(5)
    y = np.arange(60) % 3
    x = rng.normal(size=(60, 4)) + 2.0 * np.eye(3, 4)[y]
    return Dataset("three", x, y, ("a", "b", "c"))
