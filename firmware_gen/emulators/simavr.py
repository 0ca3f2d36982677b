"""A simulated AVR board: an ELF image in libsimavr, its USART0 on a pseudo terminal.

    python -m firmware_gen.emulators.simavr firmware.elf board.toml

compiles `boards/avr/simulator.c` with the C compiler of this computer, into the folder of the
image. The process then becomes that program, which prints the path of the serial port and runs
until it is stopped.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from firmware_gen import toolchains
from firmware_gen.board import BOARDS_FOLDER, read_board
from ska_edge.errors import InputError, SkaError

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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a board until it is stopped; returns the exit code of the error, if any."""
    parser = argparse.ArgumentParser(
        prog="python -m firmware_gen.emulators.simavr", description=__doc__
    )
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("elf", type=Path, help="the image, as built")
    parser.add_argument("board", type=Path, help="the board.toml of the project it was built in")
    options = parser.parse_args(arguments)
    try:
        board = read_board(options.board.parent)
        if board.clock is None:
            raise InputError(f"{options.board} has no clock, which the simulator needs; add it")
        if not options.elf.is_file():
            raise InputError(f"{options.elf} does not exist; build it first")
        if board.uart is None:
            raise InputError(f"{options.board} has no [uart], which the simulator needs; add it")
        program = str(compile_simulator(options.elf.parent))
        values = (board.core, str(board.clock), str(board.uart.baud))
        os.execv(program, [program, str(options.elf), *values])
    except SkaError as error:
        print(f"{Path(options.elf).name}: {error}", file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
