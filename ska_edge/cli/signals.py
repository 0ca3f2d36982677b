"""Signals that ask a program to end: they do so as Ctrl-C does, and the exit code says which."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

CTRL_C = 130  # exit code: 128 plus the number of the signal, as shells have it


class Ended(KeyboardInterrupt):
    """Another signal than that of Ctrl-C has come.

    Attributes:
        exit_code: that of the program.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.exit_code = 128 + number


def exit_code(error: BaseException | None) -> int | None:
    """The exit code of a program that a KeyboardInterrupt ends, or an error that came of one, as
    when the terminal has gone for which its last words are; None for any other error.
    """
    while error is not None:
        if isinstance(error, Ended):
            return error.exit_code
        if isinstance(error, KeyboardInterrupt):
            return CTRL_C
        error = error.__cause__ or error.__context__
    return None


@contextmanager
def ending() -> Iterator[None]:
    """Here SIGTERM and SIGHUP raise `Ended`, unless somebody else handles or ignores them."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only that one may set handlers
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
