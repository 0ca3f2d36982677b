"""Runs the command line on a terminal of its own, as a person does."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import select
import struct
import subprocess
import sys
import termios
from pathlib import Path

STYLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")
ROOT = Path(__file__).parents[1]
LINES = 40


class Terminal:
    """The command ska-edge, run on a terminal of its own, in a folder."""

    def __init__(
        self,
        columns: int,
        *arguments: object,
        folder: Path | None = None,
        lines: int = LINES,
    ) -> None:
        self.master, self.slave = os.openpty()
        self._lines = lines
        self.resize(columns)
        self.before = termios.tcgetattr(self.slave)
        self.shown = ""
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "LANG": "C.UTF-8"}
        for name in ("COLUMNS", "LINES"):
            environment.pop(name, None)  # the size is that of the terminal
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ska_edge", *map(str, arguments)],
            cwd=folder,
            env=environment,
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # so that Ctrl-C is a key
        )

    def resize(self, columns: int) -> None:
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", self._lines, columns, 0, 0))

    def press(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def until(self, words: str) -> str:
        """Read until the terminal shows these words; return all that it has shown since."""
        begun = len(self.shown)
        while words not in STYLE.sub("", self.shown[begun:]):
            found = os.read(self.master, 65536).decode("utf-8", "replace")
            assert found and self.process.poll() is None, self.shown
            self.shown += found
        return STYLE.sub("", self.shown[begun:])

    def end(self) -> int:
        """Read until the program ends; return its exit code."""
        os.set_blocking(self.master, False)
        while self.process.poll() is None:
            select.select([self.master], [], [], 0.1)
            with contextlib.suppress(BlockingIOError):
                self.shown += os.read(self.master, 65536).decode("utf-8", "replace")
        with contextlib.suppress(BlockingIOError):
            self.shown += os.read(self.master, 65536).decode("utf-8", "replace")
        return self.process.returncode

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)
