"""Measure how well a device learns a new class from five rows, for docs/LEARNING.md.

A model learns all classes but one. The class that it lacks is then taught with five random rows, as
`ska-edge teach` does it on a device; the host's trainer has the same bits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np

from ska_edge.data.dataset import Dataset
from ska_edge.data.load import load
from ska_edge.data.split.plain import split
from ska_edge.model.model_file import Model
from ska_edge.monitor.teach import PASSES, repeated, times_slower
from ska_edge.network.state import State
from ska_edge.network.trainer import FixedTrainer
from ska_edge.plan.replay import Replay
from ska_edge.training.options import Options
from ska_edge.training.train import train
from tests.bench.uci import UCI, VARIABLE, uci, wheel

SEEDS = range(5, 10)
ROWS = 5
# Data, and the classes that a model lacks in turn.
DATA: tuple[tuple[str, tuple[int, ...]], ...] = (
    ("digits", (9, 3, 0)),
    ("vowels", (8, 2, 5)),
    ("watch", (0, 3, 6)),
    ("libras", (3, 8, 12)),
)
HEAD = (
    *("data", "before, %", "taught, %", "old classes, %", "new class, %"),
    *("without rehearsal, %", "old classes, %", "all rows on the host, %"),
)


def dataset(name: str) -> Dataset:
    return uci(name) if name in UCI else load(name)


def recalls(model: Model, state: State, test: Dataset, new: int) -> tuple[float, float, float]:
    """Return the mean recall of all classes, of the old ones, and the recall of the new class.

    The rows of `test` are labeled by the names of the classes.
    """
    found = replace(model, state=state, plan=state.plan, reference=None)
    recall = {
        name: value
        for name, value in found.evaluate(found.matched(test)).recall.items()
        if value is not None
    }
    old = [value for name, value in recall.items() if name != test.labels[new]]
    return float(np.mean([*recall.values()])), float(np.mean(old)), recall[test.labels[new]]


def without_buffer(state: State) -> State:
    """Return a fresh state with the same parameters and class names, but no replay buffer."""
    found = State(replace(state.plan, replay=Replay()), state.parameters)
    found.names[:] = state.names
    return found


def five_rows(work: tuple[str, int, int]) -> list[float] | None:
    """Return the table's figures for one class and one seed; None if no test row has the class."""
    name, new, seed = work
    data = dataset(name)
    fit, test = split(data, 0.2, seed)
    if new not in test.y:
        return None
    known = fit.take(fit.y != new)
    names = tuple(label for label in data.labels if label != data.labels[new])
    chosen: dict[str, Any] = {"seed": seed, "test_fraction": 0.0}
    given = Dataset(name, known.x, known.with_classes(names).y, names)
    model = train(given, Options(spare_classes=1, **chosen)).model
    state = model.state.flashed(10)
    label = state.add_class(data.labels[new])
    before = _before(model, test, new)
    rows = np.random.default_rng(seed).permutation(np.flatnonzero(fit.y == new))[:ROWS]
    order = repeated(len(rows), PASSES, seed)
    inputs, labels = model.quantize(fit.x[rows])[order], np.full(len(order), label)
    figures = [before]
    for start, count in ((state, 3), (without_buffer(state), 2)):
        start.halve_rate(times_slower(start.plan))
        trainer = FixedTrainer(start, check=False)
        for _ in trainer.learn_stream(inputs, labels):
            pass
        figures += recalls(model, trainer.state, test, new)[:count]
    whole = train(Dataset(name, fit.x, fit.y, data.labels), Options(**chosen)).model
    return [*figures, recalls(whole, whole.state, test, new)[0]]


def _before(model: Model, test: Dataset, new: int) -> float:
    """Return the mean recall of all classes before the new class is known.

    The recall of the new class counts as 0.
    """
    old = test.take(test.y != new)
    recall = model.evaluate(Dataset("old", old.x, old.y, test.labels)).recall
    return float(np.sum([value for value in recall.values() if value]) / len(np.unique(test.y)))


def rows_of_table(pool: ProcessPoolExecutor) -> Iterator[Sequence[str]]:
    """Yield the rows under `HEAD`: means over the seeds and the classes.

    Data of UCI need the wheel of tests/bench/uci.py; otherwise their row is left out.
    """
    for name, classes in DATA:
        if name in UCI and wheel() is None:
            print(f"{name} is left out: {VARIABLE} has no path of a wheel", flush=True)
            continue
        work = [(name, new, seed) for new in classes for seed in SEEDS]
        figures = [each for each in pool.map(five_rows, work) if each is not None]
        means = 100 * np.mean(figures, axis=0)
        yield name, *(f"{mean:.1f}" for mean in means)
