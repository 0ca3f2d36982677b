"""Every compiler gives equal bits at every optimization level, for a plan of each rule.

The programs run under the sanitizers. These stop at undefined behavior, which may give the right
integers at one level and wrong ones at another.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from firmware_gen.board.board import Board
from firmware_gen.build import build
from firmware_gen.emulators.flash import start
from firmware_gen.project import write_project
from ska_edge.arithmetic.fixedpoint import QFormat
from ska_edge.device.link import Link
from ska_edge.model.model_file import Model
from ska_edge.model.scaling import Scaling
from ska_edge.monitor.verify import verify
from ska_edge.network.state import State
from ska_edge.network.trainer import FixedTrainer
from ska_edge.plan.plan import Plan
from ska_edge.plan.resolve import make_plan
from ska_edge.rules.rule import RULES
from tests.conftest import without
from tests.proof.plans import PLANS

LEVELS = ("-O0", "-O1", "-O2", "-O3")
SANITIZERS = ("-fsanitize=undefined,address", "-fno-sanitize-recover=all")
SAMPLES = 12
# Most plans are so wide that every loop of every kernel runs and leaves columns over. No kernel
# has a fast update for the shifts of the plans "slow" and "coarse". In "ends" weights saturate in
# both directions. "thin" has matrices of one column. In "whole" the longest loop of a kernel takes
# all inputs and leaves none over.
WIDE = {
    "w16a8": make_plan((20, 17, 9, 3)),
    "slow": make_plan((20, 17, 9, 3), rate=2.0**-9),
    "coarse": make_plan((20, 17, 9, 3), input_format=QFormat(8, 1), rate=0.9),
    "ends": make_plan((20, 10, 6, 2), input_format=QFormat(8, 5), rate=0.9),
    "thin": make_plan((1, 1, 3), input_format=QFormat(8, 5), rate=0.9),
    "whole": make_plan((64, 9, 3)),
}
# One board for each family of kernels.
KERNELS = ("qemu-m4", "qemu-m55", "qemu-m0", "mega2560")


def random_case(plan: Plan) -> tuple[State, np.ndarray, np.ndarray]:
    """Return a state with random weights, some at the ends of their format; samples; and labels."""
    rng = np.random.default_rng(len(plan.rule))
    top = 1 << (plan.formats.weight_bits - 1)
    weights = rng.integers(-top // 2, top // 2, plan.parameter_count)
    extreme = rng.random(weights.shape) < 0.3
    weights[extreme] = rng.choice((-top, 1 - top, top - 1), int(extreme.sum()))
    format = plan.layers[0].input
    inputs = rng.integers(format.minimum, format.maximum + 1, (SAMPLES, plan.inputs))
    inputs[rng.random(inputs.shape) < 0.2] = format.minimum
    return State(plan, weights), inputs, rng.integers(0, plan.classes, SAMPLES)


def agree(
    plan: Plan, board: str, folder: Path, toolchain: str | None = None, flags: tuple[str, ...] = ()
) -> None:
    """Learn random samples from random weights on the board, and compare every integer. A spare
    output becomes a class before its first sample."""
    state, inputs, labels = random_case(plan)
    model = Model(plan, state, Scaling(np.zeros(plan.inputs), np.ones(plan.inputs)))
    added = {label: f"class {label}" for label in range(plan.named, plan.classes)}

    write_project(plan, state.parameters, board, folder)
    build(folder, flags=flags, toolchain=toolchain)
    with start(folder) as running, Link(running.port) as link:
        report = verify(link, model, inputs, labels, added=added)
    assert report.first_difference is None, report.first_difference.sentence()
    assert (report.samples, report.parameters) == (SAMPLES, plan.parameter_count)
    assert report.steps > 0


@pytest.fixture(scope="module")
def require_sanitizers(require_toolchain: Callable[[str], str]) -> Callable[[str], str]:
    """Return a function that checks that a compiler has the sanitizers, or else skips the test."""

    def require(name: str) -> str:
        command = [require_toolchain(name), "-x", "c", "-", *SANITIZERS, "-o", "/dev/null"]
        source = "int main(void) { return 0; }"
        done = subprocess.run(command, input=source, text=True, capture_output=True, check=False)
        if done.returncode != 0:
            without(f"{name} has no sanitizers here")
        return name

    return require


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("rule", RULES)
def test_the_bits_do_not_depend_on_the_compiler(
    rule: str,
    compiler: str,
    level: str,
    require_sanitizers: Callable[[str], str],
    tmp_path: Path,
) -> None:
    toolchain = require_sanitizers(compiler)
    agree(PLANS[rule], "host", tmp_path / "p", toolchain, (*SANITIZERS, level))


def test_the_wide_plans_have_the_shifts_that_they_should() -> None:
    shifts = {
        name: {plan.update_shift(layer.matrix) + plan.rate.shift for layer in plan.layers}
        for name, plan in WIDE.items()
    }
    assert shifts["w16a8"] <= set(range(8, 17))
    assert shifts["ends"] <= set(range(8, 17))
    assert min(shifts["slow"]) > 16
    assert min(shifts["coarse"]) < 8


def test_weights_saturate_at_both_ends_while_they_learn() -> None:
    plan = WIDE["ends"]
    state, inputs, labels = random_case(plan)
    trainer = FixedTrainer(state)
    top = 1 << (plan.formats.weight_bits - 1)
    reached = {-top: 0, top - 1: 0}
    for sample, label in zip(inputs, labels.tolist(), strict=True):
        before = state.parameters.copy()
        trainer.learn_one(sample, label)
        for end in reached:
            reached[end] += int(((state.parameters == end) & (before != end)).sum())
    assert all(reached.values()), reached


@pytest.mark.parametrize("name", WIDE)
@pytest.mark.parametrize("board", KERNELS)
def test_portable_kernels_have_the_bits_of_the_core_s_own(
    board: str, name: str, require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    require_board(board)
    agree(WIDE[name], board, tmp_path / "own")
    agree(WIDE[name], board, tmp_path / "portable", flags=("-DSKA_PORTABLE",))
    images = [(tmp_path / folder / "build" / "firmware.elf") for folder in ("own", "portable")]
    assert images[0].read_bytes() != images[1].read_bytes()


@pytest.mark.parametrize("level", ["-O0", "-O1", "-O3"])
@pytest.mark.parametrize("board", KERNELS)
def test_kernels_have_the_trainers_bits_at_every_level(
    board: str, level: str, require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    require_board(board)
    agree(WIDE["w16a8"], board, tmp_path / "p", flags=(level,))


@pytest.mark.parametrize("board", ["qemu-m0", "qemu-m3", "qemu-m4", "qemu-rv32"])
def test_zig_builds_the_same_bits(
    board: str, require_board: Callable[[str], Board], zig: str, tmp_path: Path
) -> None:
    require_board(board)
    agree(WIDE["w16a8"], board, tmp_path / "p", toolchain=zig)
