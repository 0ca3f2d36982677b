"""Samples become the same features and inputs on the host and in C."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from firmware_gen.board.board import Board
from firmware_gen.build import build_library
from firmware_gen.project import write_project
from ska_edge.arithmetic.fixedpoint import QFormat
from ska_edge.frontend.front import SAMPLE, Front
from ska_edge.frontend.frontends import feature_count, features_of, front_for
from ska_edge.model.scaling import standardize
from ska_edge.plan.plan import Plan
from ska_edge.plan.resolve import make_plan
from ska_edge.rules.neuron import RawInput

AXES = ("t", "ax", "ay", "az")


def plan_with(front: Front) -> Plan:
    """Return a plan whose network has the features of a front end as its inputs."""
    inputs = feature_count(front)
    raw = RawInput(tuple(range(1, inputs + 1)), tuple(7 * i - 90 for i in range(inputs)), 13)
    return make_plan((inputs, 2), input_format=QFormat(8, 4), raw=raw, front=front)


# Windows that overlap by one part and by several, that do not overlap, and that have gaps.
FRONTS = {
    "half": front_for("statistics", 20, 10, AXES),
    "more": front_for("statistics", 12, 8, AXES),
    "next": front_for("statistics", 2, 2, AXES),
    "apart": front_for("statistics", 6, 9, AXES),
    "plain": front_for("statistics", 32, 2, ("sound",)),
}


def samples_of(front: Front, count: int) -> np.ndarray:
    """Return samples (count, axes): runs of random, small and extreme values."""
    rng = np.random.default_rng(front.length)
    shape = count, front.axes
    full = rng.integers(SAMPLE.minimum, SAMPLE.maximum + 1, shape)
    small = rng.integers(-3, 4, shape)
    ends = rng.choice([SAMPLE.minimum, SAMPLE.maximum], shape)
    kinds = np.repeat(rng.integers(0, 4, -(-count // 25)), 25)[:count, None]
    return np.choose(kinds, [full, small, ends, np.full(shape, SAMPLE.minimum)]).astype(np.int16)


def windows_of(front: Front, samples: np.ndarray) -> np.ndarray:
    """Return the windows (n, length, axes) of samples (count, axes) without a gap."""
    starts = range(0, len(samples) - front.length + 1, front.hop)
    return np.array([samples[start : start + front.length] for start in starts])


def expected_of(plan: Plan, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the features and the inputs of all windows of samples, as the host has them."""
    assert plan.front is not None and plan.raw is not None
    features = features_of(plan.front, windows_of(plan.front, samples))
    return features, standardize(plan.raw, features.astype(np.float64), plan.layers[0].input)


@pytest.mark.parametrize("name", FRONTS)
def test_c_has_the_features_of_the_host(
    name: str, require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    require_board("host")
    front = FRONTS[name]
    plan = plan_with(front)
    write_project(plan, np.zeros(plan.parameter_count, dtype=np.int64), "host", tmp_path / "p")
    library = ctypes.CDLL(str(build_library(tmp_path / "p").library))
    library.ska_front_push.restype = ctypes.c_bool
    memory = ctypes.create_string_buffer(2**16)
    samples = samples_of(front, 100_000 if name == "half" else 3000)
    library.ska_front_reset(memory)
    for sample in samples[:7]:  # a reset makes the device forget them
        library.ska_front_push(memory, ctypes.c_void_p(sample.ctypes.data))
    library.ska_front_reset(memory)
    features, inputs = expected_of(plan, samples)
    got, x = np.empty(plan.inputs, np.int32), np.empty(plan.inputs, np.int8)
    complete = 0
    for place, sample in enumerate(samples, start=1):
        if not library.ska_front_push(memory, ctypes.c_void_p(sample.ctypes.data)):
            continue
        assert place == front.length + complete * front.hop
        library.ska_front_features(memory, ctypes.c_void_p(got.ctypes.data))
        library.ska_front_input(memory, ctypes.c_void_p(x.ctypes.data))
        np.testing.assert_array_equal(got, features[complete])
        np.testing.assert_array_equal(x, inputs[complete])
        complete += 1
    assert complete == len(features)
    assert len(np.unique(features)) > 100 and len(np.unique(inputs)) > 20


def test_a_plan_without_a_front_end_has_no_front_end_in_c(tmp_path: Path) -> None:
    plan = replace(plan_with(FRONTS["next"]), front=None)
    write_project(plan, np.zeros(plan.parameter_count, dtype=np.int64), "host", tmp_path / "p")
    assert not list((tmp_path / "p" / "src").glob("*front*"))
    constants = (tmp_path / "p" / "src" / "ska_plan.h").read_text().lower()
    assert constants.count("front") == 2 and "#define ska_front_axes 0 /* no front end" in constants
    assert "front" not in plan.to_json()
