"""The Arduino library, compiled by the recipes of Arduino's own core, has the trainer's bits."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import serial

from firmware_gen.board.board import Board
from firmware_gen.emulators.simavr import compile_simulator
from firmware_gen.export.table import EXPORTS
from tests.conftest import without
from tests.firmware_gen.export.arduino_core import HARDWARE, INSTALL, ArduinoCore
from tests.firmware_gen.export.learning import (
    LINES,
    check_followed,
    check_served,
    expected_lines,
    export,
)

CPUS = {"uno": None, "mega": "atmega2560"}
BAUD = 115_200


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export("arduino", tmp_path_factory.mktemp("libraries") / "SkaThings").folder


@pytest.fixture(scope="module")
def simulator(
    require_board: Callable[[str], Board], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    require_board("uno")
    return compile_simulator(tmp_path_factory.mktemp("simulator"))


@pytest.fixture(scope="module", params=CPUS)
def core(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ArduinoCore:
    if not HARDWARE.is_dir():
        without(INSTALL)
    board: str = request.param
    return ArduinoCore(board, tmp_path_factory.mktemp(board), CPUS[board])


@contextmanager
def running(image: Path, chip: str, simulator: Path) -> Iterator[str]:
    """Run an image on a simulated chip of 16 MHz during the block; give the path of its port."""
    command = [simulator, image, chip, "16000000", str(BAUD)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as board:
        try:
            assert board.stdout is not None
            yield next(line for line in board.stdout if line.startswith("/dev/")).strip()
        finally:
            board.kill()


def test_the_example_learns_on_the_board(core: ArduinoCore, library: Path, simulator: Path) -> None:
    """The sketch fits flash and RAM, and the checksums that it prints equal the trainer's."""
    image = core.build(library / "examples" / "Learn" / "Learn.ino", library)
    assert core.fits(image)
    with (
        running(image, core.chip, simulator) as path,
        serial.Serial(path, BAUD, timeout=60) as port,
    ):
        lines = [port.readline().decode("ascii").strip() for _ in range(LINES)]
    assert lines == expected_lines()


def test_the_example_serves_a_host_learns_from_its_sensor_and_saves(
    core: ArduinoCore, library: Path, simulator: Path, tmp_path: Path
) -> None:
    image = core.build(library / "examples" / "Serve" / "Serve.ino", library)
    assert core.fits(image)
    with running(image, core.chip, simulator) as path:
        check_followed(path, tmp_path / "log")
        assert check_served(path) == 1


def test_no_library_has_the_name_of_a_header_of_the_core() -> None:
    if not HARDWARE.is_dir():
        without(INSTALL)
    places = [HARDWARE / "cores", HARDWARE / "variants", *HARDWARE.glob("libraries/*/src")]
    names = {path.stem for place in places for path in place.rglob("*.h")}
    assert {"Arduino", "EEPROM", "Wire"} <= names
    taken = EXPORTS["arduino"].taken
    assert [name for name in sorted(names) if not any(each.has(name) for each in taken)] == []


def test_the_library_has_what_arduino_lint_asks_for(library: Path) -> None:
    """The checks are rules of arduino-lint, a program that the test cannot run."""
    lines = (library / "library.properties").read_text(encoding="utf-8").splitlines()
    properties = dict(line.split("=", 1) for line in lines)
    required = {"name", "version", "author", "maintainer", "sentence", "paragraph", "category"}
    assert required | {"url", "architectures"} <= set(properties)
    assert all(properties.values())
    assert properties["name"] == library.name
    assert (library / "src" / f"{library.name}.h").is_file()  # LS008
    assert (library / "src" / properties["includes"]).is_file()
    assert (library / "README.md").is_file()  # LD001
    assert (library / "LICENSE").is_file()  # LD002
    assert not [path for path in library.rglob("*") if path.is_symlink()]
    for sketch in library.glob("examples/*"):
        assert (sketch / f"{sketch.name}.ino").is_file()
    for line in (library / "keywords.txt").read_text(encoding="utf-8").splitlines():
        _, kind = line.split("\t")
        assert kind in {"KEYWORD1", "KEYWORD2", "LITERAL1"}


def test_each_keyword_is_a_name_of_the_library(library: Path) -> None:
    headers = "".join(path.read_text(encoding="utf-8") for path in library.glob("src/*.h"))
    known = set(re.findall(r"\w+", headers)) | {library.name}
    lines = (library / "keywords.txt").read_text(encoding="utf-8").splitlines()
    assert {line.split("\t")[0] for line in lines} <= known
