"""Defines the type of a function that receives the progress of some work."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""A function that is called with two amounts in the same unit: the work done, and all work."""


def silent(*_: int) -> None:
    """Do nothing; the `Progress` for a caller that wants no reports."""
