"""Finds the generated files that somebody has edited, from the digests of what was generated."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from ska_edge.errors import InputError


def sha256_of(content: bytes) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def edited(
    folder: Path, earlier: Mapping[str, str | None], files: Mapping[str, bytes]
) -> list[str]:
    """Return the names of the files that differ from their old and their new generated text.

    `earlier` has the digest of each file that was generated before; `files` has the new contents. A
    file that exists and was not generated counts as edited if a new file has its name.
    """
    names = []
    for name in sorted({*earlier, *files}):
        path = folder / name
        if not path.is_file():
            continue
        found = sha256_of(path.read_bytes())
        if found == earlier.get(name) or (name in files and found == sha256_of(files[name])):
            continue
        names.append(name)
    return names


def require_no_loss(folder: Path, lost: Sequence[str]) -> None:
    """Raise InputError if edited files would be lost."""
    if lost:
        raise InputError(
            f"{folder} holds files that were edited and would be lost: {', '.join(lost)};"
            " move them away, or give another folder"
        )


def leads_out(name: str) -> bool:
    """Tell whether a name leads out of the folder that has the files."""
    return "\0" in name or Path(name).is_absolute() or ".." in Path(name).parts
