"""Measures an answer to an open question of the paper: does convolution help?

The filters of the front end `patches` are frozen, and the network on their responses learns in
fixed point.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor

import numpy as np

from ska_edge.data.source import load_data
from ska_edge.training.options import Options
from ska_edge.training.train import train
from tests.bench.markdown import percent, table
from tests.bench.rival import mlp

NEW_SEEDS = range(5, 10)
DATA = "mnist5k"


def convolution(seed: int) -> tuple[float, ...]:
    """Return four test accuracies: with an output layer on the responses, with 64 hidden neurons on
    them, with 64 hidden neurons on the pixels, and of scikit-learn's MLP on the pixels.
    """
    pixels, images = load_data(DATA), load_data(DATA, frontend="patches")
    cases = ((images, ()), (images, (64,)), (pixels, (64,)))
    trained = [train(data, Options(hidden=hidden, seed=seed)) for data, hidden in cases]
    assert all(np.array_equal(each.division.test.y, trained[0].division.test.y) for each in trained)
    own = [float(each.accuracy["fixed"]["test"] or 0.0) for each in trained]
    return *own, mlp((DATA, (64,), seed))


def convolution_table(pool: ProcessPoolExecutor) -> str:
    """Return the table of the accuracies with frozen filters."""
    cells = map(percent, zip(*pool.map(convolution, NEW_SEEDS), strict=True))
    head = ["data", "filters, output layer", "filters, 64 hidden", "pixels, 64 hidden"]
    return table([*head, "pixels, MLP"], [[DATA, *cells]])


SECTIONS = {"convolution": convolution_table}
