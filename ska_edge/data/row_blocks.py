"""Divides rows into blocks, so that a conversion of many rows takes little memory."""

from __future__ import annotations

from collections.abc import Iterator

ROWS = 4096


def row_blocks(count: int) -> Iterator[slice]:
    """Yield slices that cover rows 0 to count - 1 in their order, at most `ROWS` each."""
    for start in range(0, count, ROWS):
        yield slice(start, min(start + ROWS, count))
