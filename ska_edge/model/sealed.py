"""Defines the layout of a model file: its constants, the names of its tensors, and its seal.

`model.ska` is an npz without pickles. The same model gives the same bytes. The archive's comment is
the SHA-256 of everything before it, so every changed bit is detected.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ska_edge.files import npz_bytes

MAGIC = "ska-edge model"
VERSION = 3
SEAL = 64  # bytes of the seal at the end of a file: the hexadecimal digits of a SHA-256
REFERENCE = "reference_"  # prefix of the tensor names of the float twin


def sealed(header: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> bytes:
    """Return the bytes of a model file with these arrays, and a header of plain data.

    The header also gets `MAGIC` and `VERSION`.
    """
    text = json.dumps({"magic": MAGIC, "version": VERSION, **header}, sort_keys=True).encode()
    whole = {**arrays, "header": np.frombuffer(text, dtype=np.uint8)}
    content = npz_bytes(whole, bytes(SEAL))[:-SEAL]
    return content + seal(content)


def seal(content: bytes) -> bytes:
    """Return the seal for a file: the digest of `content`, all bytes before the seal."""
    return hashlib.sha256(content).hexdigest().encode()


def reference_name(layer: int, tensor: str) -> str:
    """Return the name of a float twin's tensor in the file, which says "head" for "readout"."""
    return f"{REFERENCE}{tensor.replace('readout_', 'head_')}_{layer}"


def reference_place(name: str) -> tuple[int, str]:
    """Return the layer and the tensor of a `reference_name`; raise ValueError for other names."""
    tensor, _, layer = name.removeprefix(REFERENCE).rpartition("_")
    return int(layer), tensor.replace("head_", "readout_")
