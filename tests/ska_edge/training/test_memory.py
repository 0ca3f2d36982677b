"""A training of images takes little more memory than the images."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ska_edge.data.dataset import Dataset
from ska_edge.data.load import load
from ska_edge.training.options import Options
from ska_edge.training.train import train

ROWS, PIXELS = 20_000, 400  # 8 MB as bytes, 64 MB as float64

# Prints by how many KB the training raised the peak of the memory use. A training on few rows comes
# first, because it imports everything.
PROGRAM = """
import resource, sys
from ska_edge.data.load import load
from ska_edge.training.options import Options
from ska_edge.training.train import train

def most():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

options = Options(hidden=(), epochs=1)
train(load(sys.argv[1]), options)
before = most()
train(load(sys.argv[2]), options)
print(most() - before)
"""


def images(rows: int) -> tuple[np.ndarray, np.ndarray]:
    y = np.arange(rows) % 2
    x = np.random.default_rng(0).integers(0, 200, (rows, PIXELS), dtype=np.uint8)
    x[:, :50] += (50 * y[:, np.newaxis]).astype(np.uint8)
    return x, y


def test_images_are_not_copied_as_floats(tmp_path: Path) -> None:
    paths = [tmp_path / "few.npz", tmp_path / "many.npz"]
    for path, rows in zip(paths, (100, ROWS), strict=True):
        x, y = images(rows)
        np.savez(path, x=x, y=y)
    shown = subprocess.run(
        [sys.executable, "-c", PROGRAM, *paths], capture_output=True, text=True, check=True
    )
    added = int(shown.stdout)
    assert added < 150_000  # 80,000 is usual; 420,000 with copies as floats


@pytest.mark.parametrize("scale", ["standardize", "global"])
def test_integers_and_the_same_floats_give_the_same_model(tmp_path: Path, scale: str) -> None:
    x, y = images(4500)
    x = x[:, 40:70]
    np.savez(tmp_path / "images.npz", x=x, y=y)
    whole = load(tmp_path / "images.npz")
    assert whole.x.dtype == np.uint8
    real = Dataset("images", x.astype(np.float64), whole.y, whole.labels)
    assert whole.digest == real.digest
    options = Options(hidden=(4,), epochs=1, scale=scale)
    models = []
    for name, dataset in (("whole", whole), ("real", real)):
        trained = train(dataset, options)
        trained.model.save(tmp_path / f"{name}.ska")
        models.append((trained.accuracy, (tmp_path / f"{name}.ska").read_bytes()))
    assert models[0] == models[1]
