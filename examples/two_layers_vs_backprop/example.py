"""Compare our rules, on two hidden layers, with backpropagation and with a linear model.

The rules local, feedback and code run in float and in integers. Scikit-learn's MLPClassifier runs
with the same sizes, rows, epochs and batch size, and LogisticRegression with the same rows. All
data are synthetic.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable

import numpy as np
from sklearn.datasets import make_circles, make_classification, make_moons
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

import ska_edge

RULES = ("local", "feedback", "code")
MADE: dict[str, Callable[[int, int], tuple[np.ndarray, np.ndarray]]] = {
    "moons": lambda rows, seed: make_moons(rows, noise=0.2, random_state=seed),
    "circles": lambda rows, seed: make_circles(rows, noise=0.1, factor=0.5, random_state=seed),
    "clusters": lambda rows, seed: make_classification(
        rows,
        n_features=20,
        n_informative=10,
        n_redundant=4,
        n_classes=4,
        n_clusters_per_class=2,
        class_sep=1.5,
        random_state=seed,
    ),
}


def synthetic(name: str, rows: int, seed: int) -> ska_edge.Dataset:
    """Make one of the data sets in `MADE`."""
    return ska_edge.load_data(MADE[name](rows, seed))


def backprop(trained: ska_edge.Trained, seed: int) -> dict[str, float]:
    """Train scikit-learn's models on the rows of `trained`; return their test accuracy."""
    options, scaling = trained.options, trained.model.scaling
    network = MLPClassifier(
        hidden_layer_sizes=options.hidden,
        batch_size=options.batch,  # the same number of updates
        max_iter=options.epochs,
        n_iter_no_change=options.epochs,  # no early stop; all have the same number of epochs
        random_state=seed,
    )
    line = LogisticRegression(max_iter=1000)
    train_x, test_x = scaling.apply(trained.train.x), scaling.apply(trained.test.x)
    with warnings.catch_warnings():
        # The warning says that all epochs were used, as requested.
        warnings.simplefilter("ignore", ConvergenceWarning)
        network.fit(train_x, trained.train.y)
    line.fit(train_x, trained.train.y)
    return {
        "backprop (Adam)": float(network.score(test_x, trained.test.y)),
        "logistic regression": float(line.score(test_x, trained.test.y)),
    }


def compare(
    dataset: ska_edge.Dataset, hidden: tuple[int, ...], epochs: int, seed: int
) -> dict[str, float]:
    """Return the test accuracy of every method, for one seed of the data, split and weights."""
    found: dict[str, float] = {}
    for rule in RULES:
        trained = ska_edge.train(
            dataset,
            rule=rule,
            hidden=hidden,
            epochs=epochs,
            decay=min(3, epochs - 1),
            batch=4,
            seed=seed,
        )
        for arithmetic in ("float", "fixed"):
            score = trained.accuracy[arithmetic]["test"]
            assert score is not None  # these rules see labels, and rows are held out
            found[f"{rule}, {arithmetic}"] = score
    return found | backprop(trained, seed)


def main() -> None:
    """Print mean and standard deviation over the seeds, in percent."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1500)
    parser.add_argument("--hidden", default="32,16")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="200 rows, 2 epochs, 2 seeds")
    options = parser.parse_args()
    rows, epochs, seeds = (
        (200, 2, 2) if options.quick else (options.rows, options.epochs, options.seeds)
    )
    hidden = tuple(int(width) for width in options.hidden.split(","))

    columns: dict[str, dict[str, list[float]]] = {}
    for name in MADE:
        for seed in range(seeds):
            scores = compare(synthetic(name, rows, seed), hidden, epochs, seed)
            for method, score in scores.items():
                columns.setdefault(method, {}).setdefault(name, []).append(100 * score)
    report = [
        f"test accuracy in %, mean and std of {seeds} seeds; {rows} rows, a fifth of them for the",
        f"test; hidden {options.hidden}; {epochs} epochs",
        f"{'method':<20}" + "".join(f"{name:>16}" for name in MADE),
    ]
    for method, by_name in columns.items():
        cells = [f"{np.mean(v):.1f} +- {np.std(v):.1f}" for v in by_name.values()]
        report.append(f"{method:<20}" + "".join(f"{cell:>16}" for cell in cells))
    sys.stdout.write("\n".join([*report, ""]))


if __name__ == "__main__":
    main()
