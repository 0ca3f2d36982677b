"""Runs the commands of a flasher, which write an image to a real device."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from firmware_gen.board.flasher import Flasher
from firmware_gen.program import find_program
from ska_edge.errors import DeviceError, ToolError

STANDARD_ERROR = 2


def run_flasher(flasher: Flasher, command: Sequence[str]) -> None:
    """Run one command of a flasher; its output goes to standard error.

    The command runs in the user's current folder, so a port that is a relative path means the same
    file to the program as to the user.

    Raises:
        ToolError: the program is missing or cannot be run.
        DeviceError: the program failed.
    """
    program = find_program(command[0])
    if program is None:
        raise ToolError(f"{flasher.tool} needs the program {command[0]}: {flasher.install}")
    try:
        done = subprocess.run(
            [program, *command[1:]],
            stdin=subprocess.DEVNULL,
            stdout=STANDARD_ERROR,
            check=False,
        )
    except OSError as error:
        raise ToolError(f"{command[0]} cannot be run: {error.strerror}") from None
    if done.returncode != 0:
        raise DeviceError(
            f"{flasher.tool} failed with exit code {done.returncode}; its output above says why"
        )
