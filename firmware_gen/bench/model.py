"""Models the cycles of inference and learning, on boards whose core is in `cycles.CORES`."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from firmware_gen.bench.cycles import CORES, Cycles
from firmware_gen.bench.task import Task
from firmware_gen.bench.trace import Tracer
from firmware_gen.board.board import Board
from ska_edge.errors import CheckError

NEEDED = "unicorn"
"""The Python package in which the modelled functions run."""


@dataclass(frozen=True)
class Modelled:
    """The modelled cycles of a call, mean over the samples: the least, the modelled and the most.

    The call instruction is not included.
    """

    infer: tuple[float, float, float]
    learn: tuple[float, float, float]


def modelled(elf: Path, board: Board, tasks: Sequence[Task]) -> tuple[Modelled, ...] | None:
    """Model the cycles of each task; `elf` is the smallest firmware (bench_size.c) for `board`.

    Returns None if the core has no timings, or the package `NEEDED` is not installed.

    Raises:
        CheckError: the image learned other weights than the host.
        ToolError: capstone or pyelftools is missing.
    """
    if board.core not in CORES or importlib.util.find_spec(NEEDED) is None:
        return None
    image = Tracer(elf, board)
    return tuple(_modelled(image, board, task) for task in tasks)


def _modelled(image: Tracer, board: Board, task: Task) -> Modelled:
    core, network = CORES[board.core], image.symbols["bench_state"]
    x = (image.symbols["ska_bss_end"] + 7) // 8 * 8  # after the variables, below the stack
    width = task.plan.layers[0].input.bits // 8
    image.write(image.symbols["ska_initial_parameters"], task.bytes(task.initial))
    image.call("ska_init", network)
    infer: Cycles = np.zeros(3, dtype=np.int64)
    learn: Cycles = np.zeros(3, dtype=np.int64)
    for sample, label in zip(task.inputs, task.labels.tolist(), strict=True):
        image.write(x, sample.astype(f"<i{width}").tobytes())
        infer += core.cycles(image.call("ska_infer", network, x), image.code)
        learn += core.cycles(image.call("ska_learn", network, x, label), image.code)
    _check(image, network, task)
    count = len(task.labels)
    return Modelled(*(tuple((total / count).tolist()) for total in (infer, learn)))


def _check(image: Tracer, network: int, task: Task) -> None:
    place = network
    for field in task.plan.state_fields():
        if field.name == "parameters":
            break
        place += field.size
    expected = task.bytes(task.learned)
    if image.read(place, len(expected)) != expected:
        raise CheckError(
            f"after {len(task.labels)} samples the weights in unicorn are not the host's, so the"
            " modelled cycles are worthless; find the first difference with ska-edge verify"
        )
