"""Finds the label and the group of a recording in the names of its file and folders."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from ska_edge.errors import InputError, OptionError

NUMBER = re.compile(r"[-_ ]*[0-9]+$")


def file_label(path: Path) -> str:
    """Return the name of a file up to its first point, without a number at its end.

    So `walk-01.csv`, `walk.anna.csv` and `walk_2.csv` are recordings of `walk`.
    """
    name = path.name.split(".")[0]
    return NUMBER.sub("", name) or name


def label_of(path: Path, label_from: str) -> str:
    """Return the label of a recording from the name of its folder or of its file."""
    return path.absolute().parent.name if label_from == "folder" else file_label(path)


def group_of(path: Path, group_from: str, label_from: str) -> str:
    """Return the group of a recording: the name of its file or of its folder.

    If the name of the folder is the label, the group is the name of the folder above.

    Raises OptionError if there is no such folder.
    """
    if group_from == "file":
        return path.name
    parent = path.absolute().parent
    name = (parent.parent if label_from == "folder" else parent).name
    if not name:
        raise OptionError(
            "{path} is in no folder with the name of a group; leave {group_from} out",
            path=path,
        )
    return name


def where(paths: Sequence[Path], with_labels: Sequence[bool], asked: str | None) -> str:
    """Return where the labels of recordings are, one of `recorded.PLACES`.

    By default, the labels are in a column if the files have a column of labels. Otherwise, they are
    the names of the folders if there are several folders, and the names of the files if not.

    Raises InputError if labels come from a column, but a file has no such column.
    """
    lacking = [path for path, has in zip(paths, with_labels, strict=True) if not has]
    if asked == "column" or (asked is None and len(lacking) < len(paths)):
        if lacking:
            raise InputError(
                f"{lacking[0]} has no column of labels; give every file one, or take the labels"
                " from the names of the files or of their folders"
            )
        return "column"
    if asked is not None:
        return asked
    return "folder" if len({path.absolute().parent for path in paths}) > 1 else "file"
