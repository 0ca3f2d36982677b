"""The settings of a POSIX terminal: read, put back, and the speed that its driver has taken.

Not every system has `termios`, so `port` imports this module only when a port is opened.
"""

from __future__ import annotations

import termios
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# What Linux says of a speed without a name; newer C libraries, and other systems, give the speed.
NAMELESS = getattr(termios, "CBAUDEX", None)
OUTPUT_SPEED = 5  # its place in the settings


@contextmanager
def system_errors() -> Iterator[None]:
    """What the system refuses in this block is an OSError, which termios.error is not."""
    try:
        yield
    except termios.error as error:
        raise OSError(*error.args) from error


def settings(number: int) -> list[Any]:
    """The settings of an open terminal, as `put_back` takes them."""
    return termios.tcgetattr(number)


def put_back(number: int, settings: list[Any]) -> None:
    """Give an open terminal its settings back."""
    termios.tcsetattr(number, termios.TCSANOW, settings)


def drop_output(number: int) -> None:
    """Forget what was written and not sent yet."""
    termios.tcflush(number, termios.TCOFLUSH)


def runs_at(number: int, baud: int) -> bool:
    """Whether an open terminal runs at a speed, as far as the system says."""
    return settings(number)[OUTPUT_SPEED] in (getattr(termios, f"B{baud}", NAMELESS), baud)
