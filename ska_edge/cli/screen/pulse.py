"""Prints plain lines on standard error during long work, if standard error is not a terminal.

A terminal shows progress bars. A file or a pipe shows nothing until a command prints something, so
a long command looks stuck. A `Pulse` prints a line after `FIRST` seconds of silence, and then a
line every `THEN` seconds. No pulse is used if the environment variable `CI` is set, because nobody
watches a build server.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

FIRST = 2.0
THEN = 10.0
OFF = "CI"  # the environment variable that build servers set


def wanted() -> bool:
    """Tell whether to print lines: not if the variable `CI` is set, as on a build server."""
    return not os.environ.get(OFF)


class Pulse:
    """Prints a line at intervals during a `with` block, in a thread of its own.

    Args:
        name: name of the command, with which each line begins.
        say: prints a line.
    """

    def __init__(self, name: str, say: Callable[[str], None]) -> None:
        self._name, self._work = name, ["working"]
        self._say = say
        self._begun = self._printed = time.monotonic()
        self._pause = FIRST
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)

    def __enter__(self) -> Pulse:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(THEN)  # not forever: the thread waits if nobody reads its output

    def printed(self) -> None:
        """Restart the time until the next line, because something else was printed."""
        self._printed = time.monotonic()

    @contextmanager
    def work(self, text: str) -> Iterator[Callable[[str], None]]:
        """Name the work of a block; yield a function that replaces the text.

        No line is printed while the text is "".
        """
        self._work.append(text)
        place = len(self._work) - 1

        def now(text: str) -> None:
            self._work[place] = text

        try:
            yield now
        finally:
            del self._work[place:]

    def due(self, now: float) -> float:
        """Return the seconds from `now` until the next line is due."""
        return self._printed + self._pause - now

    def line(self, now: float) -> str:
        """Return the line to print at this time."""
        return f"{self._name}: {self._work[-1]}, {now - self._begun:.0f} s"

    def _run(self) -> None:
        wait = self.due(time.monotonic())
        while not self._ended.wait(max(wait, 0.0)):
            now = time.monotonic()
            wait = self.due(now)
            if wait > 0:
                continue
            if self._work[-1]:
                with contextlib.suppress(OSError):  # the command itself reports a closed pipe
                    self._say(self.line(now))
            self._printed, self._pause = now, THEN
            wait = THEN
