"""What the examples of the exports print: the trainer learns from the same invented sensor."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from firmware_gen.export.write import Written, write_export
from ska_edge.arithmetic.fixedpoint import QFormat
from ska_edge.network.state import State
from ska_edge.network.trainer import FixedTrainer
from ska_edge.plan.plan import Replay
from ska_edge.plan.resolve import make_plan

PLAN = make_plan((7, 6, 3), rate=0.0625, input_format=QFormat(8, 5), replay=Replay(2, 1))
WEIGHTS = np.random.default_rng(1).integers(-300, 300, PLAN.parameter_count)
LINES = 3


def export(kind: str, folder: Path) -> Written:
    """Write an export of the network to a folder."""
    return write_export(kind, PLAN, WEIGHTS, folder)


def expected_lines() -> list[str]:
    """Return the first lines that an example prints, one for every 100 samples."""
    trainer = FixedTrainer(State(PLAN, WEIGHTS))
    number, right, lines = 1, 0, []

    def noise() -> int:
        nonlocal number
        number = (number * 1664525 + 1013904223) % 2**32
        return number // 2**24

    for count in range(1, 100 * LINES + 1):
        label = noise() % PLAN.classes
        levels = [40 if i % PLAN.classes == label else -40 for i in range(PLAN.inputs)]
        x = np.array([level + noise() // 4 - 32 for level in levels])
        right += int(np.argmax(trainer.learn_one(x, label))) == label
        if count % 100 == 0:
            lines.append(
                f"{count} samples, right before learning: {right} of the last 100,"
                f" state {trainer.state.crc:X}"
            )
            right = 0
    return lines
