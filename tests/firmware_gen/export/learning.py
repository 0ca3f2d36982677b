"""Write exports, and compute what their two examples must do: learn, and serve a host."""

from __future__ import annotations

import os
import subprocess
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

import ska_edge
from firmware_gen.emit.names.prefix import DEFAULT
from firmware_gen.export.write import Written, write_export
from ska_edge.arithmetic.fixedpoint import QFormat
from ska_edge.device.link import Link
from ska_edge.device.stream import Stream
from ska_edge.model.model_file import Model
from ska_edge.model.scaling import Scaling
from ska_edge.monitor.log.line import LogRow
from ska_edge.monitor.monitor import Monitor
from ska_edge.monitor.replay import rebuild
from ska_edge.monitor.sinks.log import Log
from ska_edge.network.state import State
from ska_edge.network.trainer import FixedTrainer
from ska_edge.plan.replay import Replay
from ska_edge.plan.resolve import make_plan
from ska_edge.wire.protocol import Capability

PLAN = make_plan((7, 6, 3), rate=0.0625, input_format=QFormat(8, 5), replay=Replay(2, 1))
WEIGHTS = np.random.default_rng(1).integers(-300, 300, PLAN.parameter_count)
LINES = 3
ROWS = 20


def export(kind: str, folder: Path, prefix: str = DEFAULT) -> Written:
    return write_export(kind, PLAN, WEIGHTS, folder, prefix=prefix)


class Sensor:
    """The made-up samples of the examples' sensor.h, computed in Python."""

    def __init__(self) -> None:
        self._number = 1

    def _noise(self) -> int:
        self._number = (self._number * 1664525 + 1013904223) % 2**32
        return self._number // 2**24

    def read(self) -> tuple[list[int], int]:
        label = self._noise() % PLAN.classes
        levels = [40 if i % PLAN.classes == label else -40 for i in range(PLAN.inputs)]
        return [level + self._noise() // 4 - 32 for level in levels], label


def expected_lines() -> list[str]:
    """Return the first lines that an example prints, one for every 100 samples."""
    trainer, sensor = FixedTrainer(State(PLAN, WEIGHTS)), Sensor()
    right, lines = 0, []
    for count in range(1, 100 * LINES + 1):
        x, label = sensor.read()
        right += int(np.argmax(trainer.learn_one(np.array(x), label))) == label
        if count % 100 == 0:
            lines.append(
                f"{count} samples, right before learning: {right} of the last 100,"
                f" state {trainer.state.crc:X}"
            )
            right = 0
    return lines


def network() -> Model:
    scaling = Scaling(np.zeros(PLAN.inputs), np.ones(PLAN.inputs))
    return Model(PLAN, State(PLAN, WEIGHTS), scaling)


def check_followed(port: str, log: Path) -> None:
    """Check that a fresh device reports to a monitor each sample that it learns from its sensor.

    The log must have the samples of the sensor, and give the weights of the device.
    """
    stream = Stream(lambda: Link(port), PLAN.digest, plan=PLAN)
    stream.listen()
    monitor, sensor = Monitor(stream, PLAN), Sensor()
    writer, rows = Log(log, monitor.info), 0
    for line in monitor.follow(ROWS):
        writer.write(line)
        if isinstance(line, LogRow):
            assert (list(line.x), line.label) == sensor.read()
            rows += 1
    writer.close()
    stream.close()
    assert rows >= ROWS
    found = rebuild(log, network())
    assert (found.rows, found.checked) == (rows, True)
    with ska_edge.connect(port, network()) as device:
        assert device.pull().state.to_bytes() == found.state.to_bytes()


@contextmanager
def served(program: Path) -> Iterator[str]:
    """Run a program that serves over standard input and output; give the port that reaches it."""
    end, terminal = os.openpty()
    tty.setraw(terminal)
    with subprocess.Popen([program], stdin=end, stdout=end) as process:
        try:
            yield os.ttyname(terminal)
        finally:
            process.kill()
            os.close(end)
            os.close(terminal)


def check_served(port: str) -> int:
    """Check that a fresh device at a port learns to the trainer's state, bit for bit.

    If the device can save, it then saves. Return the number of its saves.
    """
    model = network()
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
