"""A row with headroom is updated without saturation, and still has the same bits as on the host.

This is shown in two parts. First, no weight changes by more than `ska_most_change`, for every
factor `step`, input and shift. Second, every weight of a row is at least the row's headroom away
from both ends of its format; this is checked after every learned row, in networks with weights at
the ends. So a changed weight fits its format without saturation. test_eva.py relies on this.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_gen.project import RUNTIME, write_project
from ska_edge.arithmetic.fixedpoint import QFormat
from ska_edge.network.state import State
from ska_edge.network.trainer import FixedTrainer
from ska_edge.plan.plan import Plan
from ska_edge.plan.replay import Replay
from ska_edge.plan.resolve import make_plan

# Large steps and inputs often use up a row's headroom. The plan has readouts, odd widths and
# replay.
PLAN = make_plan((9, 7, 5, 3), input_format=QFormat(8, 4), rate=0.9, replay=Replay(2, 1), seed=4)
LOWEST, HIGHEST = -(1 << 15), (1 << 15) - 1
LIBRARY = """\
#include "ska.h"

static ska_t network;

void start(const ska_weight_t *weights);
void start(const ska_weight_t *weights) {
    ska_init(&network);
    for (uint16_t i = 0; i < SKA_PARAMETER_COUNT; i++) {
        network.parameters[i] = weights[i];
    }
    ska_state_written(&network);
}

/* Other weights arrive while the network learns. */
void restore(const ska_weight_t *weights);
void restore(const ska_weight_t *weights) {
    for (uint16_t i = 0; i < SKA_PARAMETER_COUNT; i++) {
        network.parameters[i] = weights[i];
    }
    ska_state_written(&network);
}

void learn(const ska_signal_t *x, uint16_t label);
void learn(const ska_signal_t *x, uint16_t label) { (void)ska_learn(&network, x, label); }

const ska_weight_t *parameters(void);
const ska_weight_t *parameters(void) { return network.parameters; }

#if SKA_HEADROOM
const int16_t *headroom(void);
const int16_t *headroom(void) { return network.headroom; }
#endif
"""
BOUND = """\
#include "ska_fixed.h"

static int32_t size(int32_t x) { return x < 0 ? -x : x; }

