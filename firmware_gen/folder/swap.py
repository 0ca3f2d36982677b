"""Replaces several files of a folder, so that old and new files are never mixed.

New files are first written to a temporary folder inside the folder. Renaming it to `.ska-edge-swap`
commits the swap; after that, files are only removed and moved. A process that is killed before the
commit leaves the old files. If it is killed after the commit, files may be missing until `finish`
completes the swap. Each function that loads or writes a project or an export calls `finish`.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from ska_edge.errors import InputError
from ska_edge.files import part_name, refusal

DECIDED = ".ska-edge-swap"
OBSOLETE = "obsolete.json"
PARTS = ".ska-edge-*.part"


def swap_files(folder: Path, files: Mapping[str, bytes], obsolete: Iterable[str]) -> None:
    """Write `files`, named relative to `folder` with "/", and remove the files in `obsolete`.

    Raises:
        InputError: a name leads out of the folder, or the system refuses to write, for example on a
            full disk. If this happens before the commit, the folder is unchanged, or removed if it
            is new.
    """
    for name in files:
        if not _inside(folder, name):
            raise InputError(f"{folder / name} leads out of {folder}; give another folder")
    part, new_folder = folder / part_name(), not folder.exists()
    try:
        for left in folder.glob(PARTS):
            shutil.rmtree(left)
        try:
            for name, content in files.items():
                path = part / "new" / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            (part / OBSOLETE).write_text(json.dumps(sorted(obsolete)), encoding="utf-8")
            part.rename(folder / DECIDED)
        except BaseException:
            _undo(part, new_folder)
            raise
    except OSError as error:
        raise refusal("write to", folder, error) from error
    finish(folder)


def finish(folder: Path) -> None:
    """Complete a committed swap.

    Raises:
        InputError: the system refuses to write; another call continues the swap.
    """
    decided = folder / DECIDED
    try:
        if decided.is_dir() and not decided.is_symlink():
            new = decided / "new"
            files = sorted(path for path in new.rglob("*") if not path.is_dir())
            names = [path.relative_to(new).as_posix() for path in files]
            # All old files go before the first new one comes, so that there is never a mix.
            for name in (*_obsolete(decided), *names):
                if _inside(folder, name):
                    (folder / name).unlink(missing_ok=True)
            for path, name in zip(files, names, strict=True):
                if _inside(folder, name):
                    (folder / name).parent.mkdir(parents=True, exist_ok=True)
                    path.replace(folder / name)
            shutil.rmtree(decided)
    except OSError as error:
        raise refusal("write to", folder, error) from error


def is_left_over(name: str) -> bool:
    """Tell whether a name in a folder belongs to an unfinished swap."""
    return Path(name).match(PARTS) or name == DECIDED


def _undo(part: Path, new_folder: bool) -> None:
    """Remove the files of a swap that was not committed."""
    shutil.rmtree(part, ignore_errors=True)
    if new_folder:
        with contextlib.suppress(OSError):
            part.parent.rmdir()


def _obsolete(decided: Path) -> list[str]:
    """Return the names of the obsolete files; none if their list is missing or damaged."""
    try:
        names = json.loads((decided / OBSOLETE).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError, RecursionError):
        return []
    return [str(name) for name in names] if isinstance(names, list) else []


def _inside(folder: Path, name: str) -> bool:
    """Tell whether a name leads to a path below the folder; the name is not trusted."""
    if "\0" in name:
        return False
    place = (folder / name).parent.resolve() / Path(name).name
    return folder.resolve() in place.parents and Path(name).name != ".."
