"""Only the arithmetic modules may shift and narrow integers, in Python and in C."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.architecture.sources import C_SOURCES, MODULES, c_code

# --- Python ---------------------------------------------------------------------------------------

# The modules that may shift: the arithmetic with its random words, and its operations in ONNX.
ARITHMETIC = re.compile(r"ska_edge\.(arithmetic\.\w+|model\.onnx\.onnx_ops)$")
# No other module uses `>>`, or numpy's functions that clip and shift. A module in this table may
# write a power of two as a left shift; the table says what for.
POWERS_OF_TWO = {
    "ska_edge.rules.neuron": "ends of the table and of intervals, known when the rule is traced",
    "ska_edge.rules.functions": "the ends of a mantissa",
    "ska_edge.plan.check": "the ends of a mantissa",
    "ska_edge.plan.range_proof": "half of the last bit, for the bounds",
    "ska_edge.wire.frame": "the limit of the receive buffer",
    "ska_edge.files": "file mode bits of a zip entry",
    "firmware_gen.emit.c_ops": "the C type that holds an interval",
    "firmware_gen.emulators.cortex_m4": "the interrupt's bit in the controller's register",
}
NUMPY_SHIFTS = {"clip", "right_shift", "left_shift", "bitwise_right_shift", "bitwise_left_shift"}


def shifts(name: str, source: str) -> Iterator[str]:
    """Return where a module does arithmetic that belongs in fixedpoint.py, as "line: operation"."""
    if ARITHMETIC.match(name):
        return
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.BinOp, ast.AugAssign)):
            if isinstance(node.op, ast.RShift):
                yield f"{node.lineno}: >>"
            elif isinstance(node.op, ast.LShift) and name not in POWERS_OF_TWO:
                yield f"{node.lineno}: <<"
        elif isinstance(node, ast.Attribute) and node.attr in NUMPY_SHIFTS:
            yield f"{node.lineno}: {node.attr}"
        elif isinstance(node, ast.ImportFrom) and node.module == "numpy":
            yield from (f"{node.lineno}: {a.name}" for a in node.names if a.name in NUMPY_SHIFTS)


def test_only_the_arithmetic_shifts_and_clips() -> None:
    found = {name: list(shifts(name, source)) for name, source in MODULES.items()}
    assert {name: lines for name, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("y = (x + 4) >> 3", ["1: >>"]),
        ("y = x\ny >>= 3", ["2: >>"]),
        ("y = 1 << n", ["1: <<"]),
        ("y = np.clip(x, 0, 1)", ["1: clip"]),
        ("y = x.clip(0, 1)", ["1: clip"]),
        ("y = np.right_shift(x, 3)", ["1: right_shift"]),
        ("from numpy import clip", ["1: clip"]),
        ("text = 'x >> 3'  # a >> b", []),
    ],
)
def test_a_shift_is_found(source: str, found: list[str]) -> None:
    assert list(shifts("ska_edge.network.trainer", source)) == found
    assert list(shifts("ska_edge.arithmetic.fixedpoint", source)) == []


def test_a_reason_allows_powers_of_two_only() -> None:
    assert list(shifts("ska_edge.plan.check", "a = 1 << 3\nb = x >> 3")) == ["2: >>"]


@pytest.mark.parametrize("name", POWERS_OF_TWO)
def test_every_reason_is_still_needed(name: str) -> None:
    assert name in MODULES
    assert list(shifts(f"{name}_without_reason", MODULES[name]))


# --- C --------------------------------------------------------------------------------------------

# Files that may shift, the text that each line with a shift must contain, and what the shift is.
C_SHIFTS: dict[str, tuple[str, str]] = {
    "runtime/ska_fixed.h": ("", "the arithmetic itself"),
    "runtime/ska_fixed_dsp.h": ("", "the same on two numbers at once"),
    "runtime/ska_draw.h": ("word", "the hash that random words are made with"),
    "runtime/ska_frame.c": ("crc", "the CRC, bit by bit"),
    "runtime/ska_crc.c": ("crc", "the other CRC, a byte at a time"),
    "runtime/ska_mac.c": ("", "BLAKE2s, whose rotations and bytes are the RFC's"),
    "boards/cortex-m/uart_cmsdk.h": ("#define NVIC_", "a bit of a register"),
    "boards/cortex-m/uart_nrf.c": ("#define ", "a bit of a register"),
    "boards/cortex-m/uart_stm32.c": ("#define NVIC_", "a bit of a register"),
    "boards/pico/storage_rp2040.c": ("#define ROM_CODE", "two letters in one number"),
    "boards/pico/uart_rp2040.c": ("#define NVIC_", "a bit of a register"),
    "boards/riscv/uart_16550.c": ("#define PLIC_", "a bit of a register"),
}


def c_shifts(name: str, source: str) -> list[str]:
    """Return the lines of C code that shift, as "line: text"; comments do not count."""
    needed = C_SHIFTS[name][0] if name in C_SHIFTS else None
    return [
        f"{number}: {line.strip()}"
        for number, line in enumerate(c_code(source).split("\n"), 1)
        if re.search(r">>|<<", line) and (needed is None or needed not in line)
    ]


def test_c_shifts_in_ska_fixed_only() -> None:
    found = {name: c_shifts(name, source) for name, source in C_SOURCES.items()}
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_a_shift_in_c_is_found() -> None:
    source = '/* a >> b\n << */ int y;\ny = x >> 3; // << \nputs("<<");\nz <<= 1;\n'
    assert c_shifts("runtime/ska.c", source) == ["3: y = x >> 3;", "5: z <<= 1;"]
    assert c_shifts("runtime/ska_fixed.h", source) == []
    assert c_shifts("runtime/ska_frame.c", "crc = crc << 1;\ny = x << 1;") == ["2: y = x << 1;"]


@pytest.mark.parametrize("name", C_SHIFTS)
def test_every_exception_in_c_is_still_needed(name: str) -> None:
    assert c_shifts(f"not {name}", C_SOURCES[name])