/* How many of all changes exceed the bound, and how many bounds no change reaches. */
void count(int32_t *above, int32_t *unreached);
void count(int32_t *above, int32_t *unreached) {
    for (int8_t shift = 1; shift <= 31; shift++) {
        for (int32_t step = -32768; step <= 32767; step++) {
            const int32_t most = ska_most_change((int_fast16_t)step, shift, 8);
            int32_t largest = 0;
            for (int32_t input = -128; input <= 127; input++) {
                const int32_t change = size(ska_change_i32(step * input, shift));
                largest = change > largest ? change : largest;
            }
            *above += largest > most;
            *unreached += largest < most;
        }
    }
}
"""


def compiled(folder: Path, compiler: str, *arguments: str) -> ctypes.CDLL:
    command = [compiler, "-std=c99", "-O2", "-shared", "-fPIC", "-o", "library.so", *arguments]
    subprocess.run(command, cwd=folder, check=True)
    return ctypes.CDLL(str(folder / "library.so"))


def test_no_change_exceeds_its_bound(
    tmp_path: Path, require_toolchain: Callable[[str], str]
) -> None:
    shutil.copyfile(RUNTIME / "ska_fixed.h", tmp_path / "ska_fixed.h")
    (tmp_path / "bound.c").write_text(BOUND, encoding="utf-8")
    above, unreached = ctypes.c_int32(0), ctypes.c_int32(0)
    library = compiled(tmp_path, require_toolchain("gcc"), "bound.c")
    library.count(ctypes.byref(above), ctypes.byref(unreached))
    assert above.value == 0
    # Every bound is reached, with one exception: the step is positive, and step * -128, the product
    # of the largest magnitude, is halfway between two results. Rounding half up gives the result of
    # smaller magnitude.
    assert unreached.value < 1 << 15


@pytest.fixture(scope="module")
def library(
    tmp_path_factory: pytest.TempPathFactory, require_toolchain: Callable[[str], str]
) -> ctypes.CDLL:
    folder = tmp_path_factory.mktemp("headroom") / "p"
    write_project(PLAN, np.zeros(PLAN.parameter_count, dtype=np.int64), "host", folder)
    sources = folder / "src"
    (sources / "library.c").write_text(LIBRARY, encoding="utf-8")
    arguments = ("-fsanitize=undefined", "-fno-sanitize-recover=all", "ska.c", "library.c")
    loaded = compiled(sources, require_toolchain("gcc"), *arguments)
    loaded.parameters.restype = ctypes.POINTER(ctypes.c_int16)
    loaded.headroom.restype = ctypes.POINTER(ctypes.c_int16)
    return loaded


def weights_near_the_ends(rng: np.random.Generator, plan: Plan) -> np.ndarray:
    """Return weights of any size; in most cases, some are at or near an end of their format."""
    weights = rng.integers(LOWEST // 2, HIGHEST // 2, plan.parameter_count)
    near = rng.random(weights.shape) < rng.choice([0.0, 0.02, 0.3])
    distance = rng.integers(0, 1 << int(rng.integers(1, 12)), weights.shape)
    ends = np.where(rng.random(weights.shape) < 0.5, LOWEST + distance, HIGHEST - distance)
    return np.where(near, ends, weights).astype(np.int16)


def rooms(plan: Plan, parameters: np.ndarray) -> list[int]:
    """Return each row's least distance from an end of its format; rows of readouts come last."""
    rows: dict[str, list[int]] = {"weight": [], "readout_weight": []}
    for tensor in plan.tensors():
        if tensor.name in rows:
            matrix = parameters[tensor.offset :][: tensor.size].reshape(tensor.shape)
            room = np.minimum(HIGHEST - matrix, matrix - LOWEST)
            rows[tensor.name] += room.min(axis=1).tolist()
    return rows["weight"] + rows["readout_weight"]


def run(library: ctypes.CDLL, seed: int) -> tuple[int, int]:
    """Learn on the host and in C; return how many rows had headroom and how many had none, summed
    over the steps.
    """
    rng = np.random.default_rng(seed)
    weights = weights_near_the_ends(rng, PLAN)
    library.start(weights.ctypes.data_as(ctypes.c_void_p))
    trainer = FixedTrainer(State(PLAN, weights.astype(np.int64)))
    some = none = 0
    for number in range(12):
        if number == 6:  # other weights arrive, as from a push or a save
            weights = weights_near_the_ends(rng, PLAN)
            library.restore(weights.ctypes.data_as(ctypes.c_void_p))
            trainer.state.parameters[:] = weights
        x = rng.integers(-128, 128, PLAN.inputs).astype(np.int8)
        label = int(rng.integers(0, PLAN.classes))
        library.learn(x.ctypes.data_as(ctypes.c_void_p), label)
        trainer.learn_one(x.astype(np.int64), label)
        learned = np.ctypeslib.as_array(library.parameters(), (PLAN.parameter_count,))
        np.testing.assert_array_equal(learned, trainer.state.parameters)
        true = rooms(PLAN, learned.astype(np.int64))
        kept = np.ctypeslib.as_array(library.headroom(), (len(true),)).tolist()
        assert all(0 <= k <= t for k, t in zip(kept, true, strict=True))
        some, none = some + sum(k > 0 for k in kept), none + sum(k == 0 for k in kept)
    return some, none


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1))
def test_headroom_changes_no_bit_and_is_never_too_large(library: ctypes.CDLL, seed: int) -> None:
    run(library, seed)


def test_the_cases_have_rows_with_headroom_and_without(library: ctypes.CDLL) -> None:
    counts = np.sum([run(library, seed) for seed in range(12)], axis=0)
    assert counts.min() > 100
