"""A flasher's command gets the names of the image's files; a wrong command is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from firmware_gen.board.board import Board, board_names, load_board, read_board
from firmware_gen.board.flasher import Flasher
from firmware_gen.build import build
from ska_edge.errors import InputError

WriteFirmware = Callable[..., Path]
REAL = [name for name in board_names() if load_board(name).flashers]


def test_a_board_that_is_for_sale_has_flashers() -> None:
    sold = {
        "mega2560",
        "microbit-v1",
        "microbit-v2",
        "nucleo-f401re",
        "nucleo-l476rg",
        "pico",
        "uno",
    }
    assert sold <= set(REAL)


@pytest.mark.parametrize("name", REAL)
def test_every_command_names_files_that_exist(
    name: str,
    require_board: Callable[[str], Board],
    write_firmware: WriteFirmware,
    tmp_path: Path,
) -> None:
    elf = build(write_firmware(require_board(name))).elf
    for flasher in load_board(name).flashers:
        port = str(tmp_path) if flasher.needs_port() else None
        commands = flasher.commands(elf, port, load_board(name).uf2, load_board(name).esp)
        words = [word for command in commands for word in command]
        files = [word for word in words if word.startswith(str(elf.parent))]
        assert all(Path(word).is_file() for word in files)
        # In the commands of openocd and avrdude, the name of the file is a part of an argument.
        assert files or any(str(elf.with_suffix("")) in word for word in words)
        assert port is None or any(port in word for word in words)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (
            '"load", "--target"',
            '"load", "{elff}", "--target"',
            "has {elff}, which is none of {elf}, {hex}",
        ),
        ('install = "apt-get install openocd"', "", "install"),
    ],
)
def test_a_wrong_flasher_is_refused(old: str, new: str, reason: str, tmp_path: Path) -> None:
    load_board("nucleo-f401re").copy_to(tmp_path)
    path = tmp_path / "board.toml"
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_board(tmp_path)
    assert reason in str(caught.value)


def test_a_flasher_without_a_command_is_refused() -> None:
    assert Flasher("none", (), "x").fault() == "command of the flasher 'none' is empty"
