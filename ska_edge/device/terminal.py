"""Reads and restores the settings of a POSIX terminal, and checks the driver's speed.

Not every system has `termios`, so `port` imports this module only when it opens a port.
"""

from __future__ import annotations

import termios
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# Linux reports this value for a speed without a constant in `termios`. Newer C libraries and other
# systems report the speed itself.
NAMELESS = getattr(termios, "CBAUDEX", None)
OUTPUT_SPEED = 5  # index of the output speed in the settings


@contextmanager
def system_errors() -> Iterator[None]:
    """Convert termios.error, which is not an OSError, to OSError in this block."""
    try:
        yield
    except termios.error as error:
        raise OSError(*error.args) from error


def settings(number: int) -> list[Any]:
    """Return the settings of an open terminal, for `put_back`."""
    return termios.tcgetattr(number)


def put_back(number: int, settings: list[Any]) -> None:
    """Restore the settings of an open terminal."""
    termios.tcsetattr(number, termios.TCSANOW, settings)


def drop_output(number: int) -> None:
    """Drop bytes that are written but not yet sent."""
    termios.tcflush(number, termios.TCOFLUSH)


def runs_at(number: int, baud: int) -> bool:
    """Tell whether an open terminal runs at a speed, according to the system."""
    return settings(number)[OUTPUT_SPEED] in (getattr(termios, f"B{baud}", NAMELESS), baud)
