"""Reads single keys of a terminal, without waiting."""

from __future__ import annotations

import importlib
import os
import select
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def pressed_keys(wanted: bool = True) -> Iterator[Callable[[], str]]:
    """Yield a function that returns the keys pressed since its last call, as text.

    Ctrl-C still raises KeyboardInterrupt. The settings of the terminal are restored at the end. If
    standard input is not a terminal, or if no keys are `wanted`, the function always returns an
    empty text.
    """
    if not wanted or not has_keys():
        yield lambda: ""
        return
    try:
        import termios
        import tty
    except ImportError:  # Windows has another module in place of these
        console = importlib.import_module("msvcrt")
        yield lambda: _waiting_on_windows(console)
        return
    number = sys.stdin.fileno()
    before = termios.tcgetattr(number)
    tty.setcbreak(number, termios.TCSANOW)
    try:
        yield lambda: _waiting(number)
    finally:
        termios.tcsetattr(number, termios.TCSANOW, before)


def has_keys() -> bool:
    """Tell whether standard input is a terminal, so that a person can press keys."""
    return sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty()


def _waiting_on_windows(console: Any) -> str:
    keys = ""
    while console.kbhit():
        keys += console.getwch()
    if "\x03" in keys:  # a key that is read does not interrupt by itself
        raise KeyboardInterrupt
    return keys


def _waiting(number: int) -> str:
    ready, _, _ = select.select([number], [], [], 0)
    if not ready:
        return ""
    try:
        return os.read(number, 256).decode("utf-8", "replace")
    except OSError:  # the terminal is gone; a signal tells the program
        return ""
