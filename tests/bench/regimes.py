"""Generates data on which learners differ: each set has one difficulty, and a seed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import make_classification, make_friedman1

from ska_edge.data.dataset import Dataset

Rows = tuple[NDArray[np.float64], NDArray[np.int64]]


def checkerboard(seed: int) -> Rows:
    """Return 3000 rows of 2 features in a square of 16 fields; the classes are its colors."""
    x = np.random.default_rng(seed).uniform(-1, 1, (3000, 2))
    return x, np.floor(2 * x).sum(axis=1).astype(np.int64) % 2


def parity(seed: int) -> Rows:
    """Return 3000 rows of 8 features; the class is the parity of the signs of the first four."""
    x = np.random.default_rng(seed).normal(0, 1, (3000, 8))
    return x, (x[:, :4] > 0).sum(axis=1) % 2


def label_noise(seed: int) -> Rows:
    """Return 2000 rows of 30 features and 5 classes; a quarter of the labels are random."""
    x, y = make_classification(
        n_samples=2000, n_features=30, n_informative=10, n_classes=5, flip_y=0.25, random_state=seed
    )
    return x, y


def many_classes(seed: int) -> Rows:
    """Return 6000 rows of 32 features and 100 classes, each of two clusters."""
    rng = np.random.default_rng(seed)
    centers, y = rng.normal(0, 1, (100, 2, 32)), rng.integers(0, 100, 6000)
    return centers[y, rng.integers(0, 2, 6000)] + rng.normal(0, 0.8, (6000, 32)), y


def ordinal(seed: int) -> Rows:
    """Return 3000 rows of 10 features, of which 5 matter; the 10 classes are ranges of
    the target.
    """
    x, number = make_friedman1(3000, n_features=10, noise=0.5, random_state=seed)
    return x, np.searchsorted(np.quantile(number, np.arange(1, 10) / 10), number)


def heavy_tails(seed: int) -> Rows:
    """Return 3000 rows of 20 features with rare, very large values, and 4 classes."""
    x, y = make_classification(
        n_samples=3000, n_features=20, n_informative=10, n_classes=4, random_state=seed
    )
    return np.sign(x) * np.expm1(1.2 * np.abs(x)), y


REGIMES: dict[str, Callable[[int], Rows]] = {
    "checkerboard": checkerboard,
    "parity": parity,
    "label noise": label_noise,
    "100 classes": many_classes,
    "ordinal": ordinal,
    "heavy tails": heavy_tails,
}


def regime(name: str, seed: int) -> Dataset:
    x, y = REGIMES[name](seed)
    return Dataset(name, x, y.astype(np.int64), tuple(map(str, range(int(y.max()) + 1))))
