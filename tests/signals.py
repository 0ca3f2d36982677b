"""Set the signal dispositions of programs that a test starts.

A child inherits the signals that its parent ignores: SIGHUP under nohup, SIGINT in the
background of a plain shell.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def heeded() -> Iterator[None]:
    """Let ignored signals take effect in this block, and in programs that the block starts.

    SIGINT raises KeyboardInterrupt. Other signals get a handler that does nothing. Programs do not
    inherit this handler.
    """
    ignored = [number for number in ENDING if signal.getsignal(number) is signal.SIG_IGN]
    for number in ignored:
        ctrl_c = number is signal.SIGINT
        signal.signal(number, signal.default_int_handler if ctrl_c else lambda *_: None)
    try:
        yield
    finally:
        for number in ignored:
            signal.signal(number, signal.SIG_IGN)
