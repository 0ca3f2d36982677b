"""Limits the memory for data from files."""

from __future__ import annotations

from pathlib import Path

from ska_edge.errors import InputError

MAX_MEMORY = 1024  # MB; enough for 130 million numbers
MEGABYTE = 2**20  # bytes
FEATURE = 8  # bytes, as float64


def check_memory(path: Path, needed: int, max_memory: int) -> None:
    """Raise InputError if data from a file need more than `max_memory` MB."""
    if needed > max_memory * MEGABYTE:
        raise InputError(
            f"{path} takes {-(-needed // MEGABYTE)} MB of memory, but {max_memory} MB are allowed;"
            " allow more with --max-memory (max_memory in Python), or take fewer rows"
        )
