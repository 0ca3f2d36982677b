"""Measures how a model for smart-watch exercises learns an unseen person, for docs/LEARNING.md.

The controls learn the same few windows of the person, without the model: a new network with the
same options, and a logistic regression.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from ska_edge.data.dataset import Dataset
from ska_edge.data.load import load
from ska_edge.training.options import Options
from ska_edge.training.train import Trained, train
from tests.bench.baseline import CONSTANT
from tests.bench.markdown import percent, table

SEEDS = range(5)
CONTROL_SEEDS = range(5, 15)
WATCH: dict[str, Any] = {**CONSTANT, "hidden": (64,), "rate": 2**-5}
PERSON: dict[str, Any] = {"rate": 2**-4, "epochs": 30}
WINDOWS = (1, 3, 6)  # of every exercise
MOUNTINGS = {"same mounting": "watch", "turned": "watch_turned"}


def people(trained: Trained, path: Path) -> Iterator[tuple[int, dict[str, Dataset]]]:
    """Save a model to `path`; yield each person that it has not seen, with the person's rows for
    each of `MOUNTINGS`.
    """
    trained.model.save(path)
    assert trained.test.group is not None
    data = {mounting: load(name) for mounting, name in MOUNTINGS.items()}
    for person in np.unique(trained.test.group).tolist():
        yield person, {mounting: rows.of_group(person) for mounting, rows in data.items()}


def figure(trained: Trained, arithmetic: str = "fixed", before: bool = False) -> float:
    """Return a test accuracy: after the training, or before its first update."""
    accuracy = trained.before if before else trained.accuracy
    assert accuracy is not None
    return float(accuracy[arithmetic]["test"] or 0.0)


def adaptation(work: tuple[str, bool, float, int]) -> list[tuple[float, ...]]:
    """Return the accuracies (before, fixed, float) for each unseen person, who wears the watch
    turned, and the fraction of samples that were skipped. "before" is the accuracy before the
    network learns 3 windows of every exercise with the margin; "fixed" and "float" are the
    accuracies after it.
    """
    rule, readout_only, margin, seed = work
    found = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.ska"
        trained = train(load("watch"), Options(rule=rule, seed=seed, **WATCH))
        options = Options(
            start=path,
            per_class=3,
            seed=seed,
            readout_only=readout_only,
            margin=margin,
            **PERSON,
        )
        for _, rows in people(trained, path):
            after = train(rows["turned"], options)
            real = figure(after, "float")
            found.append((figure(after, before=True), figure(after), real, after.skipped or 0.0))
    return found


def controls(seed: int) -> list[list[list[float]]]:
    """Return four accuracies for each unseen person, and for each mounting and number of windows:
    before and after the adaptation, of a new network, and of a logistic regression.
    """
    found = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.ska"
        trained = train(load("watch"), Options(seed=seed, **WATCH))
        for _, rows in people(trained, path):
            cases = [(one, windows) for one in rows.values() for windows in WINDOWS]
            found.append([_compared(trained, path, *case, seed) for case in cases])
    return found


def _compared(trained: Trained, path: Path, rows: Dataset, windows: int, seed: int) -> list[float]:
    chosen: dict[str, Any] = {"per_class": windows, "seed": seed}
    after = train(rows, Options(start=path, **PERSON, **chosen))
    new = train(rows, Options(**{**WATCH, **PERSON, **chosen}))
    scaling = trained.model.scaling
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some runs stop before they converge
        linear = LogisticRegression(max_iter=500).fit(scaling.apply(after.train.x), after.train.y)
    score = float(linear.score(scaling.apply(after.test.x), after.test.y))
    return [figure(after, before=True), figure(after), figure(new), score]


def adaptation_table(pool: ProcessPoolExecutor) -> str:
    rows = []
    for rule, readout_only in (("local", False), ("feedback", False), ("local", True)):
        work = [(rule, readout_only, 0.0, seed) for seed in SEEDS]
        people = [person for seed in pool.map(adaptation, work) for person in seed]
        before, fixed, real, _ = zip(*people, strict=True)
        name = f"{rule}, readout only" if readout_only else rule
        rows.append([name, percent(before), percent(fixed), percent(real)])
    return table(["rule", "before, %", "after, fixed, %", "after, float, %"], rows)


def controls_table(pool: ProcessPoolExecutor) -> str:
    """Return the table of the adaptation and its controls, for each mounting and number of
    windows.
    """
    people = [person for seed in pool.map(controls, CONTROL_SEEDS) for person in seed]
    cases = [(mounting, str(windows)) for mounting in MOUNTINGS for windows in WINDOWS]
    figures = np.array(people).transpose(1, 2, 0)  # axes: cases, figures, people
    rows = [[*case, *map(percent, each)] for case, each in zip(cases, figures, strict=True)]
    head = ["new person", "windows of each exercise", "before, %", "adapted, %"]
    return table([*head, "new network, %", "logistic regression, %"], rows)


SECTIONS = {"adaptation": adaptation_table, "controls": controls_table}
