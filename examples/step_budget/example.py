"""Measure how K, eta and the batch size change the end of a run of the published rule on digits.

The question is whether eta * K alone determines a run, so that 10 steps with eta 0.05 end in the
same state as 500 steps with eta 0.001.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
from numpy.typing import NDArray

import ska_edge
from ska_edge.rules.reference import Reference, initial_parameters

matplotlib.use("Agg")
import matplotlib.pyplot as plt

Reals = NDArray[np.float64]
HIDDEN = (32, 16)
BUDGET = 0.5  # eta * K of the paper: 50 steps of 0.01


@dataclass(frozen=True)
class Run:
    """The result of one run.

    `entropy` (steps, layers) is in bits per sample in every step. `z_norm` and `w_norm` (layers,)
    are the norms at the end; |z| is divided by the root of the batch size. `outputs` (n, classes)
    are the decisions after the last update.
    """

    steps: int
    eta: float
    entropy: Reals
    z_norm: Reals
    w_norm: Reals
    outputs: Reals

    @property
    def total(self) -> Reals:
        """The entropy of every layer, summed over the steps."""
        total: Reals = self.entropy.sum(axis=0)
        return total


def run(x: Reals, classes: int, steps: int, eta: float, seed: int) -> Run:
    """Run the published rule on one batch `x` (n, d), from the initial weights of `seed`."""
    start = initial_parameters([x.shape[1], *HIDDEN, classes], "published", seed)
    model = Reference(start, "published", eta)
    series = model.learn_steps(x, steps)
    knowledge = model.knowledge(x)
    return Run(
        steps,
        eta,
        np.array([[layer.entropy for layer in step] for step in series]) / len(x),
        np.array([np.linalg.norm(z) for z in knowledge]) / np.sqrt(len(x)),
        np.array([np.linalg.norm(weights) for weights in model.parameters.weights]),
        model.infer(x),
    )


def table(title: str, named: dict[str, Run], reference: Run) -> list[str]:
    """Return a title, a header and one line per run, with its distance from `reference`."""
    report = ["", title]
    head = f"{'run':<24} {'entropy by layer':>24} {'|z| by layer':>20} {'|W| by layer':>20}"
    report.append(head + f" {'mean D':>7} {'distance':>8}")
    for name, found in named.items():
        cells = [
            " ".join(f"{value:{width}}" for value in values)
            for values, width in ((found.total, "7.3f"), (found.z_norm, "6.2f"))
        ]
        cells.append(" ".join(f"{value:6.3f}" for value in found.w_norm))
        apart = distance(found, reference)
        report.append(
            f"{name:<24} {cells[0]:>24} {cells[1]:>20} {cells[2]:>20}"
            f" {found.outputs.mean():7.4f} {apart:8.2%}"
        )
    return report


def distance(found: Run, reference: Run) -> float:
    """Return the largest relative difference of any entropy sum or norm, over all layers."""
    pairs = (
        (found.total, reference.total),
        (found.z_norm, reference.z_norm),
        (found.w_norm, reference.w_norm),
    )
    return max(float(np.max(np.abs(a - b) / np.abs(b))) for a, b in pairs)


def draw(path: Path, runs: list[Run]) -> None:
    """Draw the entropy up to step k over eta * k, one panel per layer, one line per run."""
    layers = len(runs[0].total)
    figure, panels = plt.subplots(1, layers, figsize=(4 * layers, 3.8), layout="constrained")
    for layer, axes in enumerate(panels):
        for found in runs:
            so_far = np.concatenate([[0.0], np.cumsum(found.entropy[:, layer])])
            progress = found.eta * np.arange(len(so_far))
            axes.plot(progress, so_far, label=f"K {found.steps}, eta {found.eta:g}", lw=1.3)
        width = [*HIDDEN, runs[0].outputs.shape[1]][layer]
        axes.set(title=f"layer {layer + 1} ({width})", xlabel="eta * k")
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("entropy so far (bits per sample)")
    panels[-1].legend(frameon=False, fontsize=8)
    figure.suptitle(f"Runs with eta * K = {BUDGET}")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main() -> None:
    """Do all runs, print the tables, and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="60 samples, at most 50 steps")
    parser.add_argument("-o", "--output", type=Path, default=Path("step_budget"))
    options = parser.parse_args()
    rows = 60 if options.quick else options.rows
    budgets = (5, 10, 25, 50) if options.quick else (5, 10, 25, 50, 100, 500, 2000)

    digits = ska_edge.load_data("digits")
    x = digits.x / 16.0

    def at(steps: int, eta: float, count: int = rows) -> Run:
        return run(x[:count], digits.classes, steps, eta, options.seed)

    same = [at(steps, BUDGET / steps) for steps in budgets]
    exact = [at(steps, BUDGET / (steps - 1)) for steps in budgets]
    paper = at(50, 0.01)
    report = [
        f"digits, 64-{'-'.join(map(str, HIDDEN))}-10, {rows} samples; entropy: bits per sample,",
        "summed over the steps; |z|: divided by the root of the number of samples;",
        "distance: the largest relative difference of these, over all layers",
    ]
    report += table(
        f"eta * K = {BUDGET}; distance from the last run",
        {f"K {r.steps}, eta {r.eta:.5g}": r for r in same},
        same[-1],
    )
    report += table(
        f"eta * (K - 1) = {BUDGET}, as the first pass makes no update; distance from the last run",
        {f"K {r.steps}, eta {r.eta:.5g}": r for r in exact},
        exact[-1],
    )
    report += table(
        "eta 0.01, other K; distance from K 50",
        {f"K {steps}": at(steps, 0.01) for steps in (13, 25, 50, 100, 200)},
        paper,
    )
    report += table(
        "K 50, other eta; distance from eta 0.01",
        {f"eta {eta:g}": at(50, eta) for eta in (0.0025, 0.005, 0.01, 0.02, 0.04)},
        paper,
    )
    counts = [count for count in (10, 50, 100, 500, 1797) if count < rows * 4]
    report += table(
        f"K 50, eta 0.01, other batches; distance from {rows} samples",
        {f"{count} samples": at(50, 0.01, count) for count in counts},
        paper,
    )
    options.output.mkdir(parents=True, exist_ok=True)
    path = options.output / "step_budget.png"
    draw(path, same)
    sys.stdout.write("\n".join([*report, "", f"figure: {path}", ""]))


if __name__ == "__main__":
    main()
