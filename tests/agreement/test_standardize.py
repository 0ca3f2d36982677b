"""Raw features of every type become the same inputs on the host, in C and on emulated cores."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
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
from ska_edge.plan.check import LARGEST_OFFSET
from ska_edge.plan.resolve import make_plan
from ska_edge.rules.neuron import RawInput

# The multiplier of a constant feature, those of features of 32, 16 and 8 bits, and the largest.
RAW = RawInput(
    (0, 1, 16_411, 4_194_001, 2**31 - 1), (7, -9, 2**21 + 5, -(2**29), LARGEST_OFFSET), 22
)
PLANS = {
    "w16a8": make_plan((5, 2), input_format=QFormat(8, 4), raw=RAW),
    "w32a16": make_plan((5, 2), precision="w32a16", raw=RAW),
}
# The type in numpy, and the suffix of the C function.
TYPES = {"u1": "_u8", "i2": "", "u2": "_u16", "i4": "_i32"}
CORES = ("qemu-m0", "virtual-m4", "qemu-rv32", "sim-atmega328p")
# For each row, the host sends the size of an element (plus 8 for int16), then the elements.
MAIN = """\
#include "ska.h"
#include "ska_board.h"

static union {
    uint8_t bytes[4 * SKA_INPUTS];
    uint8_t u8[SKA_INPUTS];
    int16_t i16[SKA_INPUTS];
    uint16_t u16[SKA_INPUTS];
    int32_t i32[SKA_INPUTS];
} raw;

int main(void) {
    ska_signal_t x[SKA_INPUTS];
    ska_board_init();
    for (;;) {
        const int16_t kind = ska_board_read();
        for (uint16_t i = 0; i < (uint16_t)(kind % 8) * SKA_INPUTS; i++) {
            raw.bytes[i] = (uint8_t)ska_board_read();
        }
        if (kind == 1) {
            ska_standardize_u8(raw.u8, x);
        } else if (kind == 8 + 2) {
            ska_standardize(raw.i16, x);
        } else if (kind == 2) {
            ska_standardize_u16(raw.u16, x);
        } else {
            ska_standardize_i32(raw.i32, x);
        }
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


@pytest.mark.parametrize("name", CORES)
def test_cores_have_the_bits_of_the_host(
    name: str, require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    board, plan = require_board(name), PLANS["w16a8"]
    folder = tmp_path / "p"
    write_project(plan, np.zeros(plan.parameter_count, dtype=np.int64), board.name, folder)
    for path in (folder / "src").glob("*.c"):
        if path.name != "ska.c":
            path.unlink()
    (folder / "src" / "ska_main.c").write_text(MAIN)
    build(folder)
    with start(folder) as running, serial.Serial(running.port, timeout=20) as line:
        for kind in TYPES:
            rows = rows_of(kind, 40)
            expected = standardize(RAW, rows.astype(np.float64), plan.layers[0].input)
            code = np.dtype(kind).itemsize + 8 * (kind == "i2")
            for row, wanted in zip(rows, expected, strict=True):
                line.write(bytes([code]) + row.astype(f"<{kind}").tobytes())
                got = np.frombuffer(line.read(plan.inputs), "i1")
                np.testing.assert_array_equal(got, wanted)
