"""The benchmark checks its counter, and compares the weights with the host's."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from firmware_gen.bench import model
from firmware_gen.bench.bench import Benchmark, Compared, bench
from firmware_gen.bench.model import modelled
from firmware_gen.bench.task import Task
from firmware_gen.board import board as boards
from firmware_gen.board.board import Board, load_board
from ska_edge.errors import CheckError, InputError
from ska_edge.network.state import State
from ska_edge.network.trainer import FixedTrainer
from ska_edge.plan.resolve import make_plan
from tests.conftest import without

BOARD = "qemu-m3"
SAMPLES = 20
SIZES = (6, 5, 3)

# This counter only counts its calls, so the expected report follows from the source.
IDLE = """\
#include "bench_network.h"

void bench_init(void) {
}

uint16_t bench_infer(const bench_input_t x[BENCH_INPUTS]) {
    (void)x;
    return 1;
}

void bench_learn(const bench_input_t x[BENCH_INPUTS], uint16_t label) {
    (void)x;
    for (uint16_t i = 0; i <= label; i++) {
        __asm__ volatile("nop\\n nop\\n nop\\n nop\\n nop\\n nop\\n nop\\n nop\\n nop\\n nop");
    }
}
"""

# A library that takes two blocks of the heap, frees the second, and calls itself through a pointer.
LIBRARY = """\
#include <stdlib.h>

unsigned char *kept;
int (*deeper)(int);

static int deep(int calls) {
    volatile unsigned char room[100];
    room[0] = 1;
    return calls > 1 ? deeper(calls - 1) + room[0] : room[0];
}

static void library_init(void) {
    kept = malloc(100);
    free(malloc(12));
    deeper = deep;
}
"""
USER = """\
#include "bench_heap.h"
#include "bench_network.h"

#include "library.c"

void bench_init(void) {
    bench_heap_clear();
    library_init();
}

uint16_t bench_infer(const bench_input_t x[BENCH_INPUTS]) {
    (void)x;
    return kept == NULL ? 0 : 1;
}

void bench_learn(const bench_input_t x[BENCH_INPUTS], uint16_t label) {
    (void)x;
    kept[label] = (unsigned char)deeper(5);
}
"""


@pytest.fixture(scope="module")
def task() -> Task:
    rng = np.random.default_rng(0)
    plan = make_plan(SIZES)
    state = State(plan, rng.integers(-4000, 4000, plan.parameter_count))
    initial = state.parameters.copy()
    inputs = rng.integers(-128, 128, (SAMPLES, SIZES[0]))
    labels = rng.integers(0, SIZES[-1], SAMPLES)
    trainer = FixedTrainer(state)
    for x, label in zip(inputs, labels, strict=True):
        trainer.learn_one(x, int(label))
    start = [(np.zeros((n, m)), np.zeros(n)) for m, n in pairwise(SIZES)]
    tensors = tuple(tensor for layer in start for tensor in layer)
    return Task(plan, initial, state.parameters, inputs, labels, tensors)


def planted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str
) -> Callable[[str], Board]:
    """Replace a text in a copy of the board's board.toml; return a `load_board` for the copy."""
    folder = tmp_path / "boards"
    shutil.copytree(boards.BOARDS_FOLDER, folder)
    path = folder / BOARD / "board.toml"
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")
    monkeypatch.setattr(boards, "BOARDS_FOLDER", folder)
    return load_board


