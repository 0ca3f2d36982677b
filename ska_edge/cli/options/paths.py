"""Checks the output paths of a command before it starts its work."""

from __future__ import annotations

from pathlib import Path

from ska_edge.files import check_target


def check_file(path: Path, *others: str | Path | None) -> None:
    """Raise InputError if `path` cannot be written, or if the command uses this file twice.

    `others` are the files that the command also reads or writes; None is no file.
    """
    check_target(path, *others, by="this command")
