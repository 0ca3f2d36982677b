"""Measures how well scores tell samples of an unknown class: one class at a time is left out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from ska_edge.data.dataset import Dataset
from ska_edge.data.load import load
from ska_edge.data.split.division import divide
from ska_edge.model.model_file import Model
from ska_edge.network.trainer import FixedTrainer
from ska_edge.rules.confidence import confidences, least_confidence
from ska_edge.training.defaults import default_rate
from ska_edge.training.options import Options
from ska_edge.training.train import train
from tests.bench.keel import keel

SHARE = 0.95  # share of the known test rows that must keep their class
LEAST_VARIANCE = 0.01  # least variance of a hidden neuron in the distance
OPTIONS: dict[str, Any] = {
    "hidden": (64,),
    "decay": 4,
    "spread": 0,
    "hidden_halvings": 0,
    "test_fraction": 0.0,
}
NAMES = ("digits", "vowels", "watch", "penbased", "satimage")

Real = NDArray[np.float64]


def left_out(work: tuple[str, int]) -> list[list[float]]:
    """Return the figures of every class that is left out, in percent.

    They are the areas under the curve of the confidence, of the largest decision and of the
    distance; the share of unknown rows that `--reject` finds; the accuracy of the known rows that
    keep their class.
    """
    name, seed = work
    dataset = load(name) if name in ("digits", "vowels", "watch") else keel(name)
    division = divide(dataset, 0.2, seed)
    return [_figures(division.train, division.test, new, seed) for new in range(dataset.classes)]


def _figures(fit: Dataset, test: Dataset, new: int, seed: int) -> list[float]:
    known = fit.take(fit.y != new)
    names = tuple(label for index, label in enumerate(known.labels) if index != new)
    known = replace(known, y=known.y - (known.y > new), labels=names, group=None, default_split="")
    rate = default_rate(known.x.shape[1])
    model = train(known, Options(seed=seed, rate=rate, **OPTIONS)).model
    decisions, is_new = model.decisions(test.x), test.y == new
    confidence = confidences(decisions)
    scores = (confidence, decisions.max(axis=1), -_distance(model, known, test.x))
    areas = [100 * roc_auc_score(~is_new, score) for score in scores]
    accepted = confidence >= least_confidence(confidence[~is_new], SHARE)
    truth = test.y - (test.y > new)
    right = decisions.argmax(axis=1) == truth
    found = [100 * (~accepted[is_new]).mean(), 100 * right[accepted & ~is_new].mean()]
    return [*areas, *found]


def _distance(model: Model, known: Dataset, x: Real) -> Real:
    """Return the distance of rows to the nearest class in the last hidden layer, (rows,).

    Each neuron is divided by its deviation within the classes.
    """
    trainer = FixedTrainer(model.state, check=False)

    def hidden(rows: Real) -> Real:
        found: Real = [*trainer.forward(model.quantize(rows))][-2].activation / 128.0
        return found

    learned, means = hidden(known.x), []
    spread = np.zeros(learned.shape[1])
    for index in range(known.classes):
        own = learned[known.y == index]
        means.append(own.mean(axis=0))
        spread += ((own - means[-1]) ** 2).sum(axis=0)
    variance = spread / len(learned) + LEAST_VARIANCE
    squares = [((hidden(x) - mean) ** 2 / variance).sum(axis=1) for mean in means]
    nearest: Real = np.min(squares, axis=0)
    return nearest
