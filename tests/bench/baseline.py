"""Measure the boards that count instructions or cycles, and compare with the committed figures.

Run `make bench-baseline` after an intended change; `git diff` then shows the cost.
"""

from __future__ import annotations

import functools
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from firmware_gen.bench.bench import bench
from firmware_gen.bench.task import Task
from firmware_gen.board.board import Board, board_names, load_board
from ska_edge.cli.commands.bench import SAMPLES, bench_document, later_tasks, task_of
from ska_edge.data.load import load
from ska_edge.training.beginning import Beginning, beginning
from ska_edge.training.options import Options
from tests.bench import front

FILE = Path(__file__).with_name("baseline.json")
FRONT = (
    *("front_sample", "front_sample_most", "front_window"),
    *("kernels_window", "spectrum_window", "echo_sample", "echo_window", "front_image"),
)
"""Instructions of the front ends on the boards of `front.BOARDS`, see `front.figures`."""
FIGURES = ("infer", "learn", "learn_margin", "flash", "ram", "stack", "code", *FRONT)
"""`learn_margin` is the cost of a learning step with the margin `DEVICE_MARGIN`, after `EPOCHS`
epochs without one.
"""
# A constant rate and plain initial weights keep new figures comparable with older ones.
CONSTANT: dict[str, Any] = {"rate": 0.125, "decay": 0, "hidden_halvings": 0, "spread": 0}
MARGIN = 0.02
DEVICE_MARGIN, EPOCHS = 0.1, 5

SLOW = ("microbit-v1", "microbit-v2", "nucleo-f401re", "nucleo-l476rg")
"""Boards on a strict chip model, which counts slowly. `qemu-m0` and `qemu-m4` run the same code."""
BOARDS = tuple(
    name
    for name in board_names()
    if load_board(name).counter is not None
    and load_board(name).bench is not None
    and name not in SLOW
)


@functools.lru_cache
def begun(data: str, hidden: tuple[int, ...]) -> Beginning:
    """Return the beginning of a training, calibrated once for all boards that share it."""
    return beginning(load(data), Options(hidden=hidden, **CONSTANT), SAMPLES)


@functools.lru_cache
def task(data: str, hidden: tuple[int, ...]) -> Task:
    return task_of(begun(data, hidden))


@functools.lru_cache
def margin_task(data: str, hidden: tuple[int, ...]) -> Task:
    """Return the workload on a device with a margin, after `EPOCHS` epochs without one."""
    start = begun(data, hidden)
    (later,) = later_tasks(start, task_of(start, DEVICE_MARGIN), (EPOCHS,))
    return later


def measured(board: Board) -> dict[str, Any]:
    """Measure a board with its own workload; return the compiler and the figures."""
    assert board.bench is not None
    network = board.bench.data, board.bench.hidden
    work, later = task(*network), margin_task(*network)
    with tempfile.TemporaryDirectory() as folder:
        found = bench(board, work, Path(folder), later=[later])
        fronts = front.figures(board.name, Path(folder)) if board.name in front.BOARDS else {}
    document = bench_document(board, work, replace(found, later=()))
    document["learn_margin"] = round(found.later[0].learn, 1)
    own = {name: document[name] for name in FIGURES if name not in FRONT}
    return {"compiler": document["compiler"], **own, **fronts}


def committed() -> dict[str, dict[str, Any]]:
    content = json.loads(FILE.read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


def changes(before: dict[str, Any], now: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Return the figures that grew and the figures that shrank, each by more than the margin. A new
    or lost figure counts as grown.
    """
    grown, shrunk = [], []
    for name in FIGURES:
        old, new = before.get(name), now.get(name)
        text = f"{name} {old} -> {new}"
        if old == new:
            continue
        if old is None or new is None or new > old * (1 + MARGIN):
            grown.append(text)
        elif new < old * (1 - MARGIN):
            shrunk.append(text)
    return grown, shrunk


if __name__ == "__main__":
    figures = {name: measured(load_board(name)) for name in BOARDS}
    FILE.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