def test_figures_are_those_of_the_library(
    task: Task, require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    found = bench(require_board(BOARD), task, tmp_path)
    own = found.own
    assert found.compared is None
    assert abs(found.counted - found.units) <= 2
    # Each multiplication of an inference takes at least two instructions, and so does each update.
    weights = 6 * 5 + 5 * 3
    assert 2 * weights < own.infer < 100 * weights
    assert own.infer + 2 * weights < own.learn < 200 * weights
    assert own.ram > task.plan.parameter_bytes
    assert 100 < own.code < own.flash - task.plan.parameter_bytes
    assert own.stack is not None and 36 < own.stack < 1000
    assert 0 <= own.right <= SAMPLES


def test_the_same_run_gives_the_same_figures(
    task: Task, require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    board = require_board(BOARD)
    runs: list[Benchmark] = [bench(board, task, tmp_path / f"{i}") for i in range(2)]
    assert runs[0].own.flash == runs[1].own.flash
    # A reading of the counter may be off by one tick.
    assert abs(runs[0].own.learn - runs[1].own.learn) < 1


def test_a_compared_program_is_measured_by_itself(
    task: Task, require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    program = tmp_path / "idle.c"
    program.write_text(IDLE)
    board = require_board(BOARD)
    found = bench(board, task, tmp_path, compare=Compared(program))
    compared = found.compared
    assert compared is not None
    turns = float(np.mean(task.labels + 1))
    assert 1 <= compared.infer <= 8
    assert 10 * turns < compared.learn < 15 * turns + 15
    assert compared.right == int((task.labels == 1).sum())
    assert board.uart is not None
    assert compared.ram < board.uart.buffer + 16  # little more than the receive buffer
    assert compared.code < 0  # the initial weights are subtracted, though the program has none
    assert found.own.learn > compared.learn


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("per_tick = [40, 128]", "per_tick = [401, 1280]"),
        ('"shift=7"', '"shift=6"'),
    ],
)
def test_a_counter_that_counts_something_else_is_found(
    old: str,
    new: str,
    task: Task,
    require_board: Callable[[str], Board],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    require_board(BOARD)
    board = planted(tmp_path, monkeypatch, old, new)(BOARD)
    with pytest.raises(
        CheckError, match=f"counter of board {BOARD} counts .* for a loop of 200000"
    ):
        bench(board, task, tmp_path)


@pytest.mark.parametrize("changed", ["initial", "labels"])
def test_a_device_that_learned_something_else_is_found(
    changed: str, task: Task, require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    values = getattr(task, changed).copy()
    values[0] = (values[0] + 1) % 3
    wrong = dataclasses.replace(task, **{changed: values})
    with pytest.raises(CheckError, match=f"after {SAMPLES} samples the weights .* not the host's"):
        bench(require_board(BOARD), wrong, tmp_path)


def test_later_tasks_are_measured_and_compared_with_the_host(
    task: Task, require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    board = require_board(BOARD)
    found = bench(board, task, tmp_path / "same", later=[task, task])
    own = found.own
    assert [calls.right for calls in found.later] == [own.right] * 2
    assert all(abs(calls.learn - own.learn) < 1 for calls in found.later)
    wrong = dataclasses.replace(task, initial=task.learned)
    with pytest.raises(CheckError, match=f"after {SAMPLES} samples the weights .* not the host's"):
        bench(board, task, tmp_path / "wrong", later=[task, wrong])


@pytest.mark.parametrize("name", ["qemu-m0", "qemu-m4"])
def test_cycles_are_modelled_for_every_task(
    name: str, task: Task, require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    pytest.importorskip("unicorn")
    found = bench(require_board(name), task, tmp_path, later=[task])
    assert found.modelled is not None
    own, later = found.modelled
    assert later == own
    for instructions, cycles in ((found.own.infer, own.infer), (found.own.learn, own.learn)):
        least, middle, most = cycles
        # The measured figure includes the instructions around the call.
        assert instructions - 6 < least <= middle < most
        assert middle < 3 * instructions


def test_a_model_that_learned_something_else_is_found(
    task: Task, require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    pytest.importorskip("unicorn")
    board = require_board("qemu-m4")
    bench(board, task, tmp_path)
    elf = tmp_path / "own-size" / "build" / "firmware.elf"
    wrong = dataclasses.replace(task, learned=task.initial)
    with pytest.raises(CheckError, match=f"after {SAMPLES} samples the weights in unicorn are not"):
        modelled(elf, board, [wrong])


def test_a_core_without_timings_and_a_computer_without_unicorn_have_no_model(
    task: Task, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert modelled(tmp_path / "missing", load_board("qemu-m7"), [task]) is None
    monkeypatch.setattr(model, "NEEDED", "unicorn_that_is_not_here")
    assert modelled(tmp_path / "missing", load_board("qemu-m4"), [task]) is None


def test_a_network_too_large_for_the_board_is_refused(
    task: Task,
    require_board: Callable[[str], Board],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    require_board(BOARD)
    small = "ram = { origin = 0x2000_0000, size = 0x0000_0100 }"
    large = "ram = { origin = 0x2000_0000, size = 0x0002_0000 }"
    board = planted(tmp_path, monkeypatch, large, small)(BOARD)
    with pytest.raises(CheckError, match=f"does not fit board {BOARD}"):
        bench(board, task, tmp_path)


def test_a_board_without_a_counter_cannot_be_measured_on(task: Task, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"board virtual-m4 has no counter.*qemu-m3"):
        bench(load_board("virtual-m4"), task, tmp_path)


def test_a_program_with_an_error_is_named(
    task: Task, require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    program = tmp_path / "broken.c"
    program.write_text(IDLE.replace("return 1;", "return one;"))
    with pytest.raises(CheckError, match=r"bench_compared\.c.*one"):
        bench(require_board(BOARD), task, tmp_path, compare=Compared(program))


def test_a_program_with_a_library_has_its_heap_and_its_stack_counted(
    task: Task, require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    """The library takes 104 and 16 bytes of heap, and 100 bytes of stack for each of five calls."""
    if not Path(_printed("arm-none-eabi-gcc", "-print-file-name=libc.a")).is_absolute():
        without("the C library for Arm (libnewlib-arm-none-eabi) is not installed")
    program, library = tmp_path / "user.c", tmp_path / "library"
    library.mkdir()
    program.write_text(USER, encoding="utf-8")
    (library / "library.c").write_text(LIBRARY, encoding="utf-8")
    found = bench(require_board(BOARD), task, tmp_path, compare=Compared(program, library))
    compared = found.compared
    assert compared is not None
    assert compared.right == int((task.labels == 1).sum())
    assert 120 <= compared.ram - load_board(BOARD).uart.buffer < 160
    assert compared.stack is not None
    assert 500 < compared.stack < 1000


def _printed(*command: str) -> str:
    """Return what a program prints, or an empty text if it is not installed."""
    if shutil.which(command[0]) is None:
        return ""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_a_library_that_is_not_there_is_named(task: Task, tmp_path: Path) -> None:
    program = tmp_path / "user.c"
    program.write_text(USER, encoding="utf-8")
    with pytest.raises(InputError, match=r"no folder .*missing"):
        bench(load_board(BOARD), task, tmp_path, compare=Compared(program, tmp_path / "missing"))
