"""Read a monitor's log of a device that learns rows of iris, and compute the resulting state."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from ska_edge.data.load import load
from ska_edge.device.link import Link
from ska_edge.model.model_file import Model
from ska_edge.monitor.lesson import prepare
from ska_edge.network.state import State
from ska_edge.network.trainer import FixedTrainer

Line = dict[str, Any]
ROWS = 40  # rows that a device learns by default


def published_lines_of(path: str | Path) -> list[Line]:
    """Return the lines of a log that a broker also gets: all except `sent` and `setting`."""
    text = Path(path).read_text(encoding="utf-8")
    lines = [json.loads(line) for line in text.splitlines()]
    return [line for line in lines if not {"sent", "setting"} & set(line)]


def lines_of(path: str | Path) -> list[Line]:
    """Return the lines of a log that a broker also gets, without those about held-out rows."""
    return [line for line in published_lines_of(path) if "held_out" not in line]


def rows_of(lines: list[Line]) -> list[Line]:
    return [line for line in lines if "sample" in line]


def taught(model: Model, count: int, first: int = 0, step: int = 1) -> State:
    """Return a device's state after learning these rows of iris, in the order of `monitor`."""
    trainer = FixedTrainer(model.state.flashed())
    data = load("iris")
    lesson = prepare(
        model.quantize(data.x), data.y, samples=count, order="shuffled", seed=0, hold_out=None
    )
    for row in range(first, count, step):
        trainer.learn_one(lesson.inputs[row], int(lesson.labels[row]))
    return trainer.state


def logged(model: Model, lines: list[Line]) -> State:
    """Return the state of a device that learned a log's rows from the flashed weights on."""
    trainer = FixedTrainer(model.state.flashed())
    saved = trainer.state.to_bytes()
    for line in lines:
        if "sample" in line:
            decisions = trainer.learn_one(np.array(line["x"]), line["label"])
            assert trainer.state.samples == line["sample"]
            assert line["decisions"] in (None, decisions.tolist())
        elif "saved" in line:
            assert line["saved"] == trainer.state.samples
            saved = trainer.state.to_bytes()
        elif line.get("fell_back"):
            trainer = FixedTrainer(State.from_bytes(model.plan, saved))
        elif "rate" in line:
            trainer.state.halve_rate(line["rate"])
    return trainer.state


def pulled(model: Model, port: str) -> State:
    with Link(port) as link:
        return State.from_bytes(model.plan, link.pull(model.plan.state_bytes))
