"""Measures an answer to an open question of the paper: does convolution help?

ska-edge has no convolution, so this module computes the responses of frozen filters in floats; the
responses are the features of a data set. The network on them learns in fixed point.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import MiniBatchKMeans

from ska_edge.data.load import load
from ska_edge.data.split.division import divide
from ska_edge.training.options import Options
from ska_edge.training.train import train
from tests.bench.markdown import percent, table
from tests.bench.rival import mlp

Reals = NDArray[np.float64]

NEW_SEEDS = range(5, 10)
DATA, SIDE = "mnist5k", 28
FILTERS, WIDTH, STRIDE, POOLS = 16, 5, 2, 4
IMAGES, PATCHES = 1500, 20_000  # from which the filters are made
LEAST_DEVIATION = 0.1  # a patch of less contrast makes no filter


def patches(x: Reals) -> Reals:
    """Return the patches (n, 12, 12, 25) of images (n, 784) with values of 0 to 255."""
    images = x.reshape(-1, SIDE, SIDE) / 255
    windows = np.lib.stride_tricks.sliding_window_view(images, (WIDTH, WIDTH), axis=(1, 2))
    windows = windows[:, ::STRIDE, ::STRIDE]
    return windows.reshape(*windows.shape[:3], WIDTH * WIDTH)


def filters(x: Reals, seed: int) -> Reals:
    """Return filters (16, 25) of length 1: the centers of clusters of patches of these images."""
    rng = np.random.default_rng(seed)
    found = patches(x[rng.permutation(len(x))[:IMAGES]]).reshape(-1, WIDTH * WIDTH)
    found = found[found.std(axis=1) > LEAST_DEVIATION]
    found = found[rng.permutation(len(found))[:PATCHES]]
    found = found - found.mean(axis=1, keepdims=True)
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    means = MiniBatchKMeans(FILTERS, random_state=seed, n_init=1, batch_size=2000).fit(found)
    centers: Reals = means.cluster_centers_
    return centers / np.linalg.norm(centers, axis=1, keepdims=True)


def responses(x: Reals, bank: Reals) -> Reals:
    """Return features (n, 256): the positive responses to each filter, as means over 4 x 4 parts
    of an image.
    """
    positive = np.maximum(patches(x) @ bank.T, 0)
    size = positive.shape[1] // POOLS
    parts = positive.reshape(len(x), POOLS, size, POOLS, size, FILTERS)
    return parts.mean(axis=(2, 4)).reshape(len(x), -1)


def convolution(seed: int) -> tuple[float, ...]:
    """Return four test accuracies: with an output layer on the responses, with 64 hidden neurons on
    them, with 64 hidden neurons on the pixels, and of scikit-learn's MLP on the pixels.
    """
    digits = load(DATA)
    learned = divide(digits, 0.2, seed, None).train
    found = responses(digits.x, filters(learned.x, seed))
    frozen = replace(digits, x=found, features=None)
    cases = ((frozen, ()), (frozen, (64,)), (digits, (64,)))
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
