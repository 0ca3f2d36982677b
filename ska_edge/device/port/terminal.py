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
CONTROL_FLAGS, OUTPUT_SPEED = 2, 5  # indices in the settings


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


def without_hang_up(settings: list[Any]) -> list[Any]:
    """Return the settings with which DTR and RTS stay when the last program closes the terminal."""
    found = list(settings)
    found[CONTROL_FLAGS] &= ~termios.HUPCL
    return found


def drop_output(number: int) -> None:
    """Drop bytes that are written but not yet sent."""
    termios.tcflush(number, termios.TCOFLUSH)


def runs_at(number: int, baud: int) -> bool:
    """Tell whether an open terminal runs at a speed, according to the system."""
    return settings(number)[OUTPUT_SPEED] in (getattr(termios, f"B{baud}", NAMELESS), baud)
