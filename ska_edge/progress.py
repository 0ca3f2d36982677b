"""Defines how long work reports its progress to its caller."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""A function that is called with the finished work and the whole work, in the same unit."""


def silent(*_: int) -> None:
    """Do nothing; a `Progress`."""
