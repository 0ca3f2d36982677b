"""Runs a simulated AVR board: an ELF image in libsimavr, with its USART0 on a pseudo terminal.

    python -m firmware_gen.emulators.simavr firmware.elf board.toml

compiles `boards/avr/simulator.c` with the C compiler of this computer, into the folder of the
image. The process then becomes that program, which prints the path of the serial port and runs
until it is stopped.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from firmware_gen import toolchains
from firmware_gen.board import BOARDS_FOLDER, read_board
from firmware_gen.emulators.program import run_program
from ska_edge.errors import InputError

SOURCE = BOARDS_FOLDER / "avr" / "simulator.c"


def compile_simulator(folder: Path) -> Path:
    """Compile the simulator into `folder`; return its path.

    Raises:
        ToolError: there is no C compiler.
        CheckError: the compiler failed, for example because libsimavr is missing.
    """
    program = folder.resolve() / "simulator"
    compiler = toolchains.choose(toolchains.HOST)
    compiler.run(["-std=c99", "-O2", str(SOURCE), "-lsimavr", "-o", str(program)], folder)
    return program


def run(elf: Path, board: Path) -> None:
    """Replace this process by the simulator of the board.

    Raises:
        InputError: the image is missing, or board.toml lacks what the simulator needs.
    """
    described = read_board(board.parent)
    if described.clock is None:
        raise InputError(f"{board} has no clock, which the simulator needs; add it")
    if not elf.is_file():
        raise InputError(f"{elf} does not exist; build it first")
    if described.uart is None:
        raise InputError(f"{board} has no [uart], which the simulator needs; add it")
    program = str(compile_simulator(elf.parent))
    values = (described.core, str(described.clock), str(described.uart.baud))
    os.execv(program, [program, str(elf), *values])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a board until it is stopped; return the exit code of an error, if any."""
    return run_program("firmware_gen.emulators.simavr", __doc__, run, arguments)


if __name__ == "__main__":
    sys.exit(main())
