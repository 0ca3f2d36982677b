"""Draw the seven figures of the paper (arXiv 2503.13942) from the float reference.

One batch passes K times through a network that learns by the rule `published`. Every figure shows
how the network's layers or outputs change from step to step.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import matplotlib
import numpy as np
from numpy.typing import NDArray

import ska_edge
from ska_edge.rules.reference import Parameters, Reference, StepMetrics, initial_parameters

matplotlib.use("Agg")
import matplotlib.pyplot as plt

Reals = NDArray[np.float64]
Series = list[list[StepMetrics]]


def batch_of(data: str, rows: int) -> tuple[Reals, int]:
    """Return the first `rows` samples (n, d), scaled to at most 1, and the number of classes."""
    dataset = ska_edge.load_data(data)
    x = dataset.x[:rows]
    return x / max(1.0, float(np.abs(dataset.x).max())), dataset.classes


def run(x: Reals, start: Parameters, eta: float, steps: int) -> tuple[Series, Reals]:
    """Run the rule; return metrics[step - 1][layer], and mean decisions of shape (steps, classes).

    `learn_steps` keeps no decisions. The decisions of pass k are those of a model that has learned
    for k passes. So every k has a run of its own from the same start. This takes many times the
    work of one run, but needs no second version of the rule.
    """
    means = [Reference(start.copy(), "published", eta).infer(x).mean(axis=0)] * 2  # D_1 = D_0
    for passes in range(2, steps):
        model = Reference(start.copy(), "published", eta)
        model.learn_steps(x, passes)
        means.append(model.infer(x).mean(axis=0))
    series = Reference(start.copy(), "published", eta).learn_steps(x, steps)
    return series, np.array(means)


def of(series: Series, name: str) -> Reals:
    """Return the metric `name` of every layer and step, as (layers, steps)."""
    layers = range(len(series[0]))
    return np.array([[getattr(step[layer], name) for step in series] for layer in layers])


def lines(path: Path, values: Reals, names: list[str], first: int, title: str, unit: str) -> None:
    """Draw one line for every row of `values`, from step `first` on."""
    figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
    for row, name in zip(values, names, strict=True):
        axes.plot(np.arange(first, first + len(row)), row, label=name)
    axes.set(title=title, xlabel="step k", ylabel=unit)
    axes.grid(alpha=0.3)
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def paths(path: Path, across: Reals, up: Reals, names: list[str]) -> None:
    """Draw entropy over knowledge norm, one panel per layer, because the layers' scales differ."""
    count = len(names)
    figure, panels = plt.subplots(
        1, count, figsize=(3.4 * count, 3.6), layout="constrained", squeeze=False
    )
    for axes, x, y, name in zip(panels[0], across, up, names, strict=True):
        axes.plot(x, y, color="0.75", zorder=1)
        dots = axes.scatter(x, y, c=np.arange(1, len(x) + 1), s=14, cmap="viridis", zorder=2)
        axes.set(title=name, xlabel="knowledge norm |z|")
        axes.grid(alpha=0.3)
    panels[0][0].set_ylabel("entropy of the step (bits, whole batch)")
    figure.colorbar(dots, ax=panels[0], label="step k")
    figure.suptitle("Entropy over knowledge norm")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def heat_map(path: Path, values: Reals, names: list[str], title: str, unit: str) -> None:
    """Draw `values` (layers, steps) as colors."""
    figure, axes = plt.subplots(figsize=(8, 3), layout="constrained")
    limit = float(np.abs(values).max()) or 1.0
    image = axes.imshow(
        values,
        aspect="auto",
        cmap="RdBu_r",
        vmin=-limit,
        vmax=limit,
        extent=(0.5, values.shape[1] + 0.5, len(names) - 0.5, -0.5),
    )
    axes.set(title=title, xlabel="step k")
    axes.set_yticks(range(len(names)), names)
    figure.colorbar(image, label=unit)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def draw(folder: Path, series: Series, means: Reals, names: list[str]) -> None:
    """Write the seven pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    entropy, cosine, norm = (of(series, name) for name in ("entropy", "cosine", "z_norm"))
    bits = "entropy of the step (bits, whole batch)"
    outputs = [f"output {index}" for index in range(means.shape[1])]
    lines(folder / "1_entropy.png", entropy, names, 1, "Entropy of every layer", bits)
    lines(folder / "2_cosine.png", cosine, names, 1, "Alignment of z and its change of D", "cosine")
    lines(
        folder / "3_output_decisions.png",
        means.T,
        outputs,
        0,
        "Mean decision of every output",
        "mean D over the batch",
    )
    lines(
        folder / "4_knowledge_norm.png", norm, names, 1, "Knowledge norm of every layer", "norm |z|"
    )
    paths(folder / "5_entropy_over_norm.png", norm, entropy, names)
    heat_map(folder / "6_entropy_map.png", entropy, names, "Entropy, layer by step", "bits")
    heat_map(folder / "7_cosine_map.png", cosine, names, "Cosine, layer by step", "cosine")


def main() -> None:
    """Run, draw, and print where each layer's entropy is lowest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="npz with x (or X) and y, such as MNIST [digits]")
    parser.add_argument("--hidden", help="widths [256,128,64 for a file, 32,16 for digits]")
    parser.add_argument("--rows", type=int, help="samples [1000 of a file, 500 of digits]")
    parser.add_argument("--eta", type=float, default=0.01)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="12 steps of 60 samples")
    parser.add_argument("-o", "--output", type=Path, default=Path("paper_figures"))
    options = parser.parse_args()
    steps = 12 if options.quick else options.steps
    rows = 60 if options.quick else options.rows or (1000 if options.data else 500)
    hidden = options.hidden or ("256,128,64" if options.data else "32,16")

    x, classes = batch_of(options.data or "digits", rows)
    widths = [*(int(width) for width in hidden.split(",")), classes]
    start = initial_parameters([x.shape[1], *widths], "published", options.seed)
    series, means = run(x, start, options.eta, steps)
    names = [f"layer {index} ({width})" for index, width in enumerate(widths, 1)]
    draw(options.output, series, means, names)

    report = [
        f"{len(x)} samples, {x.shape[1]}-{'-'.join(map(str, widths))}, {steps} steps",
        f"{'layer':<14} {'lowest entropy':>14} {'at step':>7} {'|z|: first':>10} {'last':>8}",
    ]
    for name, entropy, norm in zip(names, of(series, "entropy"), of(series, "z_norm"), strict=True):
        at = int(np.argmin(entropy))
        report.append(f"{name:<14} {entropy[at]:14.1f} {at + 1:7} {norm[0]:10.1f} {norm[-1]:8.1f}")
    report.append(f"mean decision of the outputs: {means[0].mean():.3f} to {means[-1].mean():.3f}")
    sys.stdout.write("\n".join([*report, f"seven figures in {options.output}", ""]))


if __name__ == "__main__":
    main()
