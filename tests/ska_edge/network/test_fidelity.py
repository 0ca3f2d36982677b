"""In integers, the series of the published rule stay close to those of the float reference."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ska_edge.data.load import load
from ska_edge.training.options import Options
from ska_edge.training.train import train

SERIES = ("entropy", "cosine", "z_norm", "w_norm", "tensor_net", "flow", "lagrangian")
LARGEST_GAP = 0.02  # relative to a series' largest magnitude
NETWORK = {"rule": "published", "hidden": (64, 32, 16), "batch": 500, "steps": 50, "rate": 0.01}


def series(path: Path, **options: object) -> dict[str, np.ndarray]:
    """Return every series, each of shape (steps, layers)."""
    train(load("digits"), Options(log=path, **NETWORK, **options))  # type: ignore[arg-type]
    steps = [json.loads(line)["layers"] for line in path.read_text().splitlines()]
    return {name: np.array([[layer[name] for layer in step] for step in steps]) for name in SERIES}


def test_wide_integers_follow_the_reference(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    real = series(tmp_path / "float.jsonl", arithmetic="float")
    fixed = series(tmp_path / "fixed.jsonl", arithmetic="fixed", precision="w32a16")
    for name in SERIES:
        gaps = np.abs(fixed[name] - real[name]).max(axis=0) / np.abs(real[name]).max(axis=0)
        assert gaps.max() < LARGEST_GAP, (name, gaps)
    lowest = [values["entropy"].argmin(axis=0) for values in (real, fixed)]
    assert np.abs(lowest[0] - lowest[1]).max() <= 1
