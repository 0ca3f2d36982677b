"""Writes counts and lists for sentences."""

from __future__ import annotations

from collections.abc import Sequence

SHOWN = 8
"""Most names that a sentence lists."""


def counted(number: int, noun: str) -> str:
    """Return a count with its noun: "1 sample", "2 samples", "3 classes"."""
    ending = "" if number == 1 else "es" if noun.endswith("s") else "s"
    return f"{number} {noun}{ending}"


def listed(names: Sequence[str], more: str = ", ...") -> str:
    """Return the first names with commas between them, and `more` if there are further names."""
    return ", ".join(names[:SHOWN]) + (more if len(names) > SHOWN else "")
