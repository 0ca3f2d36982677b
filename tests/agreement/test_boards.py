"""On every board the C runtime computes the numpy trainer's bits, for random plans and digits.

On the host the firmware runs under the sanitizers for undefined behavior and addresses, unless zig
is the only compiler. With them, undefined behavior fails a test even if the integers happen to be
right.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from firmware_gen import toolchains
from firmware_gen.board.board import Board, board_names, load_board
from firmware_gen.build import build
from firmware_gen.emulators.flash import start
from firmware_gen.memory import footprint
from ska_edge.arithmetic.fixedpoint import QFormat
from ska_edge.data.load import load
from ska_edge.device.link import Link
from ska_edge.model.model_file import Model
from ska_edge.model.scaling import Scaling
from ska_edge.monitor.verify import Report, verify
from ska_edge.network.margin import skipped
from ska_edge.network.state import State
from ska_edge.network.trainer import FixedTrainer
from ska_edge.plan.decay import Decay
from ska_edge.plan.plan import Plan
from ska_edge.plan.precision import PRECISIONS
from ska_edge.plan.range_proof import accumulator_width, update_width
from ska_edge.plan.replay import BUFFERS, FIFO, RESERVOIR, Replay
from ska_edge.plan.resolve import make_plan
from ska_edge.rules.neuron import VARIANCE
from ska_edge.rules.rule import RELU, RULES
from ska_edge.training.options import Options
from ska_edge.training.train import train
from tests.documented_board import NAME, add_documented_board

BOARDS = tuple(name for name in board_names() if load_board(name).start is not None)
SANITIZERS = ("-fsanitize=undefined,address", "-fno-sanitize-recover=all", "-O1")
PLANS = 12  # enough for every pair of a rule and a precision
RECTIFIED = (5, 8)  # the seeds of plans with ReLU: feedback with w32a16, local with w16a8


@dataclass(frozen=True)
class Case:
    """A network, and samples for it to learn; `seed` made them if they are random."""

    seed: int
    model: Model
    inputs: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class Limits:
    """The largest sizes of random plans for one size of RAM."""

    inputs: tuple[int, ...]
    width: int
    depth: int
    classes: int


LIMITS = {  # each key is the least RAM of a board, in bytes
    2 * 1024: Limits((1, 5, 12), width=8, depth=2, classes=4),
    8 * 1024: Limits((1, 5, 17, 64), width=12, depth=3, classes=10),
    16 * 1024: Limits((1, 5, 17, 64), width=16, depth=3, classes=12),
    128 * 1024: Limits((1, 5, 17, 64, 700), width=64, depth=3, classes=12),
}
LARGE = 128 * 1024
SLOW = {"pico": 2 * 1024}
"""The boards with a slow emulator, which run the plans of a board with this much RAM."""


def seeds_of(boards: Iterable[Board]) -> list[tuple[str, int]]:
    """Return the boards with the seeds of the random plans that each of them runs.

    One board of each core runs all plans. It is a board of QEMU, whose emulator is fast, if the
    core has one. The other boards of the core have the same code for a plan, and run three plans.
    """
    found, cores = [], set()
    for board in sorted(boards, key=lambda board: not board.name.startswith("qemu")):
        if board.core in cores:
            first = len(found) % PLANS
            found += [(board.name, (first + step) % PLANS) for step in (0, 5, 10)]
        else:
            found += [(board.name, seed) for seed in range(PLANS)]
        cores.add(board.core)
    return found


def ram_size(board: Board) -> int:
    if board.name in SLOW:
        return SLOW[board.name]
    return LARGE if board.memory is None else board.memory.ram.size


def fitting(sizes: Iterable[int], ram: int) -> int:
    return max(size for size in sizes if size <= ram)


def random_plan(rng: np.random.Generator, seed: int, limits: Limits) -> Plan:
    """Return a plan whose rule, precision, sizes, formats and options are drawn or depend on the
    seed.

    Some plans are wide enough for 64-bit sums. The seeds of `RECTIFIED` have ReLU.
    """
    rule = tuple(RULES)[seed % len(RULES)]
    precision = PRECISIONS[tuple(PRECISIONS)[seed // len(RULES) % len(PRECISIONS)]]
    inputs = int(rng.choice(limits.inputs))
    width = limits.width if inputs <= limits.width else limits.width // 2  # inputs take RAM as well
    hidden = rng.integers(1, width + 1, rng.integers(0, limits.depth + 1))
    classes = int(rng.integers(2, limits.classes + 1))
    sizes = (inputs, *(int(width) for width in hidden), classes)
    rate = float(2.0 ** rng.uniform(-6, -0.1))
    bits, finest = precision.weight.bits, precision.weight.frac + 3
    options: dict[str, Any] = {
        "rule": rule,
        "precision": precision.name,
        "rate": rate,
        "seed": seed,
        "knowledge_format": QFormat(16, int(rng.integers(11, 15))),
        "weight_formats": {
            (layer, name): QFormat(bits, int(rng.integers(finest - 4, finest)))
            for layer in range(len(sizes) - 1)
            for name in ("weight", "readout_weight")
        },
    }
    if not RULES[rule].supervised:
        batch, steps = int(rng.integers(1, 6)), int(rng.integers(2, 6))
        return make_plan(sizes, **{**options, "rate": rate * batch, "batch": batch, "steps": steps})
    if rng.random() < 0.4:
        kind = FIFO if seed % 3 == 2 else RESERVOIR
        options["replay"] = Replay(int(rng.integers(1, 4)), int(rng.integers(1, 4)), kind)
    options["output_only"] = bool(rng.random() < 0.25)
    if seed in RECTIFIED:
        bits = precision.activation.bits
        options["activation"] = RELU
        options["activation_format"] = QFormat(bits, int(rng.integers(bits // 2, bits)))
    options["hidden_halvings"] = int(np.random.default_rng([seed, 1]).integers(0, 4))
    if seed % 4 < 2:  # the rate halves once or 8 times
        options["decay"] = Decay(1 + seed % 4 * 7, 2)
    options["spares"] = min(seed % 3, classes - 1)
    if seed % 2 == 0:  # large inputs, for which the normalized step halves the rate
        most = precision.activation.bits
        frac = int(np.random.default_rng([seed, 2]).integers(most - 6, most))
        options.update(normalized=True, input_format=QFormat(most, frac))
    options["running_normalization"] = seed % 3 < 2
    plan = make_plan(sizes, **options)
    return replace(plan, least_confidence=8192) if seed % 2 else plan


def random_case(seed: int, ram: int = LARGE) -> Case:
    """Return a random network and samples; the weights fill all or part of their format's range.

    Some of the networks with a replay buffer have stored samples of some classes.
    """
    rng = np.random.default_rng(seed)
    plan = random_plan(rng, seed, LIMITS[fitting(LIMITS, ram)])
    limit = int(2 ** (plan.formats.weight_bits - rng.choice([1, 3, 5])))
    state = State(plan, rng.integers(-limit, limit, plan.parameter_count))
    count = 3 * plan.batch + (12 if plan.replay.per_class else 2)
    format = plan.layers[0].input
    extremes = (format.minimum, format.minimum + 1, -1, 0, 1, format.maximum)
    inputs = rng.integers(format.minimum, format.maximum + 1, (count, plan.inputs))
    inputs[rng.random(inputs.shape) < 0.2] = rng.choice(extremes)
    stored = inputs[: seed % 4 if plan.replay.per_class else 0]
    for row, sample in enumerate(stored):
        state.replay.remember(sample, row % plan.named)
    if plan.running_normalization:
        averages = np.random.default_rng([seed, 4])
        variances = averages.uniform(0.05, 6, plan.inputs) ** 2
        state.mean[:] = averages.integers(format.minimum, format.maximum + 1, plan.inputs) << 6
        state.variance[:] = VARIANCE.quantize(variances - 1)
    model = Model(plan, state, Scaling(np.zeros(plan.inputs), np.ones(plan.inputs)))
    return Case(seed, model, inputs, rng.integers(0, plan.classes, count))


def prove(
    board: Board,
    model: Model,
    inputs: np.ndarray,
    labels: np.ndarray,
    at: Path,
    *,
    inference_only: bool = False,
) -> Report:
    """Generate, build and start the model's firmware, then verify it.

    A firmware that learns starts with the model's stored samples; its spare outputs become classes
    as the rows need them.
    """
    prefill = 0 if inference_only else int(model.state.replay.held.max())
    model.firmware(at, board.name, inference_only=inference_only, prefill=prefill)
    compiler = toolchains.choose([entry.name for entry in board.toolchains])
    # zig has no sanitizer runtime. If it is the only compiler, the test runs without sanitizers.
    sanitized = board.name == "host" and compiler.name != "zig"
    report = build(at, flags=SANITIZERS if sanitized else ())
    if board.memory is not None:  # `footprint` predicts the RAM without a compiler
        predicted = footprint.ram(model.plan, board, inference_only=inference_only)
        assert predicted == pytest.approx(report.ram, rel=0.02)
    with start(at) as running, Link(running.port) as link:
        added = {label: f"class {label}" for label in range(model.plan.named, model.plan.classes)}
        return verify(link, model, inputs, labels, added=added)


@pytest.mark.parametrize(("name", "seed"), seeds_of(map(load_board, BOARDS)))
def test_random_plans_have_equal_bits(
    name: str, seed: int, require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    board = require_board(name)
    case = random_case(seed, ram_size(board))
    report = prove(board, case.model, case.inputs, case.labels, tmp_path / "project")
    assert report.first_difference is None, report.first_difference.sentence()
    assert report.samples == len(case.labels)
    assert report.steps > 0


def random_regression(seed: int, ram: int) -> Case:
    """Return a random network with linear outputs, and samples with targets of any size."""
    rng, limits = np.random.default_rng([seed, 3]), LIMITS[fitting(LIMITS, ram)]
    rule, precision = ("local", "feedback")[seed % 2], ("w16a8", "w32a16")[seed // 2 % 2]
    hidden = rng.integers(1, limits.width + 1, 2)
    sizes = (int(limits.inputs[1]), *(int(width) for width in hidden), int(rng.integers(1, 4)))
    output = QFormat(16, int(rng.integers(8, 16)))
    plan = make_plan(sizes, rule=rule, precision=precision, rate=0.3, output=output, margin=0.01)
    limit = int(2 ** (plan.formats.weight_bits - 3))
    state, format = State(plan, rng.integers(-limit, limit, plan.parameter_count)), plan.layers[0]
    low, high = format.input.minimum, format.input.maximum
    inputs = rng.integers(low, high + 1, (8, plan.inputs))
    targets = rng.integers(output.minimum, output.maximum + 1, (8, plan.classes))
    ones = Scaling(np.zeros(plan.inputs), np.ones(plan.inputs))
    units = Scaling(np.zeros(plan.classes), np.ones(plan.classes))
    return Case(seed, Model(plan, state, ones, units=units), inputs, targets)


@pytest.mark.parametrize(("seed", "name"), [*enumerate(BOARDS)])
def test_a_random_regression_has_equal_bits(
    seed: int, name: str, require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    board = require_board(name)
    case = random_regression(seed, ram_size(board))
    report = prove(board, case.model, case.inputs, case.labels, tmp_path / "project")
    assert report.first_difference is None, report.first_difference.sentence()
    assert (report.samples, report.steps) == (len(case.labels), len(case.labels))


@pytest.mark.parametrize("seed", range(2))
def test_the_board_of_the_documentation_has_equal_bits(
    seed: int, require_board: Callable[[str], Board], tmp_path: Path, monkeypatch
) -> None:
    require_board("qemu-m3")  # the board of docs/BOARDS.md needs the same tools
    add_documented_board(tmp_path / "boards", monkeypatch)
    board = load_board(NAME)
    case = random_case(seed, ram_size(board))
    report = prove(board, case.model, case.inputs, case.labels, tmp_path / "project")
    assert report.first_difference is None, report.first_difference.sentence()
    assert report.samples == len(case.labels)


# Boards and seeds of random cases. Seed 0 has 16-bit weights. Seed 4 has 32-bit weights, which need
# the portable kernel; the Uno reads them from flash in its own way.
CLASSIFIED = [*((name, 0) for name in BOARDS), ("host", 4), ("uno", 4)]


@pytest.mark.parametrize(("name", "seed"), CLASSIFIED)
def test_a_firmware_that_only_classifies_has_equal_bits(
    name: str, seed: int, require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    board = require_board(name)
    case = random_case(seed, ram_size(board))
    assert case.model.plan.precision == ("w32a16" if seed else "w16a8")
    report = prove(
        board, case.model, case.inputs, case.labels, tmp_path / "project", inference_only=True
    )
    assert report.first_difference is None, report.first_difference.sentence()
    assert (report.samples, report.learns) == (len(case.labels), False)


@functools.cache
def digits(name: str, hidden: int) -> Case:
    pytest.importorskip("sklearn")
    trained = train(load(name), Options(hidden=(hidden,), epochs=1, arithmetic="fixed"))
    test = trained.test
    return Case(0, trained.model, trained.model.quantize(test.x)[:100], test.y[:100])


DIGITS = {  # each key is the least RAM of a board, in bytes
    2 * 1024: ("digits4x4", 12),
    8 * 1024: ("digits", 16),
    16 * 1024: ("digits", 32),
    LARGE: ("digits", 32),
}


@pytest.mark.parametrize("name", BOARDS)
def test_digits_have_equal_bits(
    name: str, require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    board = require_board(name)
    case = digits(*DIGITS[fitting(DIGITS, ram_size(board))])
    inputs, hidden, classes = case.model.plan.sizes
    report = prove(board, case.model, case.inputs, case.labels, tmp_path / "project")
    assert report.first_difference is None, report.first_difference.sentence()
    assert (report.samples, report.steps) == (100, 100)
    assert report.parameters == (inputs + 1) * hidden + (hidden + 1) * classes
    assert report.correct >= 85  # many right answers show that the inputs arrive intact


@functools.cache
def with_margin(name: str, hidden: tuple[int, ...], rule: str, stored: int) -> Case:
    """Return a network that has learned with a margin, and new rows; the network skips some of
    them.
    """
    pytest.importorskip("sklearn")
    options = Options(
        rule=rule, hidden=hidden, stored=stored, epochs=2, arithmetic="fixed", margin=0.2
    )
    trained = train(load(name), options)
    inputs, labels = trained.model.quantize(trained.test.x)[:50], trained.test.y[:50]
    trainer = FixedTrainer(trained.model.state.flashed())
    decisions = np.concatenate([row.decisions for row in trainer.learn_stream(inputs, labels)])
    assert 5 <= skipped(trained.model.plan, decisions, labels) <= 45
    return Case(0, trained.model, inputs, labels)


@pytest.mark.parametrize("name", BOARDS)
def test_a_margin_has_equal_bits(
    name: str, require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    board = require_board(name)
    data, hidden = DIGITS[fitting(DIGITS, ram_size(board))]
    case = with_margin(data, (hidden,), "local", 0)
    report = prove(board, case.model, case.inputs, case.labels, tmp_path / "project")
    assert report.first_difference is None, report.first_difference.sentence()
    assert (report.samples, report.steps) == (50, 50)


@pytest.mark.parametrize("rule", [name for name, rule in RULES.items() if rule.supervised])
def test_a_margin_of_every_rule_has_equal_bits(
    rule: str, require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    case = with_margin("digits4x4", (24, 16), rule, 2)
    board = require_board("host")
    report = prove(board, case.model, case.inputs, case.labels, tmp_path / "project")
    assert report.first_difference is None, report.first_difference.sentence()
    assert (report.samples, report.steps) == (50, 99)  # 49 steps learn stored samples


@pytest.mark.parametrize("ram", LIMITS)
def test_the_cases_of_every_memory_cover_each_rule_with_each_precision(ram: int) -> None:
    plans = [random_case(seed, ram).model.plan for seed in range(PLANS)]
    assert {(plan.rule, plan.precision) for plan in plans} == set(
        itertools.product(RULES, PRECISIONS)
    )
    assert any(plan.hidden for plan in plans)
    assert any(plan.hidden and plan.activation == RELU for plan in plans)
    assert {plan.replay.kind for plan in plans if plan.replay.per_class} == set(BUFFERS)


def test_the_random_cases_cover_the_options_of_plans() -> None:
    plans = [random_case(seed).model.plan for seed in range(PLANS)]
    assert any(layer.readout for plan in plans for layer in plan.layers)
    assert any(plan.hidden == 0 for plan in plans)
    assert {plan.replay.kind for plan in plans if plan.replay.per_class} == set(BUFFERS)
    assert any(plan.first_learned > 0 for plan in plans)
    assert {(plan.decay.times > 0, plan.normalized) for plan in plans} == set(
        itertools.product((False, True), repeat=2)
    )
    limits = [len(plan.normalized_step.limits) for plan in plans if plan.normalized_step]
    assert max(limits) >= 6
    assert min(limits) == 0
    assert {(accumulator_width(plan), update_width(plan)) for plan in plans} >= {
        (32, 32),
        (64, 32),
        (64, 64),
    }
