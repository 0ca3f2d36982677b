"""Defines spare outputs, which become classes after the training."""

from __future__ import annotations

NAME_BYTES = 16  # UTF-8 bytes of the name of an added class, at most


def spare_labels(spares: int) -> tuple[str, ...]:
    """Return the labels of a plan's spare outputs, which stand in for names."""
    return tuple(f"(spare {number})" for number in range(1, spares + 1))
