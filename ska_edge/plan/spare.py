"""Defines spare outputs, which become classes after the training."""

from __future__ import annotations

NAME_BYTES = 16  # the largest name of an added class, in bytes of UTF-8


def spare_labels(spares: int) -> tuple[str, ...]:
    """Return the labels that spare outputs have in a plan, such as "(spare 1)"."""
    return tuple(f"(spare {number})" for number in range(1, spares + 1))
