"""The simulated AVR boards report errors in one line. test_receive.py tests how they receive."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from firmware_gen import toolchains
from firmware_gen.board.board import Board
from firmware_gen.build import build
from firmware_gen.emulators import simavr
from firmware_gen.emulators.flash import start
from ska_edge.errors import DeviceError, ToolError

WriteFirmware = Callable[..., Path]


@pytest.fixture
def project(require_board: Callable[[str], Board], write_firmware: WriteFirmware) -> Path:
    project = write_firmware(require_board("uno"))
    build(project)
    return project


def test_an_image_that_does_not_exist_is_named(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    board = str(project / "board" / "board.toml")
    assert simavr.main([str(project / "build" / "none.elf"), board]) == 2
    assert "none.elf does not exist; build it first" in capsys.readouterr().err


def test_without_a_compiler_of_this_computer_the_sentence_says_how_to_install_one(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toolchains, "find", lambda name: None)
    board = str(project / "board" / "board.toml")
    assert simavr.main([str(project / "build" / "firmware.elf"), board]) == ToolError.exit_code
    assert "cc (apt-get install gcc)" in capsys.readouterr().err


def test_a_chip_that_the_simulator_does_not_know_is_named(project: Path) -> None:
    path = project / "board" / "board.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('core = "atmega328p"', 'core = "atmega9"'), encoding="utf-8")
    with pytest.raises(DeviceError, match="libsimavr has no atmega9"), start(project):
        pass
