"""Files that appear whole or not at all, and npz archives with bytes that only content decides."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ska_edge.errors import InputError


def write_file(path: Path, content: bytes) -> None:
    """Write a file; an old one stays as it is unless the new one is complete."""
    partial = path.with_name(path.name + ".part")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error


def npz_bytes(arrays: Mapping[str, NDArray[Any]], comment: bytes = b"") -> bytes:
    """An npz archive without pickles; equal arrays give equal bytes on every system.

    A comment, at most 65,535 bytes, stands at the very end.

    Not numpy.savez: stored, dated 1980 and marked as Unix here, whatever system writes it.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for key, values in arrays.items():
            entry = zipfile.ZipInfo(f"{key}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            content = io.BytesIO()
            np.lib.format.write_array(content, np.ascontiguousarray(values), allow_pickle=False)  # type: ignore[no-untyped-call, unused-ignore]
            archive.writestr(entry, content.getvalue())
        archive.comment = comment
    return buffer.getvalue()
