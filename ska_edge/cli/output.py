"""Checks the output paths of a command before the work, not after it."""

from __future__ import annotations

import os
from pathlib import Path

from ska_edge.errors import InputError
from ska_edge.files import regular_target


def check_file(path: Path, *inputs: str | Path | None) -> None:
    """Raise InputError unless a file can be written there and it is not an input of the command."""
    try:
        target = regular_target(path)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error
    if target is None:
        if not os.access(path, os.W_OK):
            raise InputError(f"{path} cannot be written: no permission")
        return
    check_folder(target)
    for source in inputs:
        if source is not None and Path(source).exists() and path.exists():
            if path.samefile(source):
                raise InputError(f"{path} is read by this command; write to another file")
        elif source is not None and path.absolute() == Path(source).absolute():
            raise InputError(f"{path} is written twice by this command; name two files")


def check_folder(path: Path) -> None:
    """Raise InputError unless a file or folder could be created at this path."""
    if not path.parent.is_dir():
        raise InputError(f"there is no folder {path.parent} to write {path.name} to")
    if not os.access(path if path.is_dir() else path.parent, os.W_OK):
        raise InputError(f"{path} cannot be written: no permission in that folder")
