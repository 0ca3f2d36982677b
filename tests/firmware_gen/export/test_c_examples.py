"""The examples in C run over small fakes of the functions of Zephyr, ESP-IDF and the STM32 HAL.

The real headers are not available in CI. So the tests show that the sources are C, that they use
the functions as the fakes expect, and that the examples learn and serve with the trainer's bits.
The tests do not show that the real headers accept the sources.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from firmware_gen.emit.names.prefix import DEFAULT
from firmware_gen.export.table import EXPORTS
from tests.firmware_gen.export.learning import (
    LINES,
    check_followed,
    check_served,
    expected_lines,
    export,
    served,
)

FAKES = Path(__file__).parent / "fakes"
EXAMPLES = {"zephyr": "examples/src", "esp-idf": "examples/sensor/main", "stm32cube": "examples"}
MACROS = {"zephyr": ["-DSKA_UART_BUFFER=64u"], "esp-idf": ["-DESP_PLATFORM"], "stm32cube": []}
STRICT = [
    "-std=c99",
    "-O1",
    "-ffunction-sections",
    "-fdata-sections",
    "-Wl,--gc-sections",
    "-Wall",
    "-Wextra",
    "-Wconversion",
    "-Wshadow",
    "-Werror",
]


def compiled(kind: str, example: str, folder: Path, prefix: str = DEFAULT) -> Path:
    library = export(kind, folder / "SkaThings", prefix).folder
    examples = library / EXAMPLES[kind]
    program = folder / example
    entry = [examples / "main.c"] if (examples / "main.c").exists() else []
    command: list[str | Path] = ["gcc", *STRICT, *MACROS[kind], f"-DEXAMPLE=example_{example}"]
    command += [f"-I{library / 'src'}", f"-I{FAKES / kind}", *sorted((library / "src").glob("*.c"))]
    command += [*entry, examples / f"{example}.c", examples / "line.c", FAKES / kind / "fake.c"]
    done = subprocess.run([*command, "-lpthread", "-o", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return program


@pytest.fixture(autouse=True)
def compiler(require_toolchain: Callable[[str], str]) -> None:
    require_toolchain("gcc")


def test_every_export_with_a_line_of_its_own_is_here() -> None:
    known = {kind for kind, row in EXPORTS.items() if "line.h" in row.shared.values()}
    assert known == {"cmake", *EXAMPLES}  # test_cmake.py runs the examples of `cmake`


@pytest.mark.parametrize("kind", EXAMPLES)
def test_an_example_learns_with_the_bits_of_the_trainer(kind: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [compiled(kind, "learn", tmp_path)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.stdout.splitlines()[:LINES] == expected_lines()


@pytest.mark.parametrize("kind", EXAMPLES)
def test_an_example_serves_a_host_and_learns_from_its_sensor(kind: str, tmp_path: Path) -> None:
    with served(compiled(kind, "serve", tmp_path)) as port:
        check_followed(port, tmp_path / "log")
        assert check_served(port) == 0  # the example has no memory for saves
