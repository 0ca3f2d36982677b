"""Writes a count with its noun in singular or plural."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """Return a count with its noun: "1 sample", "2 samples", "3 classes"."""
    ending = "" if number == 1 else "es" if noun.endswith("s") else "s"
    return f"{number} {noun}{ending}"
