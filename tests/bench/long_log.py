"""Writes a monitor's log of many rows, as a device that runs for weeks would leave it.

    python -m tests.bench.long_log FILE.jsonl MODEL.ska [--rows 1000000]

Every row was really learned, so `ska-edge replay` can rebuild the state, and the last line has the
state's CRC. Blocks of `FRESH` rows share one set of metrics, because computing metrics takes longer
than learning. A replay does not use metrics.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ska_edge.data.load import load
from ska_edge.model.model_file import Model
from ska_edge.model.open import open_model
from ska_edge.monitor.log.line import (
    CHECKPOINT,
    LogLine,
    LogRow,
    RowNotice,
    SessionEnd,
    SessionStart,
)
from ska_edge.monitor.log.value import Mark
from ska_edge.network.engine import trainer_for
from ska_edge.network.measures.metrics import layer_metrics
from ska_edge.network.state import State

FRESH = 500
AHEAD = 4  # rows in flight on a line at 115200 baud
TOKEN = 1710625016


def mark(state: State, *, halvings: bool = True) -> Mark:
    return Mark(state.step, state.samples, state.crc, state.halvings if halvings else None)


def rows(model: Model, notices: list[RowNotice]) -> Iterator[LogRow]:
    """Learn the announced rows; yield the log's line about each of them."""
    state = model.state.flashed()
    trainer = trainer_for(state, learn=len(notices))
    metrics: list[dict[str, float]] = []
    for start in range(0, len(notices), FRESH):
        part = notices[start : start + FRESH]
        x = np.array([notice.x for notice in part])
        labels = np.array([notice.label for notice in part])
        learned = [*trainer.learn_stream(x, labels)]
        decisions = np.concatenate([each.decisions for each in learned]).tolist()
        steps = np.concatenate([each.steps for each in learned]).tolist()
        sums = trainer.metrics()
        metrics = [layer_metrics(model.plan, i, each).as_dict() for i, each in enumerate(sums)]
        for notice, decided, step in zip(part, decisions, steps, strict=True):
            halvings = None if notice.sample % CHECKPOINT else state.halvings
            predicted = decided.index(max(decided))
            yield LogRow(
                notice.sample,
                notice.label,
                notice.x,
                step,
                predicted,
                tuple(decided),
                metrics,
                halvings,
            )
    model.state = state


def lines(model: Model, count: int, seed: int = 0) -> Iterator[LogLine]:
    """Yield the lines of one session in which a device learns `count` random rows of the model's
    data.

    At the end the model has the device's state.
    """
    data = load(str(model.notes["data"]))
    inputs = model.quantize(data.x)
    order = np.random.default_rng(seed).integers(len(inputs), size=count).tolist()
    notices = [
        RowNotice(number, TOKEN, int(data.y[row]), tuple(inputs[row].tolist()))
        for number, row in enumerate(order, 1)
    ]
    yield SessionStart("host", "/dev/pts/0", model.plan.digest, mark(model.state.flashed()))
    yield from notices[:AHEAD]
    for number, row in enumerate(rows(model, notices), 1):
        yield row
        yield from notices[number + AHEAD - 1 : number + AHEAD]
    yield SessionEnd(mark(model.state, halvings=False))


def main() -> None:
    parser = argparse.ArgumentParser(description="writes a long monitor's log")
    parser.add_argument("log", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    asked = parser.parse_args()
    with asked.log.open("w", encoding="utf-8") as file:
        for line in lines(open_model(asked.model), asked.rows):
            file.write(json.dumps(line.as_dict()) + "\n")


if __name__ == "__main__":
    main()
