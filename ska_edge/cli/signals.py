"""Makes SIGTERM and SIGHUP end a program as Ctrl-C does, with an exit code for each signal."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

CTRL_C = 130  # exit code: 128 plus the number of the signal, as in shells


class Ended(KeyboardInterrupt):
    """A signal other than Ctrl-C has arrived.

    Attributes:
        exit_code: exit code of the program.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.exit_code = 128 + number


def exit_code(error: BaseException | None) -> int | None:
    """Return the exit code after a KeyboardInterrupt, or None for any other error.

    An error that a KeyboardInterrupt caused counts as a KeyboardInterrupt, for example a failed
    write to a closed terminal.
    """
    found = interrupt(error)
    if found is None:
        return None
    return found.exit_code if isinstance(found, Ended) else CTRL_C


def interrupt(error: BaseException | None) -> KeyboardInterrupt | None:
    """Return the KeyboardInterrupt that `error` is, or that caused it; None for other errors."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error


@contextmanager
def ending() -> Iterator[None]:
    """Make SIGTERM and SIGHUP raise `Ended` in this block, unless handled or ignored already."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set handlers
        return

    def end(number: int, _frame: FrameType | None) -> None:
        raise Ended(number)

    names = ("SIGTERM", "SIGHUP")  # Windows has no SIGHUP
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    ours = [number for number in numbers if signal.getsignal(number) is signal.SIG_DFL]
    for number in ours:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)
