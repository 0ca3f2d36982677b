"""Converts the names of added classes between text and the bytes of a state."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ska_edge.errors import InputError
from ska_edge.plan.spare import NAME_BYTES
from ska_edge.plural import counted


def bytes_of(name: str) -> NDArray[np.int64]:
    """Return a name as (NAME_BYTES,) bytes of UTF-8, filled up with 0.

    Raises InputError for a name that is empty or too long, that begins or ends with a space, or
    that has a character which cannot be printed.
    """
    if not name or not name.isprintable() or name != name.strip():
        raise InputError(
            f"the class name {name!a:.40} cannot be used; give printable characters, with no space"
            " at either end"
        )
    data = name.encode("utf-8", "replace")
    if len(data) > NAME_BYTES:
        raise InputError(
            f"the class name '{name:.40}' has {len(data)} bytes in UTF-8; a device keeps at most"
            f" {NAME_BYTES}"
        )
    return np.frombuffer(data.ljust(NAME_BYTES, b"\0"), dtype=np.uint8).astype(np.int64)


def text_of(data: NDArray[np.integer]) -> str:
    """Return the name in (NAME_BYTES,) bytes, up to the first 0; "" for a spare output.

    A device may hold any bytes as a name, so bytes that are not UTF-8 become escapes.
    """
    name, _, _ = data.astype(np.uint8).tobytes().partition(b"\0")
    return name.decode("utf-8", "backslashreplace")


def no_spare(name: str, spares: int) -> str:
    """Return the error sentence for a new class without a spare output."""
    if not spares:
        return (
            f"the class '{name}' is new, and the model has no spare class for it; train a model"
            " with spare classes"
        )
    return (
        f"the class '{name}' is new, but the model has used its {counted(spares, 'spare class')};"
        " forget one of these classes first"
    )
