"""The vector operations of ska_fixed_mve.h give the bits of ska_fixed.h, on the emulated core.

Frama-C does not know the vector instructions. So a program on the board compares each operation
with its scalar form, for every input, and for steps and weights of all sizes up to the ends of
their formats.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import serial

from firmware_gen.board.board import Board
from firmware_gen.build import build
from firmware_gen.emulators.flash import start
from firmware_gen.project import RUNTIME

# The host sends the number of an operation. The program answers with the number of steps for which
# the bits differ.
PROGRAM = """\
#include "ska_board.h"
#include "ska_fixed.h"
#include "ska_fixed_mve.h"

#define EDGES 20u
static const int16_t edges[EDGES] = {-32768, -32767, -16385, -16384, -1025, -129, -128, -3, -2, -1,
                                     0,      1,      2,      3,      127,   128,  8191, 16384,
                                     32766,  32767};

static int lanes_agree(int16x8_t lanes, const int16_t *numbers, uint8_t exponent) {
    int16_t scaled[8];
    int agree = 1;
    vstrhq_s16(scaled, ska_vector_scaled(lanes, exponent));
    for (uint8_t i = 0; i < 8u; i++) {
        agree &= scaled[i] == numbers[i] * (1 << exponent);
    }
    return agree;
}

static int fast_agrees(int16_t weight, const int16_t *lanes, int16_t step, int8_t shift) {
    int16_t after[8];
    int agree = 1;
    const uint8_t exponent = ska_vector_exponent(shift);
    const int16x8_t scaled = ska_vector_scaled(vldrhq_s16(lanes), exponent);
    vstrhq_s16(after, ska_vector_weight_add_15(vdupq_n_s16(weight), scaled, step));
    for (uint8_t i = 0; i < 8u; i++) {
        agree &= after[i] == ska_weight_add_i32(weight, step * lanes[i], shift);
    }
    return agree & lanes_agree(vldrhq_s16(lanes), lanes, exponent);
}

static int any_agrees(int16_t weight, const int16_t *lanes, int16_t step, int8_t shift) {
    int32_t after[4];
    int agree = 1;
    vstrwq_s32(after,
               ska_vector_weight_add(vdupq_n_s32(weight), vldrhq_s32(lanes), step, shift));
    for (uint8_t i = 0; i < 4u; i++) {
        agree &= (int16_t)after[i] == ska_weight_add_i32(weight, step * lanes[i], shift);
    }
    return agree;
}

static int dots_agree(int16_t weight, const int16_t *lanes, int16_t step) {
    int32_t times[4];
    int32_t dot = weight;
    int agree = 1;
    for (uint8_t i = 0; i < 8u; i++) {
        dot += step * lanes[i];
    }
    vstrwq_s32(times, ska_vector_times(vldrhq_s32(lanes), step, vdupq_n_s32(weight)));
    for (uint8_t i = 0; i < 4u; i++) {
        agree &= times[i] == weight + step * lanes[i];
    }
    return agree & (ska_vector_dot(vldrhq_s16(lanes), vdupq_n_s16(step), weight) == dot);
}

/* Tells whether an operation agrees for this step, with all weights, inputs and shifts. */
static int step_agrees(int16_t step, uint8_t operation) {
    int agree = 1;
    for (int16_t first = -128; first < 128; first = (int16_t)(first + 8)) {
        int16_t lanes[8];
        for (uint8_t i = 0; i < 8u; i++) {
            lanes[i] = (int16_t)(first + i);
        }
        for (uint8_t edge = 0; edge < EDGES; edge++) {
            for (int8_t shift = 1; shift < 32; shift++) {
                if (operation == 0u && ska_has_vector_shift(shift)) {
                    agree &= fast_agrees(edges[edge], lanes, step, shift);
                } else if (operation == 1u) {
                    agree &= any_agrees(edges[edge], lanes, step, shift);
                }
            }
            agree &= operation != 2u || dots_agree(edges[edge], lanes, step);
        }
    }
    return agree;
}

int main(void) {
    ska_board_init();
    for (;;) {
        const uint8_t operation = (uint8_t)ska_board_read();
        uint8_t wrong = 0;
        for (uint8_t edge = 0; edge < EDGES; edge++) {
            wrong = (uint8_t)(wrong + (step_agrees(edges[edge], operation) ? 0u : 1u));
        }
        ska_board_write(wrong);
    }
}
"""
OPERATIONS = 3


def wrong_steps(project: Path) -> bytes:
    """Build and run the program; return the number of wrong steps of each operation."""
    shutil.copyfile(RUNTIME / "ska_fixed.h", project / "src" / "ska_fixed.h")
    build(project)
    with start(project) as running, serial.Serial(running.port, 115200, timeout=60) as line:
        line.write(bytes(range(OPERATIONS)))
        return line.read(OPERATIONS)


def test_the_vector_operations_have_the_bits_of_the_scalar_ones(
    require_board: Callable[[str], Board], write_firmware: Callable[..., Path]
) -> None:
    project = write_firmware(require_board("qemu-m55"), PROGRAM)
    shutil.copyfile(RUNTIME / "ska_fixed_mve.h", project / "src" / "ska_fixed_mve.h")
    assert wrong_steps(project) == bytes(OPERATIONS)


def test_an_operation_without_rounding_is_found(
    require_board: Callable[[str], Board], write_firmware: Callable[..., Path]
) -> None:
    project = write_firmware(require_board("qemu-m55"), PROGRAM)
    header = (RUNTIME / "ska_fixed_mve.h").read_text(encoding="utf-8")
    for rounds, floors in (("vqrdmlahq_n_s16", "vqdmlahq_n_s16"), ("vrshlq_n_s32", "vshlq_r_s32")):
        assert rounds in header
        header = header.replace(rounds, floors)
    (project / "src" / "ska_fixed_mve.h").write_text(header, encoding="utf-8")
    fast, any_shift, dots = wrong_steps(project)
    assert fast > 0 and any_shift > 0 and dots == 0
