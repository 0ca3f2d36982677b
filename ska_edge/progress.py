"""How long work tells its caller how far it is."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Called with what is done, and with all there is to do, in one unit."""


def silent(*_: int) -> None:
    """A `Progress` that does nothing."""
