"""Remembers the projects that this user generated or trusts.

A build or a start of a project runs commands from its files. So a private folder has a note for
each project that was generated here or that the user trusts. A note is for one path and one
description. A foreign project has another path, or another description if it replaced ours, so it
has no note.
"""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path

from firmware_gen.folder.own_folder import own_folder, state_place

DESCRIPTION = "ska-project.json"


def remember(project: Path, description: bytes) -> None:
    """Note that a project with this description is trusted.

    It does nothing if there is no folder for notes.
    """
    notes = _notes()
    if notes is None:
        return
    with contextlib.suppress(OSError):
        for note in notes.iterdir():
            if not Path(note.read_text(encoding="utf-8", errors="surrogateescape")).exists():
                note.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        text = str(project.resolve())
        (notes / _name(project, description)).write_text(
            text, encoding="utf-8", errors="surrogateescape"
        )


def is_trusted(project: Path) -> bool:
    """Tell whether this user generated or trusted a project with this path and description."""
    notes = _notes()
    try:
        description = (project / DESCRIPTION).read_bytes()
        return notes is not None and (notes / _name(project, description)).is_file()
    except OSError:
        return False


def _notes() -> Path | None:
    """Return the folder with a note for each trusted project; None if there cannot be one."""
    place = own_folder(state_place())
    return None if place is None else own_folder(place / "projects")


def _name(project: Path, description: bytes) -> str:
    """Return the name of the note for a project."""
    where = str(project.resolve()).encode("utf-8", "surrogateescape")
    return hashlib.sha256(hashlib.sha256(where).digest() + description).hexdigest()
