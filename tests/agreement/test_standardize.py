"""Raw features of every type become the same inputs on the host, in C and on emulated cores."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import serial

from firmware_gen.board.board import Board
from firmware_gen.build import build, build_library
from firmware_gen.emulators.flash import start
from firmware_gen.project import write_project
from ska_edge.arithmetic.fixedpoint import QFormat
from ska_edge.model.scaling import standardize
from ska_edge.plan.input_check import LARGEST_OFFSET
from ska_edge.plan.plan import Plan
from ska_edge.plan.resolve import make_plan
from ska_edge.rules.neuron import RawInput

# The multipliers of a constant feature, and of features of 32, 16 and 8 bits; then the largest
# multiplier.
RAW = RawInput(
    (0, 1, 16_411, 4_194_001, 2**31 - 1), (7, -9, 2**21 + 5, -(2**29), LARGEST_OFFSET), 22
)
PLANS = {
    "w16a8": make_plan((5, 2), input_format=QFormat(8, 4), raw=RAW),
    "w32a16": make_plan((5, 2), precision="w32a16", raw=RAW),
}
# Features in float32: of usual sizes, the smallest and the largest, and the largest integers.
RAW_FLOATS = RawInput(
    (4_357_479, 5_325_223, 4_194_304, 2**20, 2**30),
    (-7_064_201_368_968, 2_478_227_256, 0, 7, -(2**60)),
    30,
    (4, 26, 160, -104, 0),
)
FLOAT_PLANS = {
    "w16a8": make_plan((5, 2), input_format=QFormat(8, 4), raw=RAW_FLOATS),
    "w32a16": make_plan((5, 2), precision="w32a16", raw=RAW_FLOATS),
}
# The type in numpy, and the suffix of the C function.
TYPES = {"u1": "_u8", "i2": "", "u2": "_u16", "i4": "_i32"}
CORES = ("qemu-m0", "virtual-m4", "qemu-rv32", "sim-atmega328p")
# For each row, the host sends the size of an element (plus 8 for int16), then the elements. With
# features in float32, the host sends only the elements.
MAIN = """\
#include "ska.h"
#include "ska_board.h"

static union {
    uint8_t bytes[4 * SKA_INPUTS];
    uint8_t u8[SKA_INPUTS];
    int16_t i16[SKA_INPUTS];
    uint16_t u16[SKA_INPUTS];
    int32_t i32[SKA_INPUTS];
    float f32[SKA_INPUTS];
} raw;

