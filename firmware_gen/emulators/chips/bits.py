"""Reads and makes the bits of a register's value."""

from __future__ import annotations


def field(value: int, first: int, count: int = 1) -> int:
    """Return `count` bits of a value as a number, from bit `first` on."""
    return int(value // 2**first % 2**count)


def bit(value: int, number: int) -> bool:
    """Tell whether a bit of a value is 1."""
    return bool(field(value, number))


def flag(number: int, on: bool = True) -> int:
    """Return a value in which bit `number` is 1 if `on`; all other bits are 0."""
    return 2**number if on else 0
