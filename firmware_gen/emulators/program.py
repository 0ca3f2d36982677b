"""Parses the command line of an emulator: an image, and the board.toml of its build."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from ska_edge.errors import SkaError


def run_program(
    module: str,
    description: str | None,
    run: Callable[[Path, Path], None],
    arguments: Sequence[str] | None,
) -> int:
    """Call `run(elf, board)` with the paths of a command line.

    Args:
        module: the name for `python -m`.
        description: the text of --help.
        run: runs the board until it is stopped.
        arguments: the words of the command line; None for the command line of this process.

    Returns the exit code. An error is printed as one line, after the name of the image.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=description)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("elf", type=Path, help="the image, as built")
    parser.add_argument("board", type=Path, help="the board.toml of the project it was built in")
    options = parser.parse_args(arguments)
    try:
        run(options.elf, options.board)
    except SkaError as error:
        print(f"{options.elf.name}: {error}", file=sys.stderr)
        return error.exit_code
    return 0
