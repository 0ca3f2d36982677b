"""Runs an emulator from a command line with an image and the board.toml of its project."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

from firmware_gen.board.board import Board, read_board
from firmware_gen.emulators.cells import Cells
from firmware_gen.emulators.chips.chip import MakeChip
from firmware_gen.emulators.chips.cortex_m.core import Core
from firmware_gen.emulators.wire import Terminal
from ska_edge.errors import SkaError

Words = Sequence[str] | None
"""The words of a command line; None for those of this process."""


def run_program(
    module: str,
    description: str | None,
    run: Callable[[Path, Path], None],
    arguments: Words,
    count: Callable[[Path, Path], None] | None = None,
) -> int:
    """Call `run(elf, board)` with the paths of a command line.

    Args:
        module: the name for `python -m`.
        description: the text of --help.
        run: runs the board until it is stopped.
        arguments: the words of the command line; None for the command line of this process.
        count: runs the board if the command line ends with "count"; None for an emulator that
            cannot count.

    Returns the exit code. An error is printed as one line, after the name of the image.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=description)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("elf", type=Path, help="the image, as built")
    parser.add_argument("board", type=Path, help="the board.toml of the project it was built in")
    if count is not None:
        parser.add_argument(
            "count",
            nargs="?",
            choices=("count",),
            help="add a SysTick that counts instructions; the core then runs slowly",
        )
    options = parser.parse_args(arguments)
    try:
        chosen = run if count is None or options.count is None else count
        chosen(options.elf, options.board)
    except SkaError as error:
        print(f"{options.elf.name}: {error}", file=sys.stderr)
        return error.exit_code
    return 0


class Machine(Protocol):
    """An emulated board after a reset."""

    def run(self) -> None:
        """Run until the wire is gone."""
        ...


def run_machine(
    elf: Path, described: Path, make: Callable[[Path, Board, Terminal, Cells], Machine]
) -> None:
    """Print the path of the serial port, and run an image until the process is stopped.

    `described` is the board.toml. `make` makes the machine from the image, the board, the serial
    line and the flash for saves. If the environment variable SKA_STORAGE names a file, the flash
    for saves is in that file.
    """
    # Ctrl-C ends the process at once: an exception in a callback could be lost in the emulator.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    board = read_board(described.parent)
    path = os.environ.get("SKA_STORAGE")
    cells = Cells(0 if board.storage is None else board.storage.size, Path(path) if path else None)
    terminal = Terminal()
    machine = make(elf, board, terminal, cells)
    print(terminal.port, flush=True)
    machine.run()


def run_chip(module: str, description: str | None, chip: MakeChip, arguments: Words) -> int:
    """Run an image on a core in a chip, from a command line; see `run_program`."""

    def run(elf: Path, described: Path, counting: bool = False) -> None:
        def make(elf: Path, board: Board, wire: Terminal, cells: Cells) -> Core:
            return Core(elf, board, chip, wire, cells, counting)

        run_machine(elf, described, make)

    return run_program(module, description, run, arguments, partial(run, counting=True))
