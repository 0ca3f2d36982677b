"""Writes a monitor's log of many rows, as a device that runs for weeks would leave it.

    python -m tests.bench.long_log FILE.jsonl MODEL.ska [--rows 1000000]

Every row was really learned, so `ska-edge replay` can rebuild the state, and the last line has its
CRC. Computing the metrics costs more than learning, so only every `FRESH`-th row has new ones;
between them the rows repeat the last ones. A replay reads them but does not use them.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ska_edge.data.load import load
from ska_edge.model.model_file import Model
from ska_edge.model.open import open_model
from ska_edge.monitor.log_line import (
    CHECKPOINT,
    LogLine,
    LogRow,
    Mark,
    RowNotice,
    SessionEnd,
    SessionStart,
)
from ska_edge.network.metrics import layer_metrics
from ska_edge.network.state import State
from ska_edge.network.trainer import FixedTrainer

FRESH = 500  # rows with the same metrics
AHEAD = 4  # rows in flight on a line at 115200 baud
TOKEN = 1710625016


def mark(state: State, *, halvings: bool = True) -> Mark:
    """The present progress."""
    return Mark(state.step, state.samples, state.crc, state.halvings if halvings else None)


def lines(model: Model, count: int, seed: int = 0) -> Iterator[LogLine]:
    """The lines of one session in which a device learns `count` random rows of its data."""
    trainer, plan = FixedTrainer(model.state.flashed(), check=False), model.plan
    state = trainer.state
    data = load(str(model.notes["data"]))
    inputs = model.quantize(data.x)
    order = np.random.default_rng(seed).integers(len(inputs), size=count).tolist()
    notices = [
        RowNotice(number, TOKEN, int(data.y[row]), tuple(inputs[row].tolist()))
        for number, row in enumerate(order, 1)
    ]
    yield SessionStart("host", "/dev/pts/0", plan.digest, mark(state))
    yield from notices[:AHEAD]
    metrics: list[dict[str, Any]] = []
    for number, notice in enumerate(notices, 1):
        decisions = trainer.learn_one(np.array(notice.x), notice.label)
        if number % FRESH == 1:
            sums = trainer.metrics()
            metrics = [layer_metrics(plan, i, each).as_dict() for i, each in enumerate(sums)]
        yield LogRow(
            number,
            notice.label,
            notice.x,
            state.step,
            int(decisions.argmax()),
            tuple(decisions.tolist()),
            metrics,
            None if number % CHECKPOINT else state.halvings,
        )
        yield from notices[number + AHEAD - 1 : number + AHEAD]
    yield SessionEnd(mark(state, halvings=False))


def main() -> None:
    """Write a log."""
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
