"""Compares sigmoid and ReLU, for a table of docs/LEARNING.md."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np

from ska_edge.rules.rule import ACTIVATIONS, RELU
from ska_edge.training.defaults import default_rate
from ska_edge.training.options import Options
from ska_edge.training.train import train
from tests.bench.baseline import CONSTANT
from tests.bench.markdown import percent, table
from tests.bench.rival import mlp, opened

SEEDS = range(5, 10)
DATA = ("digits", "vowels", "watch", "checkerboard", "parity", "label noise")
HIDDEN = (64,)


def activation(work: tuple[str, dict[str, Any], int]) -> tuple[float, float]:
    """Return the test accuracies (fixed, float) of one run."""
    name, options, seed = work
    dataset, _ = opened(name, seed)
    rectified = len(HIDDEN) if options["activation"] == RELU else 0
    rate = default_rate(dataset.x.shape[1], rectified)
    same = {**CONSTANT, "decay": 4, "rate": rate, **options}
    found = train(dataset, Options(seed=seed, **same)).accuracy
    return float(found["fixed"]["test"] or 0.0), float(found["float"]["test"] or 0.0)


def relu_table(pool: ProcessPoolExecutor) -> str:
    """Return the table of the accuracy with each activation."""
    rows = []
    for name in DATA:
        cells = []
        for kind in ACTIVATIONS:
            options = {"hidden": HIDDEN, "activation": kind}
            work = [(name, options, seed) for seed in SEEDS]
            fixed, real = zip(*pool.map(activation, work), strict=True)
            cells += [percent(fixed), f"{100 * np.mean(real):.1f}"]
        rival = [*pool.map(mlp, [(name, HIDDEN, seed) for seed in SEEDS])]
        rows.append([name, "64", *cells, percent(rival)])
        print(*rows[-1], sep="  ", flush=True)
    head = ["data", "hidden", "sigmoid, %", "float", "relu, %", "float", "MLP, ReLU, Adam, %"]
    return table(head, rows)
