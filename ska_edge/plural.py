"""Writes counts and lists for sentences."""

from __future__ import annotations

from collections.abc import Sequence

SHOWN = 8
"""Most names that a sentence lists."""


def counted(number: int, noun: str) -> str:
    """Return a count with its noun: "1 sample", "2 samples", "3 classes", "4 axes"."""
    if number == 1:
        return f"1 {noun}"
    if noun.endswith("is"):
        return f"{number} {noun[:-2]}es"
    return f"{number} {noun}{'es' if noun.endswith('s') else 's'}"


def listed(names: Sequence[str], more: str = ", ...") -> str:
    """Return the first names with commas between them, and `more` if there are further names."""
    return ", ".join(names[:SHOWN]) + (more if len(names) > SHOWN else "")
