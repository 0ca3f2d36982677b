"""Finds private folders of this user, whose contents no other user can have written.

All users share the temporary folder. A user who creates our folder there first, or who may write to
it, would control the compiler's cache and the list of running boards.
"""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

PRIVATE = 0o700
OTHERS_WRITE = 0o022


def own_folder(*places: Path) -> Path | None:
    """Return the first of these places that is, or becomes, a private folder; None if none does.

    A folder that others may write to is not used. The used folder gets the mode 0700.
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
    """Return the path of this user's folder in the temporary folder."""
    return Path(tempfile.gettempdir()) / f"ska-edge-{_user()}"


def cache_folder(name: str) -> Path | None:
    """Return a folder of this user for files that can be made again, such as compiled code.

    It is in the user's cache, or in the temporary folder. The result is None if neither can be
    used.
    """
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    for place in (Path(base) / "ska-edge", temporary_place()):
        if own_folder(place) is not None:
            folder = own_folder(place / name)
            if folder is not None:
                return folder
    return None


def state_place() -> Path:
    """Return the path of this user's folder for data that survive a restart."""
    base = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return Path(base) / "ska-edge"


def _is_own(place: Path) -> bool:
    """Tell whether this is a folder of this user, and no other user may write to it."""
    status = place.lstat()
    if not stat.S_ISDIR(status.st_mode):
        return False
    if not hasattr(os, "getuid"):
        return True  # this system has no owners and modes
    return status.st_uid == os.getuid() and not status.st_mode & OTHERS_WRITE


def _user() -> str:
    return str(os.getuid()) if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
