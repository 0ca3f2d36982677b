"""Checks the output paths of a command before it starts its work."""

from __future__ import annotations

from pathlib import Path

from ska_edge import files
from ska_edge.errors import InputError
from ska_edge.files import regular_target


def check_file(path: Path, *others: str | Path | None) -> None:
    """Raise InputError if `path` cannot be written, or if the command uses this file twice.

    `others` are the files that the command also reads or writes; None is no file.
    """
    files.check_file(path)
    if regular_target(path) is None:
        return
    for source in others:
        if source is not None and Path(source).exists() and path.exists():
            if path.samefile(source):
                raise InputError(f"{path} is read by this command; write to another file")
        elif source is not None and path.absolute() == Path(source).absolute():
            raise InputError(f"{path} is written twice by this command; name two files")
