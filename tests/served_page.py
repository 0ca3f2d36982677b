"""Runs a command that serves a page, as a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[1]


class ServedPage:
    """A command with a page.

    Attributes:
        url: the printed address.
        process: the process; its standard error is in the file `errors`.
    """

    def __init__(self, process: subprocess.Popen[str], errors: Path) -> None:
        self.process, self._errors = process, errors
        assert process.stdout is not None
        while " is at http" not in (line := process.stdout.readline()):
            assert line, self.errors  # a table of a build
        self.url = line.rpartition(" ")[2].strip()

    @property
    def errors(self) -> str:
        """What the command printed on standard error so far."""
        return self._errors.read_text()

    @property
    def token(self) -> str:
        """The token of the address."""
        return urlsplit(self.url).query.removeprefix("token=")

    def interrupt(self) -> int:
        """Press Ctrl-C; return the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)


@contextmanager
def served_page(*arguments: object) -> Iterator[ServedPage]:
    """Run a command with its page at a free TCP port during the block."""
    errors = Path("errors")
    with errors.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "ska_edge", *map(str, arguments), "--http-port", "0"],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=file,
            text=True,
        )
    try:
        yield ServedPage(process, errors)
    finally:
        process.kill()
        process.communicate()
