"""Measures how a model for smart-watch exercises learns an unseen person, for docs/LEARNING.md."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from ska_edge.data.dataset import Dataset
from ska_edge.data.load import load
from ska_edge.training.options import Options
from ska_edge.training.train import Trained, train
from tests.bench.baseline import CONSTANT
from tests.bench.markdown import percent, table

SEEDS = range(5)
WATCH: dict[str, Any] = {**CONSTANT, "hidden": (64,), "rate": 2**-5}
PERSON: dict[str, Any] = {"rate": 2**-4, "epochs": 30}
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


def adaptation_table(pool: ProcessPoolExecutor) -> str:
    rows = []
    for rule, readout_only in (("local", False), ("feedback", False), ("local", True)):
        work = [(rule, readout_only, 0.0, seed) for seed in SEEDS]
        people = [person for seed in pool.map(adaptation, work) for person in seed]
        before, fixed, real, _ = zip(*people, strict=True)
        name = f"{rule}, readout only" if readout_only else rule
        rows.append([name, percent(before), percent(fixed), percent(real)])
    return table(["rule", "before, %", "after, fixed, %", "after, float, %"], rows)


SECTIONS = {"adaptation": adaptation_table}
