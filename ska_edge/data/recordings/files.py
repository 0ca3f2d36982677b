"""Finds the files of recordings."""

from __future__ import annotations

import os
from pathlib import Path

from ska_edge.data.formats.table_file import TABLES
from ska_edge.data.several import files_of, has_files
from ska_edge.errors import InputError


def recording_files(source: str | os.PathLike[str]) -> list[Path]:
    """Return the paths of the tables that a source names: a file, a pattern, a list or a folder.

    A folder includes all folders below it, without hidden files and folders.

    Raises InputError if there is no table, or if a named file is not a table.
    """
    path = Path(source)
    try:
        if path.is_dir():
            return _below(path)
        several = files_of(source)
    except (OSError, ValueError) as error:  # a name too long for a path, or with a null byte
        raise InputError(f"{os.fspath(source)[:80]!r} cannot be a path: {error}") from error
    if not several and not path.exists():
        raise InputError(f"{path} does not exist; recordings come from a file or a folder")
    found = several or [path]
    for each in found:
        if each.is_dir() or each.suffix.lower() not in TABLES:
            raise InputError(
                f"{each} is not a recording; recordings are tables, whose names end in"
                f" {', '.join(TABLES)}"
            )
    return found


def has_only_recordings(source: str | os.PathLike[str]) -> bool:
    """Tell whether a source is a folder without data files, but with tables in folders in it."""
    try:
        outside = os.path.isdir(source) and not has_files(Path(source))
        return outside and bool(_below(Path(source)))
    except (OSError, InputError):  # `load` raises the error
        return False


def _below(folder: Path) -> list[Path]:
    found = [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in TABLES and path.is_file()
        if not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]
    if not found:
        raise InputError(
            f"{folder} has no recordings; they are tables, whose names end in {', '.join(TABLES)}"
        )
    return found
