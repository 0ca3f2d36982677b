"""Defines the type of a function that receives the progress of some work."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""A function that is called with the amounts of finished and of all work, in the same unit."""


def silent(*_: int) -> None:
    """Do nothing: the `Progress` of a caller that wants no reports."""
