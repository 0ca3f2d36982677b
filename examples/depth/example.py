"""Compare which rules still learn when a network is deep, from 2 to 12 layers.

The networks learn digits, in integers and in float. All hidden layers have one width, and all runs
have few epochs and the same rate.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

import ska_edge

matplotlib.use("Agg")
import matplotlib.pyplot as plt

RULES = ("local", "feedback", "code")
ARITHMETICS = ("fixed", "float")
Scores = dict[tuple[str, str, int], list[float]]  # by (rule, arithmetic, layers): a score per seed


def measure(
    dataset: ska_edge.Dataset, depths: list[int], width: int, seeds: int, options: dict[str, Any]
) -> Scores:
    """Return the test accuracy in percent of every rule, arithmetic and number of layers.

    `options` has the epochs, the batch size and the rate.
    """
    scores: Scores = {}
    for rule in RULES:
        for layers in depths:
            hidden = (width,) * (layers - 1)  # the output layer counts, too
            for seed in range(seeds):
                trained = ska_edge.train(dataset, rule=rule, hidden=hidden, seed=seed, **options)
                accuracy = trained.accuracy
                for arithmetic in ARITHMETICS:
                    score = accuracy[arithmetic]["test"]
                    assert score is not None  # these rules see labels, and rows are held out
                    scores.setdefault((rule, arithmetic, layers), []).append(100 * score)
    return scores


def draw(path: Path, scores: Scores, depths: list[int]) -> None:
    """Draw the accuracy over the number of layers, one color per rule, dashed for float."""
    figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
    for color, rule in zip(("C0", "C1", "C2"), RULES, strict=True):
        for arithmetic, style in zip(ARITHMETICS, ("-", "--"), strict=True):
            found = [scores[rule, arithmetic, layers] for layers in depths]
            mean = np.array([np.mean(values) for values in found])
            axes.plot(depths, mean, style, marker="o", color=color, label=f"{rule}, {arithmetic}")
            if arithmetic == "fixed":
                low, high = ([f(values) for values in found] for f in (min, max))
                axes.fill_between(depths, low, high, color=color, alpha=0.12, lw=0)
    axes.set(
        title="Digits: test accuracy by depth (shaded: all seeds, fixed)",
        xlabel="layers, output included",
        ylabel="test accuracy (%)",
        xticks=depths,
    )
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main() -> None:
    """Train all networks, print the table, and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rate", type=float, default=0.125)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="2 and 3 layers, 1 epoch, 1 seed")
    parser.add_argument("-o", "--output", type=Path, default=Path("depth"))
    options = parser.parse_args()
    depths = [2, 3] if options.quick else [2, 3, 4, 6, 8, 10, 12]
    epochs, seeds = (1, 1) if options.quick else (options.epochs, options.seeds)

    training = {"epochs": epochs, "batch": options.batch, "rate": options.rate}
    scores = measure(ska_edge.load_data("digits"), depths, options.width, seeds, training)
    report = [
        f"digits, width {options.width}, {epochs} epochs, batch {options.batch},"
        f" rate {options.rate:g}; test accuracy in %, mean and std of {seeds} seeds",
        f"{'layers':<18}" + "".join(f"{layers:>12}" for layers in depths),
    ]
    for rule in RULES:
        for arithmetic in ARITHMETICS:
            found = [scores[rule, arithmetic, layers] for layers in depths]
            cells = [f"{np.mean(values):.1f} +- {np.std(values):.1f}" for values in found]
            report.append(f"{rule + ', ' + arithmetic:<18}" + "".join(f"{c:>12}" for c in cells))
    options.output.mkdir(parents=True, exist_ok=True)
    path = options.output / "depth.png"
    draw(path, scores, depths)
    sys.stdout.write("\n".join([*report, f"figure: {path}", ""]))


if __name__ == "__main__":
    main()
