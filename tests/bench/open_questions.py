"""Measures an answer to an open question of the paper: does recurrence help?

`learning_results` writes the table. The networks learn with ska-edge's trainer, in fixed point.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ska_edge.data.dataset import Dataset
from ska_edge.data.load import load
from ska_edge.data.recordings.layout import Layout
from ska_edge.frontend.front import SAMPLE
from ska_edge.frontend.request import FrontRequest
from ska_edge.training.options import Options
from ska_edge.training.train import train
from tests.bench.markdown import percent, table

Reals = NDArray[np.float64]

NEW_SEEDS = range(5, 10)
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


def with_echo(vowels: Dataset) -> Dataset:
    """Return the series of the vowels as windows of the front end `echo`.

    A series is as long as the longest one: its last value is repeated.
    """
    series = utterances()
    length = max(one.shape[1] for one in series)
    padded = [np.pad(one, ((0, 0), (0, length - one.shape[1])), mode="edge").T for one in series]
    reals = np.array(padded)
    windows = SAMPLE.quantize(reals * (SAMPLE.maximum / np.abs(reals).max())).astype(np.int16)
    names = tuple(f"axis {number}" for number in range(windows.shape[2]))
    return replace(
        vowels,
        x=windows.reshape(len(windows), -1),
        features=None,
        layout=Layout(length, length, names),
        front=FrontRequest.parse("echo").of_windows(length, length, names),
        windows=windows,
    )


def recurrence(seed: int) -> tuple[float, float, float]:
    """Return three test accuracies: with an output layer on the features of `echo`, with an output
    layer on means over fifths of the series, and with 64 hidden neurons on these means.
    """
    vowels = load("vowels")
    linear, hidden = accuracy(vowels, seed, LINEAR), accuracy(vowels, seed, {"hidden": (64,)})
    return accuracy(with_echo(vowels), seed, LINEAR), linear, hidden


def recurrence_table(pool: ProcessPoolExecutor) -> str:
    """Return the table of the accuracies with a frozen echo state."""
    cells = map(percent, zip(*pool.map(recurrence, NEW_SEEDS), strict=True))
    head = ["data", "`echo`, output layer", "means, output layer"]
    return table([*head, "means, 64 hidden"], [["vowels", *cells]])


SECTIONS: dict[str, Callable[[ProcessPoolExecutor], str]] = {
    "recurrence": recurrence_table,
}
