"""Folders that are this user's alone: what is found in them was put there by this user.

The temporary folder is everybody's. Whoever makes a folder there first, or may write to it, decides
what a compiler takes out of its cache and which processes a list of running boards names.
"""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

PRIVATE = 0o700
OTHERS_WRITE = 0o022


def own_folder(*places: Path) -> Path | None:
    """The first of these places where this user alone has a folder, made if needed; None: nowhere.

    A folder that others may write to is not used, and one that they may read is closed to them.
    """
    for place in places:
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.mkdir(mode=PRIVATE, exist_ok=True)
            if not _is_own(place):
                continue
            if stat.S_IMODE(place.stat().st_mode) != PRIVATE:
                place.chmod(PRIVATE)
        except OSError:
            continue
        if os.access(place, os.W_OK):
            return place
    return None


def temporary_place() -> Path:
    """Where this user's folder in the temporary folder should be."""
    return Path(tempfile.gettempdir()) / f"ska-edge-{_user()}"


def state_place() -> Path:
    """Where this user's folder for what outlives a restart should be."""
    base = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return Path(base) / "ska-edge"


def _is_own(place: Path) -> bool:
    """Whether this is a folder, no link to one, of this user, which no other may write to."""
    status = place.lstat()
    if not stat.S_ISDIR(status.st_mode):
        return False
    if not hasattr(os, "getuid"):
        return True  # no such owners and modes there
    return status.st_uid == os.getuid() and not status.st_mode & OTHERS_WRITE


def _user() -> str:
    return str(os.getuid()) if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
