"""Measures an answer to an open question of the paper: does recurrence help?

`learning_results` writes the table. The networks learn with ska-edge's trainer, in fixed point.
ska-edge has no echo state, so this module computes one in floats; its values are the features of a
data set.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ska_edge.data.dataset import Dataset
from ska_edge.data.load import load
from ska_edge.training.options import Options
from ska_edge.training.train import train
from tests.bench.markdown import percent, table

Reals = NDArray[np.float64]

NEW_SEEDS = range(5, 10)
RESERVOIR = 64  # neurons of the echo state
LEAK, RADIUS, CONNECTED = 0.25, 0.9, 8
LINEAR: dict[str, Any] = {"hidden": (), "epochs": 40, "decay": 4, "rate": 2**-6}


def accuracy(dataset: Dataset, seed: int, options: dict[str, Any]) -> float:
    """Return the test accuracy of a training in fixed point."""
    found = train(dataset, Options(seed=seed, **options)).accuracy["fixed"]["test"]
    assert found is not None
    return found


def utterances() -> list[Reals]:
    """Return the series of the vowels, (12, length) each, in the order of the built-in data."""
    package = find_spec("aeon")
    assert package is not None
    assert package.submodule_search_locations is not None
    folder = Path(package.submodule_search_locations[0]) / "datasets" / "data" / "JapaneseVowels"
    series = []
    for part in ("TRAIN", "TEST"):
        lines = (folder / f"JapaneseVowels_{part}.ts").read_text(encoding="utf-8").splitlines()
        for line in lines[lines.index("@data") + 1 :]:
            texts = line.split(":")[:-1]
            series.append(np.array([text.split(",") for text in texts], dtype=np.float64))
    return series


def echo_state(series: Sequence[Reals], seed: int) -> Reals:
    """Return features (n, 5 * RESERVOIR): the last state, and its means in four parts of a series.

    The weights of the echo state do not learn.
    """
    rng = np.random.default_rng(seed)
    channels = len(series[0])
    incoming = 0.5 * rng.choice([-1.0, 0.0, 1.0], (RESERVOIR, channels))
    recurrent = rng.normal(0, 1, (RESERVOIR, RESERVOIR))
    recurrent *= rng.random(recurrent.shape) < CONNECTED / RESERVOIR
    recurrent *= RADIUS / np.abs(np.linalg.eigvals(recurrent)).max()
    together = np.concatenate(series, axis=1)
    mean, scale = together.mean(axis=1), together.std(axis=1)
    rows = []
    for one in series:
        state, states = np.zeros(RESERVOIR), []
        for sample in ((one.T - mean) / scale) @ incoming.T:
            state = (1 - LEAK) * state + LEAK * np.tanh(sample + recurrent @ state)
            states.append(state)
        parts = np.array_split(np.array(states), 4)
        rows.append(np.concatenate([state, *(part.mean(axis=0) for part in parts)]))
    return np.array(rows)


def recurrence(seed: int) -> tuple[float, float, float]:
    """Return three test accuracies: with an output layer on the echo state, with an output layer on
    means over fifths of the series, and with 64 hidden neurons on these means.
    """
    vowels = load("vowels")
    echoes = replace(vowels, x=echo_state(utterances(), seed), features=None)
    linear, hidden = accuracy(vowels, seed, LINEAR), accuracy(vowels, seed, {"hidden": (64,)})
    return accuracy(echoes, seed, LINEAR), linear, hidden


def recurrence_table(pool: ProcessPoolExecutor) -> str:
    """Return the table of the accuracies with a frozen echo state."""
    cells = map(percent, zip(*pool.map(recurrence, NEW_SEEDS), strict=True))
    head = ["data", f"echo state of {RESERVOIR}, output layer", "means, output layer"]
    return table([*head, "means, 64 hidden"], [["vowels", *cells]])


SECTIONS: dict[str, Callable[[ProcessPoolExecutor], str]] = {
    "recurrence": recurrence_table,
}
