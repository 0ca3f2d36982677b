"""Each export of a model with a name of its own compiles, and its example learns like
the trainer.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import serial

from firmware_gen.board.board import Board
from firmware_gen.emulators.simavr import compile_simulator
from firmware_gen.export.table import EXPORTS
from tests.conftest import without
from tests.firmware_gen.export import test_cmake, test_micropython, test_platformio
from tests.firmware_gen.export.arduino_core import HARDWARE, INSTALL, ArduinoCore
from tests.firmware_gen.export.learning import LINES, expected_lines, export
from tests.firmware_gen.export.test_arduino import BAUD, running
from tests.firmware_gen.export.test_c_examples import EXAMPLES, compiled

PREFIX = "wake"


@pytest.mark.parametrize("kind", EXAMPLES)
def test_an_example_in_c(
    kind: str, tmp_path: Path, require_toolchain: Callable[[str], str]
) -> None:
    require_toolchain("gcc")
    program = compiled(kind, "learn", tmp_path, PREFIX)
    done = subprocess.run([program], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.stdout.splitlines()[:LINES] == expected_lines()
    (tmp_path / "two").mkdir()
    compiled(kind, "serve", tmp_path / "two", PREFIX)


def test_the_module_of_micropython(tmp_path: Path, require_toolchain: Callable[[str], str]) -> None:
    require_toolchain("gcc")
    program = test_micropython.compiled("learn", tmp_path, PREFIX)
    done = subprocess.run([program], capture_output=True, text=True)
    assert done.stdout.splitlines() == expected_lines()


def test_the_cmake_project(tmp_path: Path) -> None:
    test_cmake.require_cmake()
    folder = export("cmake", tmp_path / test_cmake.NAME, PREFIX).folder
    test_cmake.build(folder, tmp_path / "build")
    test_cmake.check_learning(tmp_path / "build" / "learn")


def test_the_arduino_library(require_board: Callable[[str], Board], tmp_path: Path) -> None:
    require_board("uno")
    if not HARDWARE.is_dir():
        without(INSTALL)
    library = export("arduino", tmp_path / "SkaThings", PREFIX).folder
    for name in ("core", "simulator"):
        (tmp_path / name).mkdir()
    core = ArduinoCore("uno", tmp_path / "core", None)
    image = core.build(library / "examples" / "Learn" / "Learn.ino", library)
    core.build(library / "examples" / "Serve" / "Serve.ino", library)
    simulator = compile_simulator(tmp_path / "simulator")
    with (
        running(image, core.chip, simulator) as path,
        serial.Serial(path, BAUD, timeout=60) as port,
    ):
        lines = [port.readline().decode("ascii").strip() for _ in range(LINES)]
    assert lines == expected_lines()


def test_the_platformio_project(tmp_path: Path) -> None:
    folder = export("platformio", tmp_path / "SkaThings", PREFIX).folder
    test_platformio.check_sources(folder, tmp_path, PREFIX)


@pytest.mark.parametrize("kind", EXPORTS)
def test_no_text_has_the_default_prefix(kind: str, tmp_path: Path) -> None:
    folder = export(kind, tmp_path / "Things", PREFIX).folder
    for path in folder.rglob("*"):
        if path.is_file() and path.parent.name != "src":
            text = path.read_text(encoding="utf-8").replace("ska_edge", "")
            assert re.search(r"ska_\w*", text, re.IGNORECASE) is None, path.name


def test_every_export_is_tested() -> None:
    assert set(EXPORTS) == {*EXAMPLES, "micropython", "cmake", "arduino", "platformio"}
