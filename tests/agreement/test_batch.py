"""C learns a batch, in one call or sample by sample, with the same bits as numpy."""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from firmware_gen.project import write_project
from ska_edge.network.state import State
from ska_edge.network.trainer import FixedTrainer
from ska_edge.plan.resolve import make_plan

PLAN = make_plan((6, 5, 3), rule="published", batch=4, steps=3, rate=0.5)
LIBRARY = """\
#include "ska.h"

static ska_t network;

void start(void);
void start(void) { ska_init(&network); }

void whole(const ska_signal_t x[SKA_BATCH][SKA_INPUTS]);
void whole(const ska_signal_t x[SKA_BATCH][SKA_INPUTS]) { ska_learn_batch(&network, x); }

int one(const ska_signal_t x[SKA_INPUTS]);
int one(const ska_signal_t x[SKA_INPUTS]) { return (int)ska_learn(&network, x, 0); }

uint32_t step(void);
uint32_t step(void) { return ska_step(&network); }

const ska_weight_t *parameters(void);
const ska_weight_t *parameters(void) { return network.parameters; }
"""


@pytest.fixture(scope="module")
def start() -> State:
    rng = np.random.default_rng(3)
    return State(PLAN, rng.integers(-8000, 8000, PLAN.parameter_count))


@pytest.fixture(scope="module")
def library(
    start: State,
    tmp_path_factory: pytest.TempPathFactory,
    require_toolchain: Callable[[str], str],
) -> ctypes.CDLL:
    folder: Path = tmp_path_factory.mktemp("batch") / "p"
    write_project(PLAN, start.parameters, "host", folder)
    (folder / "src" / "library.c").write_text(LIBRARY, encoding="utf-8")
    command = [require_toolchain("gcc"), "-std=c99", "-O1", "-shared", "-fPIC", "-o", "library.so"]
    subprocess.run([*command, "ska.c", "library.c"], cwd=folder / "src", check=True)
    loaded = ctypes.CDLL(str(folder / "src" / "library.so"))
    loaded.parameters.restype = ctypes.POINTER(ctypes.c_int16)
    return loaded


def learned(library: ctypes.CDLL) -> np.ndarray:
    pointer = library.parameters()
    return np.ctypeslib.as_array(pointer, (PLAN.parameter_count,)).astype(np.int64)


def test_a_whole_batch_has_the_bits_of_its_samples(library: ctypes.CDLL, start: State) -> None:
    rng = np.random.default_rng(4)
    batches = rng.integers(-128, 128, (3, PLAN.batch, PLAN.inputs))
    trainer = FixedTrainer(start.copy())
    library.start()
    for batch in batches:
        for _ in trainer.learn_steps(batch):
            pass
        library.whole(batch.astype(np.int8).tobytes())
        np.testing.assert_array_equal(learned(library), trainer.state.parameters)
    whole = learned(library)
    assert library.step() == 3 * (PLAN.steps - 1)
    assert (whole != start.parameters).any()

    library.start()
    for sample in batches.reshape(-1, PLAN.inputs):
        assert library.one(sample.astype(np.int8).tobytes()) == 0
    np.testing.assert_array_equal(learned(library), whole)


def test_a_whole_batch_takes_the_place_of_samples_that_were_held(
    library: ctypes.CDLL, start: State
) -> None:
    batch = np.random.default_rng(5).integers(-128, 128, (PLAN.batch, PLAN.inputs))
    library.start()
    library.one(bytes(PLAN.inputs))
    library.whole(batch.astype(np.int8).tobytes())
    trainer = FixedTrainer(start.copy())
    for _ in trainer.learn_steps(batch):
        pass
    np.testing.assert_array_equal(learned(library), trainer.state.parameters)
