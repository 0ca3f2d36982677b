"""Train on the movements of eight people, then let the model learn those of a new person.

There are two data sets of ten people. The first, `movements`, is synthetic (movements.py). The
second, `watch`, has recordings of real people: seven exercises of the shoulder, with a smart watch
at the left and the right wrist (Burns et al., arXiv 1802.01489).

The network is trained on eight people, and the two others are new to it; each person is new once.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from movements import SECONDS, write, write_movements
from numpy.typing import NDArray

import ska_edge

NEW = 2  # people at a time


def write_watch(folder: Path) -> None:
    """Write the recordings of the package seglearn, in 1/1000 of their unit."""
    from seglearn.datasets import load_watch

    watch = load_watch()
    for number, (x, y) in enumerate(zip(watch["X"], watch["y"], strict=True)):
        label, person = watch["y_labels"][int(y)], int(watch["subject"][number])
        samples = np.rint(1000 * x).astype(np.int64)
        path = folder / f"{person}-{label}-{number}.csv"
        write(path, ",".join(watch["X_labels"]), samples, label, person)


def drawn(y: NDArray[np.int64], count: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Return the numbers of `count` rows of each class, in a random order."""
    rows = [rng.choice(np.flatnonzero(y == label), count, replace=False) for label in np.unique(y)]
    return rng.permutation(np.concatenate(rows))


def adapted(
    data: ska_edge.Dataset, windows: int, seed: int, folder: Path, rate: float | None
) -> NDArray[np.float64]:
    """Return the accuracies in % before and after the learning, for each person, (people, 2).

    The model learns `windows` windows of each activity of the new person, one after the other, as a
    device does and with the same bits. The accuracy is that of the person's other windows.
    """
    assert data.group is not None
    rng, found = np.random.default_rng(seed), []
    for new in rng.permutation(np.unique(data.group)).reshape(-1, NEW):
        others = data.take(np.flatnonzero(~np.isin(data.group, new)))
        trained = ska_edge.train(others, test_fraction=0, seed=seed, rate=rate, arithmetic="fixed")
        trained.model.save(folder / "others.ska")
        for person in new:
            rows = data.take(np.flatnonzero(data.group == person))
            learned = drawn(rows.y, windows, rng)
            tested = rows.take(np.setdiff1d(np.arange(len(rows.y)), learned))
            model = ska_edge.load(folder / "others.ska")
            before = model.evaluate(tested).accuracy
            model.learn(rows.x[learned], model.classes[rows.y[learned]])
            found.append((before, model.evaluate(tested).accuracy))
    return 100 * np.array(found)


def main() -> None:
    """Write the recordings, and print the accuracy for new people."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=10, help="an even number, 4 or more")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="length of a recording")
    parser.add_argument("--windows", type=int, default=6, help="of each activity, to learn")
    parser.add_argument("--rate", type=float, help="of the training; by default found by trials")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument(
        "--quick",
        action="store_true",
        help="4 people, 20 seconds, 3 windows, 1 seed, a fixed rate, no watch",
    )
    parser.add_argument("-o", "--output", type=Path, default=Path("activity"))
    given = parser.parse_args()
    if given.quick:
        given.people, given.seconds, given.windows, given.seeds = 4, 20.0, 3, 1
        given.rate = 1 / 16
    write_movements(given.output / "movements", given.people, given.seconds)
    sets = {"movements": 128}
    if not given.quick:
        write_watch(given.output / "watch")
        sets["watch"] = 200
    print(
        f"accuracy in % for a new person, {given.windows} windows of each activity are learned;"
        f" mean +- std of all people and {given.seeds} seeds"
    )
    for name, window in sets.items():
        data = ska_edge.load_data(given.output / name, window=window, frontend="statistics")
        runs = [
            adapted(data, given.windows, seed, given.output, given.rate)
            for seed in range(given.seeds)
        ]
        before, after = np.concatenate(runs).T
        print(
            f"{name:10} before {before.mean():5.1f} +- {before.std():4.1f}"
            f"  after {after.mean():5.1f} +- {after.std():4.1f}"
            f"  better in {100 * np.mean(after > before):3.0f} % of the cases",
            flush=True,
        )


if __name__ == "__main__":
    main()
