"""Write exports, and compute what their two examples must do: learn, and serve a host."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import ska_edge
from firmware_gen.export.write import Written, write_export
from ska_edge.arithmetic.fixedpoint import QFormat
from ska_edge.model.model_file import Model
from ska_edge.model.scaling import Scaling
from ska_edge.network.state import State
from ska_edge.network.trainer import FixedTrainer
from ska_edge.plan.plan import Replay
from ska_edge.plan.resolve import make_plan
from ska_edge.wire.protocol import Capability

PLAN = make_plan((7, 6, 3), rate=0.0625, input_format=QFormat(8, 5), replay=Replay(2, 1))
WEIGHTS = np.random.default_rng(1).integers(-300, 300, PLAN.parameter_count)
LINES = 3
ROWS = 20


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


def check_served(port: str) -> int:
    """Check that a fresh device at a port learns the trainer's bits, and saves if it can.

    Return the number of its saves.
    """
    model = Model(PLAN, State(PLAN, WEIGHTS), Scaling(np.zeros(PLAN.inputs), np.ones(PLAN.inputs)))
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(ROWS, PLAN.inputs)), rng.integers(0, PLAN.classes, ROWS)
    trainer = FixedTrainer(State(PLAN, WEIGHTS))
    with ska_edge.connect(port, model) as device:
        assert device.info().digest == PLAN.digest
        device.verify((x, y))
        for row, label in zip(model.quantize(x), y, strict=True):
            trainer.learn_one(row, int(label))
        assert device.pull().state.to_bytes() == trainer.state.to_bytes()
        can_save = device.info().capabilities & Capability.SAVE
        return device.save().saves if can_save else 0
