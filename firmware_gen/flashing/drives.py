"""Finds boards that appear as USB drives: each has a file INFO_UF2.TXT from its boot loader."""

from __future__ import annotations

import glob
from pathlib import Path

PLACES = ("/media/*/*", "/run/media/*/*", "/mnt/*", "/Volumes/*")
"""Folders where Linux and macOS show drives."""
DESCRIPTION = "INFO_UF2.TXT"


def uf2_drives(text: str) -> list[str]:
    """Return the folders of the drives with `text` in their INFO_UF2.TXT, sorted."""
    found = {folder for place in PLACES for folder in glob.glob(place)}
    return sorted(folder for folder in found if text in _description(Path(folder)))


def _description(folder: Path) -> str:
    try:
        return (folder / DESCRIPTION).read_text(encoding="utf-8", errors="replace")
    except OSError:  # no such drive, or one that nobody may read
        return ""
