"""Plain lines on standard error while a command works, if standard error is not a terminal.

A terminal shows progress bars. A file or a pipe shows nothing until a command prints something, so
a long command looks stuck. A `Pulse` prints a line after `FIRST` seconds of silence, and then one
every `THEN` seconds. It is off if the environment has `CI`, because nobody watches there.
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
    """Whether somebody may read the lines."""
    return not os.environ.get(OFF)


class Pulse:
    """Prints a line now and then for a `with` block, in a thread of its own.

    Args:
        work: what the command does, as long as nothing else is known.
        say: prints a line.
    """

    def __init__(self, work: str, say: Callable[[str], None]) -> None:
        self._work = [work]
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
        self._thread.join(THEN)  # a reader that does not read must not keep the command

    def printed(self) -> None:
        """Something else was printed, so there is no silence."""
        self._printed = time.monotonic()

    @contextmanager
    def work(self, text: str) -> Iterator[Callable[[str], None]]:
        """For a block, name the work; yields a function that replaces the text."""
        self._work.append(text)
        place = len(self._work) - 1

        def now(text: str) -> None:
            self._work[place] = text

        try:
            yield now
        finally:
            del self._work[place:]

    def due(self, now: float) -> float:
        """Seconds from a time until the next line."""
        return self._printed + self._pause - now

    def line(self, now: float) -> str:
        """The line of a time."""
        return f"{self._work[-1]}, {now - self._begun:.0f} s"

    def _run(self) -> None:
        wait = self.due(time.monotonic())
        while not self._ended.wait(max(wait, 0.0)):
            now = time.monotonic()
            wait = self.due(now)
            if wait > 0:
                continue
            with contextlib.suppress(OSError):  # the command itself finds a closed pipe
                self._say(self.line(now))
            self._printed, self._pause = now, THEN
            wait = THEN
