"""What the tests of sweeps share: a grid, and runs in this process."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from ska_edge.data.dataset import Dataset
from ska_edge.training.options import Options
from ska_edge.training.sweep.experiment import Record, run
from ska_edge.training.sweep.sweep import Grid

GRID = Grid(
    {"rule": ("local", "feedback"), "hidden": ((3,),), "rate": (0.25,)}, Options(epochs=1), seeds=2
)


def in_turn(dataset: Dataset, options: Sequence[Options]) -> Iterator[Record]:
    return (run(dataset, each) for each in options)


def lines(path: Path) -> list[Record]:
    return [json.loads(line) for line in path.read_text().splitlines()]
