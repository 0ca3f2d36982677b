"""Chooses the files of new recordings in a folder, and checks their columns."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from ska_edge.errors import InputError, OptionError
from ska_edge.files import check_folder, refusal
from ska_edge.plural import listed
from ska_edge.recorder.take import GROUP, Form, Take

UNLABELED = "recording"  # the name of a recording without a label
LONGEST = 100  # bytes of a label or a group in the name of a file, which may have 255
LAST = re.compile(r"-([0-9]+)\.csv$")


def prepare(folder: Path) -> None:
    """Create a folder for recordings unless it exists.

    Raises InputError if the folder cannot be created, or if the path is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; recordings are written to a folder")
    check_folder(folder)
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise refusal("write", folder, error) from error


def check(folder: Path, form: Form) -> None:
    """Raise OptionError unless new recordings fit the folder.

    They must have the columns of the recordings in the folder, and each column needs its own name.
    """
    header = form.header
    twice = next((name for name in header if header.count(name) > 1), None)
    if twice is not None:
        raise OptionError(
            "a recording has the columns {columns}, so {twice} occurs twice; name the values of the"
            " board with {axes}",
            columns=", ".join(header),
            twice=twice,
        )
    paths = sorted(path for path in folder.glob("*.csv") if not path.name.startswith("."))
    if not paths:
        return
    with paths[0].open(newline="", encoding="utf-8", errors="replace") as file:
        known = next(csv.reader(file), [])
    if known == header:
        return
    advice = "record to another folder, or name the values with {axes}"
    if {*known} ^ {*header} == {GROUP}:
        advice = "all recordings of a folder have a {group}, or none"
    raise OptionError(
        "{path} has the columns {known}, but a new recording has {header}; " + advice,
        path=paths[0],
        known=listed(known),
        header=listed(header),
    )


def begin(folder: Path, form: Form) -> Take:
    """Begin a recording in a new file, such as walk.anna-2.csv; raise InputError as `Take` does."""
    parts = [part for part in (form.label or UNLABELED, form.group) if part]
    words = [re.sub(r"\W+", "_", part).encode()[:LONGEST] for part in parts]
    name = ".".join(word.decode("utf-8", "ignore") for word in words)
    numbers = [
        int(found[1])
        for path in folder.glob("*.csv")
        if path.name.startswith(f"{name}-") and (found := LAST.search(path.name))
    ]
    return Take(folder / f"{name}-{max(numbers, default=0) + 1}.csv", form)
