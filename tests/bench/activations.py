"""Compares sigmoid and ReLU, for a table of docs/LEARNING.md."""

from __future__ import annotations

import warnings
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np
from sklearn.neural_network import MLPClassifier

from ska_edge.data.load import load
from ska_edge.data.split.division import divide
from ska_edge.model.scaling import Scaling
from ska_edge.rules.rule import ACTIVATIONS
from ska_edge.training.options import Options
from ska_edge.training.train import train
from tests.bench.markdown import percent, table
from tests.bench.regimes import REGIMES, regime

SEEDS = range(5, 10)
DATA = ("digits", "vowels", "watch", "checkerboard", "parity", "label noise")
HIDDEN = (64,)


def mlp(work: tuple[str, tuple[int, ...], int]) -> float:
    """Return the test accuracy of scikit-learn's MLP, which has ReLU, on the same split."""
    name, hidden, seed = work
    dataset = regime(name, seed) if name in REGIMES else load(name)
    division = divide(dataset, 0.2, seed)
    fit, test = division.train, division.test
    scaling = Scaling.fit(fit.x, "standardize")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some runs stop before they converge
        rival = MLPClassifier(hidden, random_state=seed).fit(scaling.apply(fit.x), fit.y)
    return float(rival.score(scaling.apply(test.x), test.y))


def activation(work: tuple[str, dict[str, Any], int]) -> tuple[float, float]:
    """Return the test accuracies (fixed, float) of one run."""
    name, options, seed = work
    dataset = regime(name, seed) if name in REGIMES else load(name)
    found = train(dataset, Options(seed=seed, decay=4, **options)).accuracy
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
