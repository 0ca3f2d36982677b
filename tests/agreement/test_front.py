"""Samples become the same features and inputs on the host and in C."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import serial

from firmware_gen.board.board import Board
from firmware_gen.build import build, build_library
from firmware_gen.emulators.flash import start
from firmware_gen.project import write_project
from ska_edge.arithmetic.fixedpoint import QFormat
from ska_edge.frontend.echo_learning import learned_echo
from ska_edge.frontend.front import SAMPLE, Filters, Front
from ska_edge.frontend.frontends import feature_count, features_of, front_bytes, front_for
from ska_edge.frontend.kernel_learning import learned_kernels
from ska_edge.frontend.spectrum import MEL
from ska_edge.model.scaling import standardize
from ska_edge.plan.plan import Plan
from ska_edge.plan.resolve import make_plan
from ska_edge.rules.neuron import RawInput

AXES = ("t", "ax", "ay", "az")


def plan_with(front: Front) -> Plan:
    """Return a plan whose network has the features of a front end as its inputs."""
    inputs = feature_count(front)
    raw = RawInput(tuple(range(1, inputs + 1)), tuple(7 * i - 90 for i in range(inputs)), 13)
    if front.image or front.keeps_samples:  # its features are smaller
        raw = replace(raw, frac=8)
    return make_plan((inputs, 2), input_format=QFormat(8, 4), raw=raw, front=front)


def images(height: int, width: int, filters: Filters) -> Front:
    """Return a front end of images; some of its random filters have only one sign."""
    rng = np.random.default_rng(height)
    weights = rng.integers(-128, 128, (filters.count, filters.size**2))
    weights[0] = -128
    weights[1] = 127
    whole = replace(filters, weights=tuple(weights.ravel().tolist()))
    return Front("patches", height, height, width, filters=whole)


def with_kernels(length: int, hop: int, axes: Sequence[str], count: int, levels: int = 0) -> Front:
    """Return a front end whose kernels are learned from random windows."""
    front = front_for("kernels", length, hop, axes, count=count, levels=levels)
    samples = samples_of(front, 10 * length).reshape(10, length, front.axes)
    return replace(front, kernels=learned_kernels(front, samples, seed=length))


def with_echo(length: int, hop: int, axes: Sequence[str], units: int = 64) -> Front:
    """Return a front end whose echo is learned from random windows."""
    front = front_for("echo", length, hop, axes, units=units)
    samples = samples_of(front, 10 * length).reshape(10, length, front.axes)
    return replace(front, echo=learned_echo(front, samples, seed=length))


def samples_of(front: Front, count: int) -> np.ndarray:
    """Return samples (count, axes): runs of random, small and extreme values."""
    rng = np.random.default_rng(front.length)
    shape = count, front.axes
    full = rng.integers(SAMPLE.minimum, SAMPLE.maximum + 1, shape)
    small = rng.integers(-3, 4, shape)
    ends = rng.choice([SAMPLE.minimum, SAMPLE.maximum], shape)
    kinds = np.repeat(rng.integers(0, 4, -(-count // 25)), 25)[:count, None]
    return np.choose(kinds, [full, small, ends, np.full(shape, SAMPLE.minimum)]).astype(np.int16)


# Windows that overlap by one part and by several, that do not overlap, and that have gaps; images.
FRONTS = {
    "half": front_for("statistics", 20, 10, AXES),
    "more": front_for("statistics", 12, 8, AXES),
    "next": front_for("statistics", 2, 2, AXES),
    "apart": front_for("statistics", 6, 9, AXES),
    "plain": front_for("statistics", 32, 2, ("sound",)),
    "spectrum": front_for("spectrum", 32, 20, AXES[:2], bands=6, spacing=MEL),
    "longest spectrum": front_for("spectrum", 1024, 64, ("s",), bands=40, spacing=MEL),
    "shortest spectrum": front_for("spectrum", 16, 24, AXES, bands=7),
    "frames": front_for("spectrum", 64, 20, AXES[:2], bands=5, spacing=MEL, frames=4),
    "image": images(9, 7, Filters(3, 3, 1, 2)),
    "wide image": images(11, 28, Filters(4, 5, 2, 3)),
    "digit": images(28, 28, Filters()),
    "kernels": with_kernels(40, 7, AXES, 20),
    "kernels and levels": with_kernels(43, 9, AXES, 9, levels=5),
    "echo": with_echo(20, 10, AXES, 12),
    "echo of gaps": with_echo(12, 16, ("sound",)),
    "echo of long windows": with_echo(160, 30, AXES, 6),
    "kernels of one axis": with_kernels(9, 9, ("sound",), 3),
}

CORES = (
    *("virtual-m4", "qemu-m0", "qemu-m3", "qemu-m4", "qemu-m7", "qemu-m33", "qemu-rv32"),
    "sim-atmega328p",
)
# If the host sends 0, the device forgets all samples and sends the size of its front end. If the
# host sends 1 and a sample, the device sends 0. If the sample completes a window, the device sends
# 1 instead, then the features with their inputs.
MAIN = """\
#include "ska_board.h"
#include "ska_front.h"

