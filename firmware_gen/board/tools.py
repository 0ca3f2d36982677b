"""Lists the programs and packages that boards need: compilers, emulators and flashers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from firmware_gen import toolchains
from firmware_gen.board.board import Board, Need
from firmware_gen.program import find_program

COMPILER, EMULATOR, FLASHER = "compiler", "emulator", "flasher"


@dataclass(frozen=True)
class Tool:
    """A program, Python package or C header that some boards need.

    Attributes:
        kind: `COMPILER`, `EMULATOR` (what an emulated board needs to start) or `FLASHER`.
        name: name of the program, package or header.
        boards: names of the boards that can use it, in order.
        present: whether it is installed.
        install: the command that installs it.
    """

    kind: str
    name: str
    boards: tuple[str, ...]
    present: bool
    install: str


def tools(boards: Sequence[Board]) -> list[Tool]:
    """Return every tool of these boards once, sorted by kind and name."""
    found: dict[tuple[str, str], Tool] = {}
    for board in boards:
        for tool in _of(board):
            key = tool.kind, tool.name
            before = found[key].boards if key in found else ()
            found[key] = Tool(*key, (*before, board.name), tool.present, tool.install)
    return [found[key] for key in sorted(found)]


def _of(board: Board) -> Iterator[Tool]:
    for compiler in board.toolchains:
        name = compiler.name
        present = toolchains.find(name) is not None
        yield Tool(COMPILER, name, (board.name,), present, toolchains.install_command(name))
    for need in board.needs:
        present = need.missing() is None
        yield Tool(EMULATOR, _name(need), (board.name,), present, need.install)
    for flasher in board.flashers:
        program = flasher.command[0]
        present = find_program(program) is not None
        yield Tool(FLASHER, program, (board.name,), present, flasher.install)


def _name(need: Need) -> str:
    name = need.package or need.program or need.header
    assert name is not None
    return name
