"""The C does not compile if an assumption about the platform is false. Each test makes one of these
assumptions false.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import firmware_gen

RUNTIME = Path(firmware_gen.__file__).parent / "runtime"
HEADERS = "#include <limits.h>\n#include <stdint.h>\n"

# For each platform: C lines that give a name the meaning that it has there, and the error.
PLATFORMS = {
    "bytes of 16 bits": ("#undef CHAR_BIT\n#define CHAR_BIT 16", "8-bit bytes and int64_t"),
    "no 64-bit integers": ("#undef INT64_MAX", "8-bit bytes and int64_t"),
    "zeros shifted in": ("#define int32_t uint32_t", "ska_assert_arithmetic_shift'"),
    "zeros shifted in, 64 bits": ("#define int64_t uint64_t", "ska_assert_arithmetic_shift_64'"),
    "no conversion to 16 bits": ("#define int16_t int32_t", "ska_assert_conversion_16'"),
    "no conversion to 32 bits": ("#define int32_t int64_t", "ska_assert_conversion_32'"),
}


def messages(compiler: str, fake: str) -> str:
    """Return the compiler's errors for the arithmetic on a platform; empty if it compiles."""
    source = f'{HEADERS}{fake}\n#include "ska_fixed.h"\n'
    command = [compiler, "-std=c99", f"-I{RUNTIME}", "-x", "c", "-", "-c", "-o", "/dev/null"]
    done = subprocess.run(command, input=source, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) == (done.stderr == "")
    return done.stderr


def test_the_c_compiles_on_this_platform(require_toolchain: Callable[[str], str]) -> None:
    assert messages(require_toolchain("gcc"), "") == ""


@pytest.mark.parametrize("name", PLATFORMS)
def test_the_c_does_not_compile_on_a_platform_with_a_false_assumption(
    name: str, require_toolchain: Callable[[str], str]
) -> None:
    fake, complaint = PLATFORMS[name]
    text = messages(require_toolchain("gcc"), fake)
    assert complaint in text.replace("\u2018", "'").replace("\u2019", "'")
