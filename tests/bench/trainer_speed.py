"""Measure the fixed trainer's CPU time per sample: numpy and the native engine, on one core.

`make bench` runs it. Both learn the same samples one by one, from the same initial weights, and
must end with the same bits. The engine's time includes the rows that numpy checks. The engine
should be at least 100 times as fast as numpy for 64-32-10, and 20 times for 784-128-10. This is a
benchmark, not a test: machines differ.
"""

from __future__ import annotations

import os
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ["SKA_EDGE_ENGINE"] = "native"

import numpy as np

from ska_edge.data.load import load
from ska_edge.network.engine import Trainer, narrow, trainer_for
from ska_edge.network.trainer import FixedTrainer
from ska_edge.training.beginning import Beginning, beginning
from ska_edge.training.options import Options
from tests.bench.baseline import CONSTANT

TASKS = {
    "digits": Options(hidden=(32,), epochs=20, **CONSTANT),
    "mnist5k": Options(hidden=(128,), epochs=2, scale="global", **{**CONSTANT, "rate": 2.0**-6}),
}
TRIES = 3
NUMPY_ROWS = 1000


def seconds(trainer: Trainer, begun: Beginning, rows: int) -> float:
    """Return the CPU time for learning this many rows, in calls of at most 1000 rows."""
    inputs, epoch = narrow(trainer.plan, begun.inputs), 1000
    started = time.process_time()
    for start in range(0, rows, epoch):
        part = slice(start, min(start + epoch, rows))
        for _ in trainer.learn_many(inputs[part], begun.labels[part]):
            pass
    return time.process_time() - started


def measure(name: str) -> None:
    """Print the figures of one task, the median of several tries."""
    options = TASKS[name]
    dataset = load(name)
    assert options.epochs is not None
    rows = options.epochs * (len(dataset.x) * 4 // 5)
    begun = beginning(dataset, options, rows)
    slow, fast, states = [], [], []
    for _ in range(TRIES):
        numpy = FixedTrainer(begun.model.state.copy(), check=False)
        slow.append(seconds(numpy, begun, NUMPY_ROWS) / NUMPY_ROWS)
        engine = trainer_for(begun.model.state.copy())
        fast.append(seconds(engine, begun, rows) / rows)
        short = trainer_for(begun.model.state.copy())
        seconds(short, begun, NUMPY_ROWS)
        states += [numpy.state.to_bytes(), short.state.to_bytes()]
    assert len(set(states)) == 1, "numpy and the engine differ"
    a, b = 1e6 * np.median(slow), 1e6 * np.median(fast)
    sizes = "-".join(map(str, begun.model.plan.sizes))
    print(f"{name} {sizes}: numpy {a:.0f} us a sample, engine {b:.2f} us, ratio {a / b:.0f}")


if __name__ == "__main__":
    for task in TASKS:
        measure(task)
