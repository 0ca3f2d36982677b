"""Which projects this user generated, or has said to trust.

Building and starting a project runs commands that its files name. Of those that were generated here
a note is kept in a folder that nobody else can write to. A note is for a path and the description
that was written there: a project that came from elsewhere has another path, and one that was put
over ours has another description.
"""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path

from firmware_gen.own_folder import own_folder, state_place

DESCRIPTION = "ska-project.json"


def remember(project: Path, description: bytes) -> None:
    """Note that a project with this description is trusted.

    Where there is no place for notes, nothing happens.
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
    """Whether a project is as it was when this user generated it here, or trusted it."""
    notes = _notes()
    try:
        description = (project / DESCRIPTION).read_bytes()
        return notes is not None and (notes / _name(project, description)).is_file()
    except OSError:
        return False


def _notes() -> Path | None:
    """The folder with a note for each trusted project; None where there can be none."""
    place = own_folder(state_place())
    return None if place is None else own_folder(place / "projects")


def _name(project: Path, description: bytes) -> str:
    """The name of the note for a project."""
    where = str(project.resolve()).encode("utf-8", "surrogateescape")
    return hashlib.sha256(hashlib.sha256(where).digest() + description).hexdigest()