static ska_front_t front;
static int32_t features[SKA_INPUTS];
static ska_signal_t x[SKA_INPUTS];
static int16_t sample[SKA_FRONT_AXES];

int main(void) {
    ska_board_init();
    for (;;) {
        if (ska_board_read() == 0) {
            ska_front_reset(&front);
            ska_board_write((uint8_t)(sizeof(front) & 0xFFu));
            ska_board_write((uint8_t)(sizeof(front) >> 8));
            continue;
        }
        for (uint8_t i = 0; i < SKA_FRONT_AXES; i++) {
            const uint16_t low = (uint8_t)ska_board_read();
            sample[i] = (int16_t)(low | (uint16_t)((uint16_t)(uint8_t)ska_board_read() << 8));
        }
        if (!ska_front_push(&front, sample)) {
            ska_board_write(0);
            continue;
        }
        ska_board_write(1);
        ska_front_features(&front, features);
        ska_front_input(&front, x);
        for (uint16_t i = 0; i < SKA_INPUTS; i++) {
            for (uint8_t byte = 0; byte < 4u; byte++) {
                ska_board_write((uint8_t)((uint32_t)features[i] >> (8u * byte)));
            }
            ska_board_write((uint8_t)x[i]);
        }
    }
}
"""


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
    # Most features of kernels are counts.
    most = 100 if front.kernels is None else front.length // 2
    assert len(np.unique(features)) > most or front.length < 10
    assert len(np.unique(inputs)) > 20 or front.length < 10


def test_c_reads_an_image_where_it_is(
    require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    require_board("host")
    front = FRONTS["digit"]
    plan = plan_with(front)
    write_project(plan, np.zeros(plan.parameter_count, dtype=np.int64), "host", tmp_path / "p")
    library = ctypes.CDLL(str(build_library(tmp_path / "p").library))
    rng = np.random.default_rng(4)
    pixels = rng.integers(0, 256, (200, 28, 28)) * (rng.random((200, 1, 1)) < 0.9)
    pixels[:5] = 255
    features, inputs = expected_of(plan, pixels.reshape(-1, 28).astype(np.int16))
    got, x = np.empty(plan.inputs, np.int32), np.empty(plan.inputs, np.int8)
    for image, feature, expected in zip(pixels.astype(np.uint8), features, inputs, strict=True):
        image = np.ascontiguousarray(image)
        for name, result in (("features", got), ("input", x)):
            function = getattr(library, f"ska_front_image_{name}")
            function(ctypes.c_void_p(image.ctypes.data), ctypes.c_void_p(result.ctypes.data))
        np.testing.assert_array_equal(got, feature)
        np.testing.assert_array_equal(x, expected)


def build_front(plan: Plan, board: Board, folder: Path) -> None:
    write_project(plan, np.zeros(plan.parameter_count, dtype=np.int64), board.name, folder)
    for path in (folder / "src").glob("*.c"):
        if path.name not in ("ska.c", "ska_front.c", "ska_front_part.c"):
            path.unlink()
    (folder / "src" / "ska_main.c").write_text(MAIN)
    build(folder)


@pytest.mark.parametrize("kind", ["image", "kernels and levels", "frames", "echo"])
@pytest.mark.parametrize("name", CORES)
def test_cores_have_the_features(
    name: str, kind: str, require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    board, front = require_board(name), FRONTS[kind]
    plan = plan_with(front)
    build_front(plan, board, tmp_path / "p")
    samples = samples_of(front, 90)
    features, inputs = expected_of(plan, samples)
    with start(tmp_path / "p") as running, serial.Serial(running.port, timeout=20) as line:
        line.write(bytes([0]))
        surplus = int.from_bytes(line.read(2), "little") - front_bytes(front)
        assert 0 < surplus <= 8
        complete = 0
        for sample in samples:
            line.write(bytes([1]) + sample.astype("<i2").tobytes())
            if line.read(1) == bytes([0]):
                continue
            answer = np.frombuffer(line.read(5 * plan.inputs), [("feature", "<i4"), ("x", "i1")])
            np.testing.assert_array_equal(answer["feature"], features[complete])
            np.testing.assert_array_equal(answer["x"], inputs[complete])
            complete += 1
    assert complete == len(features)


def test_a_plan_without_a_front_end_has_no_front_end_in_c(tmp_path: Path) -> None:
    plan = replace(plan_with(FRONTS["next"]), front=None)
    write_project(plan, np.zeros(plan.parameter_count, dtype=np.int64), "host", tmp_path / "p")
    assert not list((tmp_path / "p" / "src").glob("*front*"))
    constants = (tmp_path / "p" / "src" / "ska_plan.h").read_text().lower()
    assert constants.count("front") == 2 and "#define ska_front_axes 0 /* no front end" in constants
    assert "front" not in plan.to_json()
