"""Measures what a device learns from the rows that the host did not have.

The host learns the first rows of a training set. A device learns each of the others once, at a rate
that is constant, lower or falling; the host's trainer has the same bits.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace

import numpy as np

from ska_edge.data.dataset import Dataset
from ska_edge.data.load import load
from ska_edge.data.split.plain import split
from ska_edge.network.engine.choice import trainer_for
from ska_edge.plan.decay import Decay
from ska_edge.training.options import Options
from ska_edge.training.train import train
from tests.bench import keel
from tests.bench.markdown import percent, table

SEEDS = range(5, 10)
FIRST = 500
BUILT_IN, KEEL = ("digits",), ("letter",)
# How many times the rate is halved before the device's first row, and while it learns.
RATES = {
    "constant rate": (0, 0),
    "rate / 4": (2, 0),
    "rate / 16": (4, 0),
    "halved 2 times": (0, 2),
    "halved 4 times": (0, 4),
}


def learned_later(work: tuple[str, int]) -> list[float]:
    """Return the test accuracy with the first rows, with each of `RATES` after the others, and of a
    host that learns all rows.
    """
    name, seed = work
    fit, test = split(load(name) if name in BUILT_IN else keel.keel(name), 0.2, seed)
    order = np.random.default_rng(seed).permutation(len(fit.y))
    first, rest = fit.take(order[:FIRST]), fit.take(order[FIRST:])
    model = train(_rows(first), Options(seed=seed, test_fraction=0.0)).model
    found = [model.evaluate(test).accuracy]
    for before, times in RATES.values():
        decay = Decay(times, len(rest.y) // (times + 1)) if times else Decay()
        state = model.state.learned(replace(model.plan, decay=decay))
        state.halve_rate(before)
        device = trainer_for(state, len(rest.y))
        for _ in device.learn_stream(model.quantize(rest.x), rest.y):
            pass
        after = replace(model, plan=state.plan, state=device.state, reference=None)
        found.append(after.evaluate(test).accuracy)
    whole = train(_rows(fit), Options(seed=seed, test_fraction=0.0)).model
    return [*found, whole.evaluate(test).accuracy]


def _rows(rows: Dataset) -> Dataset:
    """Return rows without what their split has noted about them."""
    return Dataset(rows.name, rows.x, rows.y, rows.labels)


def few_rows_table(pool: ProcessPoolExecutor) -> str:
    """Return the table of what a device learns at each of `RATES`."""
    rows = []
    for name in (*BUILT_IN, *(KEEL if keel.available() else ())):
        found = zip(*pool.map(learned_later, [(name, seed) for seed in SEEDS]), strict=True)
        rows.append([name, *map(percent, found)])
        print(*rows[-1], sep="  ", flush=True)
    return table(["data", "before", *RATES, "host learns all"], rows)


SECTIONS: dict[str, Callable[[ProcessPoolExecutor], str]] = {"few_rows": few_rows_table}
