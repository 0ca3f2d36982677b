"""Trains scikit-learn's MLP on the split of a training, for comparison."""

from __future__ import annotations

import warnings

from sklearn.neural_network import MLPClassifier

from ska_edge.data.dataset import Dataset
from ska_edge.data.load import load
from ska_edge.data.split.division import divide
from ska_edge.model.scaling import Scaling
from tests.bench.regimes import REGIMES, regime
from tests.bench.uci import UCI, uci


def opened(name: str, seed: int) -> tuple[Dataset, str | None]:
    """Return a data set and the kind of its split; None is the default kind."""
    if name in UCI:
        return uci(name), "plain"
    return regime(name, seed) if name in REGIMES else load(name), None


def mlp(work: tuple[str, tuple[int, ...], int]) -> float:
    """Return the test accuracy of scikit-learn's MLP, which has ReLU, on the split of a
    training.
    """
    name, hidden, seed = work
    dataset, kind = opened(name, seed)
    division = divide(dataset, 0.2, seed, kind)
    fit, test = division.train, division.test
    scaling = Scaling.fit(fit.x, "standardize")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some runs stop before they converge
        rival = MLPClassifier(hidden, random_state=seed).fit(scaling.apply(fit.x), fit.y)
    return float(rival.score(scaling.apply(test.x), test.y))
