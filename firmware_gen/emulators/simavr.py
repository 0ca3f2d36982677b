"""Runs a simulated AVR board: an ELF image in libsimavr, with its USART0 on a pseudo terminal.

    python -m firmware_gen.emulators.simavr firmware.elf board.toml

compiles the C files in `avr/` with the C compiler of this computer, into the folder of the image,
unless they are compiled already. The process then becomes the compiled simulator, which prints the
path of the serial port and runs until it is stopped. If the environment variable SKA_STORAGE names
a file, the content of the EEPROM is in that file.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from firmware_gen import toolchains
from firmware_gen.board.board import Board, read_board
from firmware_gen.emulators.cells import open_cells
from firmware_gen.emulators.program import run_program
from ska_edge.errors import InputError

FILES = sorted((Path(__file__).resolve().parent / "avr").glob("*.[ch]"))
FRESH = -1
"""Means an EEPROM without a file: it is erased at first, and lost with the process."""


def compile_simulator(folder: Path) -> Path:
    """Compile the simulator into `folder`, unless it is there already; return its path.

    Raises:
        ToolError: there is no C compiler, or it cannot be run.
        CheckError: the compiler failed, for example because libsimavr is missing.
    """
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in FILES)).hexdigest()
    program = folder.resolve() / f"simulator-{digest[:8]}"
    if not program.exists():
        compiler = toolchains.choose(toolchains.HOST)
        sources = [str(path) for path in FILES if path.suffix == ".c"]
        fresh = program.with_suffix(f".{os.getpid()}")
        compiler.run(["-std=c99", "-O2", *sources, "-lsimavr", "-o", str(fresh)], folder)
        fresh.replace(program)
    return program


def run(elf: Path, board: Path) -> None:
    """Replace this process by the simulator of the board.

    Raises:
        InputError: the image is missing, board.toml is damaged or lacks what the simulator needs,
            or the EEPROM's file cannot be used.
        ToolError, CheckError: see `compile_simulator`.
    """
    described = read_board(board.parent)
    if described.clock is None:
        raise InputError(f"{board} has no clock, which the simulator needs; add it")
    if not elf.is_file():
        raise InputError(f"{elf} does not exist; build it first")
    if described.uart is None:
        raise InputError(f"{board} has no [uart], which the simulator needs; add it")
    program = str(compile_simulator(elf.parent))
    values = [described.core, str(described.clock), str(described.uart.baud)]
    os.execv(program, [program, str(elf), *values, str(_eeprom(described))])


def _eeprom(board: Board) -> int:
    """Open the EEPROM's file; return a descriptor that the simulator inherits, or FRESH."""
    path = os.environ.get("SKA_STORAGE")
    if not path or board.storage is None:
        return FRESH
    descriptor = open_cells(Path(path), board.storage.size)
    os.set_inheritable(descriptor, True)
    return descriptor


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a board until it is stopped; return the exit code of an error, if any."""
    return run_program("firmware_gen.emulators.simavr", __doc__, run, arguments)


if __name__ == "__main__":
    sys.exit(main())
