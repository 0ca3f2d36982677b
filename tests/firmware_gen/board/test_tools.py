"""Every tool of a board is listed once, with all boards that use it."""

from __future__ import annotations

import shutil

import pytest

from firmware_gen.board.board import board_names, load_board
from firmware_gen.board.tools import COMPILER, EMULATOR, FLASHER, Tool, tools


def test_the_tools_of_two_boards() -> None:
    found = {
        (each.kind, each.name): each for each in tools([load_board("uno"), load_board("pico")])
    }
    assert found[COMPILER, "avr-gcc"].boards == ("uno",)
    assert found[EMULATOR, "simavr/sim_avr.h"].install == "apt-get install libsimavr-dev"
    assert found[FLASHER, "avrdude"].boards == ("uno",)
    assert found[FLASHER, "openocd"].boards == ("pico",)


def test_a_tool_of_several_boards_is_listed_once() -> None:
    boards = [load_board(name) for name in board_names()]
    found = tools(boards)
    keys = [(each.kind, each.name) for each in found]
    assert keys == sorted(set(keys))
    unicorn = next(each for each in found if each.name == "unicorn")
    assert {"virtual-m4", "microbit-v1"} <= set(unicorn.boards)
    assert {board.name for board in boards if board.needs} == {
        name for each in found if each.kind == EMULATOR for name in each.boards
    }


def test_a_missing_flasher_is_listed_with_its_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name, path=None: None)
    found = tools([load_board("esp32-c3")])
    assert Tool(FLASHER, "esptool", ("esp32-c3",), False, "pip install esptool") in found