int main(void) {
    ska_signal_t x[SKA_INPUTS];
    ska_board_init();
    for (;;) {
        const int16_t kind = ska_board_read();
        for (uint16_t i = 0; i < (uint16_t)(kind % 8) * SKA_INPUTS; i++) {
            raw.bytes[i] = (uint8_t)ska_board_read();
        }
#if SKA_RAW_FLOAT
        ska_standardize_f32(raw.f32, x);
#else
        if (kind == 1) {
            ska_standardize_u8(raw.u8, x);
        } else if (kind == 8 + 2) {
            ska_standardize(raw.i16, x);
        } else if (kind == 2) {
            ska_standardize_u16(raw.u16, x);
        } else {
            ska_standardize_i32(raw.i32, x);
        }
#endif
        for (uint16_t i = 0; i < SKA_INPUTS; i++) {
            ska_board_write((uint8_t)x[i]);
        }
    }
}
"""


def rows_of(kind: str, count: int) -> np.ndarray:
    """Return rows (n, 5): every value of a type of up to 16 bits, or random and extreme values."""
    limits = np.iinfo(kind)
    if limits.bits <= 16 and count >= 2**limits.bits:
        values = np.arange(limits.min, limits.max + 1)
        return np.repeat(values[:, np.newaxis], len(RAW.offsets), axis=1).astype(kind)
    rng = np.random.default_rng(1)
    rows = rng.integers(limits.min, limits.max + 1, (count, len(RAW.offsets)))
    extremes = [limits.min, limits.max, 0, 1, min(limits.max, 2**24)]
    return np.where(rng.random(rows.shape) < 0.3, rng.choice(extremes, rows.shape), rows).astype(
        kind
    )


def float_rows(count: int) -> np.ndarray:
    """Return rows (n, 5) of float32: random bits, halves and their neighbors, usual and special
    numbers.
    """
    rng = np.random.default_rng(2)
    shape = (count, len(RAW_FLOATS.offsets))
    rows = rng.integers(0, 2**32, shape, dtype=np.uint32).view(np.float32)
    points = np.array(RAW_FLOATS.points)
    halves = np.ldexp(rng.integers(-(2**12), 2**12, shape) + 0.5, -points).astype(np.float32)
    near = np.nextafter(halves, rng.choice(np.float32([-np.inf, np.inf]), shape))
    usual = np.ldexp(rng.normal(size=shape) * 2.0 ** rng.integers(0, 23, shape), -points)
    specials = np.float32([0, -0.0, np.inf, -np.inf, np.nan, -np.nan, 1e-45, -1e-45, 3.4028235e38])
    special = rng.choice(specials, shape)
    choice = rng.integers(0, 5, shape)
    return np.choose(choice, [rows, halves, near, usual.astype(np.float32), special])


def by_definition(rows: np.ndarray, format: QFormat) -> np.ndarray:
    """Standardize float32 in exact fractions, without the package's code."""

    def rounded(value: Fraction, lo: int, hi: int) -> int:
        return min(max(math.floor(value + Fraction(1, 2)), lo), hi)

    def convert(number: float, multiplier: int, offset: int, point: int) -> int:
        if math.isnan(number):
            return 0
        integer = 2**31 - 1 if number > 0 else -(2**31)
        if math.isfinite(number):
            integer = rounded(Fraction(number) * Fraction(2) ** point, -(2**31), 2**31 - 1)
        value = Fraction(integer * multiplier + offset, 2**RAW_FLOATS.frac)
        return rounded(value, format.minimum, format.maximum)

    columns = RAW_FLOATS.multipliers, RAW_FLOATS.offsets, RAW_FLOATS.points
    return np.array([list(map(convert, row, *columns)) for row in rows.tolist()])


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("name", PLANS)
def test_every_value_becomes_the_input_of_the_host(
    name: str, kind: str, require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    require_board("host")
    plan = PLANS[name]
    write_project(plan, np.zeros(plan.parameter_count, dtype=np.int64), "host", tmp_path / "p")
    library = ctypes.CDLL(str(build_library(tmp_path / "p").library))
    convert = getattr(library, f"ska_standardize{TYPES[kind]}")
    format = plan.layers[0].input
    rows = rows_of(kind, 2**16)
    x = np.empty(rows.shape, f"i{format.bits // 8}")
    for row, into in zip(rows, x, strict=True):
        convert(ctypes.c_void_p(row.ctypes.data), ctypes.c_void_p(into.ctypes.data))
    expected = standardize(RAW, rows.astype(np.float64), format)
    np.testing.assert_array_equal(x, expected)
    assert len(np.unique(expected)) > 20


def build_converter(plan: Plan, board: Board, folder: Path) -> None:
    write_project(plan, np.zeros(plan.parameter_count, dtype=np.int64), board.name, folder)
    for path in (folder / "src").glob("*.c"):
        if path.name != "ska.c":
            path.unlink()
    (folder / "src" / "ska_main.c").write_text(MAIN)
    build(folder)


@pytest.mark.parametrize("name", CORES)
def test_cores_have_the_bits_of_the_host(
    name: str, require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    board, plan = require_board(name), PLANS["w16a8"]
    build_converter(plan, board, tmp_path / "p")
    with start(tmp_path / "p") as running, serial.Serial(running.port, timeout=20) as line:
        for kind in TYPES:
            rows = rows_of(kind, 40)
            expected = standardize(RAW, rows.astype(np.float64), plan.layers[0].input)
            code = np.dtype(kind).itemsize + 8 * (kind == "i2")
            for row, wanted in zip(rows, expected, strict=True):
                line.write(bytes([code]) + row.astype(f"<{kind}").tobytes())
                got = np.frombuffer(line.read(plan.inputs), "i1")
                np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("name", FLOAT_PLANS)
def test_every_float_becomes_the_input_of_the_host(
    name: str, require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    require_board("host")
    plan = FLOAT_PLANS[name]
    write_project(plan, np.zeros(plan.parameter_count, dtype=np.int64), "host", tmp_path / "p")
    library = ctypes.CDLL(str(build_library(tmp_path / "p").library))
    format = plan.layers[0].input
    rows = float_rows(20_000)
    x = np.empty(rows.shape, f"i{format.bits // 8}")
    for row, into in zip(rows, x, strict=True):
        library.ska_standardize_f32(
            ctypes.c_void_p(row.ctypes.data), ctypes.c_void_p(into.ctypes.data)
        )
    expected = by_definition(rows, format)
    np.testing.assert_array_equal(x, expected)
    np.testing.assert_array_equal(standardize(RAW_FLOATS, rows, format), expected)
    assert not hasattr(library, "ska_standardize")
    assert len(np.unique(expected)) > 20
    assert (x[np.isnan(rows)] == 0).all()


@pytest.mark.parametrize("name", CORES)
def test_cores_have_the_floats_of_the_host(
    name: str, require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    board, plan = require_board(name), FLOAT_PLANS["w16a8"]
    build_converter(plan, board, tmp_path / "p")
    rows = float_rows(200)
    expected = standardize(RAW_FLOATS, rows, plan.layers[0].input)
    with start(tmp_path / "p") as running, serial.Serial(running.port, timeout=20) as line:
        for row, wanted in zip(rows, expected, strict=True):
            line.write(bytes([4]) + row.astype("<f4").tobytes())
            got = np.frombuffer(line.read(plan.inputs), "i1")
            np.testing.assert_array_equal(got, wanted)
