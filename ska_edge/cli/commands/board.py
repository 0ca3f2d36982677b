"""`ska-edge board`: create your own board, or show a board."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from firmware_gen.board.board import Board, load_board
from firmware_gen.board.memory import Region
from firmware_gen.board.own_board import copy_board
from ska_edge.cli.options.word import Word
from ska_edge.cli.screen.console import Output, json_option
from ska_edge.errors import InputError

ACTIONS = ("new", "show")


@click.command(epilog="Example:  ska-edge board new my-board --like qemu-m4")
@click.argument("action", type=Word(ACTIONS))
@click.argument("board")
@click.option("--like", help="The board that `new` copies.")
@json_option
def board(action: str, board: str, like: str | None, as_json: bool) -> None:
    """Create your own board in a new folder, or show BOARD: a name, or a folder.

    `new` writes the folder BOARD. The new board builds at once, and runs where the board of --like
    runs; the README in the folder says what to change. Other commands take `./BOARD` in place of a
    board's name.

    `show` checks a board, and prints what its board.toml says.
    """
    out = Output(as_json)
    if action == "show":
        if like is not None:
            raise InputError("--like is for `board new`; leave it out")
        _show(load_board(board), out)
        return
    if like is None:
        raise InputError("`board new` needs --like: the board to begin with, as in --like qemu-m4")
    new = copy_board(Path(board), like)
    files = sorted(path.name for path in new.folder.iterdir())
    place = board if Path(board).is_absolute() else f"./{Path(board)}"
    out.line(f"wrote {board}, a copy of {like}; its README.md says what to change")
    out.line(f"try it:  ska-edge run iris --board {place}")
    out.document({"board": new.name, "folder": board, "like": like, "files": files})


def _show(found: Board, out: Output) -> None:
    document = _document(found)
    rows = [[key.replace("_", " "), _text(value)] for key, value in document.items()]
    out.table(found.name, ["what", "value"], rows)
    out.document(document)


def _document(board: Board) -> dict[str, Any]:
    """Return the keys of `board show --json`; sizes are in bytes, the clock is in hertz."""
    memory, storage, uart = board.memory, board.storage, board.uart
    return {
        "board": board.name,
        "title": board.title,
        "core": board.core,
        "kernel": board.kernel,
        "tested": board.status,
        "clock": board.clock,
        "flash": memory and _region(memory.flash),
        "ram": memory and _region(memory.ram),
        "saves": storage and storage.size,
        "baud": uart and uart.baud,
        "compilers": [compiler.name for compiler in board.toolchains],
        "emulator": board.start is not None,
        "flash_tools": [flasher.tool for flasher in board.flashers],
        "files": [path.name for path in board.files()],
        "folder": str(board.folder),
        "missing": board.available(),
    }


def _region(region: Region) -> dict[str, int]:
    return {"origin": region.origin, "size": region.size}


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return f"{value['size']:,} at 0x{value['origin']:08X}"
    if isinstance(value, list):
        return ", ".join(value) or "none"
    if isinstance(value, bool):
        return "yes" if value else "none"
    if value is None:
        return "none"
    return f"{value:,}" if isinstance(value, int) else str(value)
