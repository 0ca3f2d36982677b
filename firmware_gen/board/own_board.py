"""Copies a board of the package into a folder of its own, under another name."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from firmware_gen.board.board import (
    BOARD_FILE,
    Board,
    board_names,
    check_name,
    load_board,
    read_board,
)
from ska_edge.errors import InputError
from ska_edge.files import refusal

README = "README.md"
TEMPLATE = Path(__file__).with_name("own_board.md")
_HEAD = re.compile(r'^(name|title) = ".*"$', re.M)


def copy_board(folder: Path, like: str) -> Board:
    """Write a copy of the board `like` to a new folder, and return it. The copy is named after the
    folder.

    The new board builds at once, and runs on the emulator of the board `like`, if there is one. The
    folder has all files of the board and a README, which says what to change.

    Raises:
        InputError: there is no board `like`, the new name is not allowed or taken, the folder
            exists, or it cannot be written.
    """
    model, name = load_board(like), folder.resolve().name
    check_name(name)
    if name in board_names():
        raise InputError(f"there is a board {name} already; give the new board another name")
    if folder.exists() or folder.is_symlink():
        raise InputError(f"{folder} exists already; give the new board another folder")
    try:
        model.copy_to(folder)
        for path in model.sensor_files():
            shutil.copyfile(path, folder / path.name)
        described = folder / BOARD_FILE
        described.write_text(
            _renamed(described.read_text(encoding="utf-8"), name, model.name), encoding="utf-8"
        )
        (folder / README).write_text(_readme(folder, name, model.name), encoding="utf-8")
    except OSError as error:
        raise refusal("write", folder, error) from error
    return read_board(folder)


def _renamed(text: str, name: str, like: str) -> str:
    values = {"name": name, "title": f"{name}, which began as a copy of {like}"}
    text, _ = _HEAD.subn(lambda found: f'{found[1]} = "{values[found[1]]}"', text, count=2)
    return f"# This board began as a copy of {like}; README.md says what to change.\n{text}"


def _readme(folder: Path, name: str, like: str) -> str:
    files = "\n".join(f"* `{path.name}`" for path in sorted(folder.iterdir()))
    text = TEMPLATE.read_text(encoding="utf-8")
    for word, value in {"@NAME@": name, "@LIKE@": like, "@FILES@": files}.items():
        text = text.replace(word, value)
    return text
