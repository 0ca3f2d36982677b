"""Measures regressions beside an MLPRegressor of the same width and a linear model.

friedman1 is generated and diabetes is read by scikit-learn. Water flow and approval come from the
package river; without it, their rows are left out.
"""

from __future__ import annotations

import importlib.util
import warnings

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_diabetes, make_friedman1
from sklearn.linear_model import Ridge
from sklearn.neural_network import MLPRegressor

from ska_edge.data.arrays import with_targets
from ska_edge.model.regression import Fit, mean_r2
from ska_edge.training.options import Options
from ska_edge.training.train import train

Table = tuple[NDArray[np.float64], NDArray[np.float64]]
LAGS = 12  # earlier values of the water flow from which the next one is predicted
MOST_ROWS = 1800


def _water_flow() -> Table:
    from river.datasets import WaterFlow

    values = np.array([float(value) for _, value in WaterFlow()])
    windows = np.lib.stride_tricks.sliding_window_view(values, LAGS)[:-1]
    return windows.copy(), values[LAGS:]


def _approval() -> Table:
    from river.datasets import TrumpApproval

    rows = [(list(row.values()), value) for row, value in TrumpApproval()]
    return np.array([row for row, _ in rows], float), np.array([value for _, value in rows])


def tables() -> dict[str, Table]:
    """Return the data sets that are available: features (n, d) and targets (n,)."""
    found = {
        "friedman1": make_friedman1(1500, n_features=10, noise=1, random_state=1),
        "diabetes": load_diabetes(return_X_y=True),
    }
    if importlib.util.find_spec("river") is not None:
        found.update({"water flow": _water_flow(), "approval": _approval()})
    return found


def scores(work: tuple[str, int]) -> tuple[float, float, float, float]:
    """Return R2 on the test rows: the float twin, the integers, the MLP and the linear model."""
    name, seed = work
    x, y = tables()[name]
    chosen = np.random.default_rng(seed).permutation(len(y))[:MOST_ROWS]
    data = with_targets(x[chosen], y[chosen])
    trained = train(data, Options(task="regression", split="random", seed=seed))
    fit, model = trained.evaluations["test"], trained.model
    assert isinstance(fit, Fit) and fit.float_r2 is not None and model.units is not None
    learned, test = trained.train, trained.test
    assert learned.targets is not None and test.targets is not None
    scaled, truth = model.scaling.apply(test.x), model.units.apply(test.targets)
    found = []
    for rival in (MLPRegressor(hidden_layer_sizes=(64,), random_state=seed, max_iter=300), Ridge()):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            rival.fit(model.scaling.apply(learned.x), model.units.apply(learned.targets)[:, 0])
        found.append(mean_r2(truth, rival.predict(scaled)[:, None]))
    return fit.float_r2["y"] or 0.0, fit.r2["y"] or 0.0, found[0], found[1]
