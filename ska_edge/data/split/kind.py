"""Names the kinds of splits, and chooses one that suits the data."""

from __future__ import annotations

import numpy as np

from ska_edge.data.dataset import Dataset
from ska_edge.data.split.groups import divisible
from ska_edge.data.split.order import in_time
from ska_edge.errors import OptionError

SPLITS = ("random", "blocked", "group", "file", "own", "plain")
"""The kinds of splits.

In this order, they hold out: rows of each class at random; blocks of neighboring rows; whole
groups; whole files; the rows that the data themselves hold out; and rows, or groups if there are
any, at random without regard to classes.
"""


def choose(dataset: Dataset) -> tuple[str, str]:
    """Return the kind of split that suits the data, and the reason, if it needs one.

    Data that bring a split keep it. Otherwise, rows of groups or of several files are split by
    group or file, and rows in the order of time, or of files that each have a class of their own,
    in blocks. With a random split, a test row would be too much like learned rows of its group, or
    like its neighbors in time.
    """
    if dataset.tested is not None:
        return "own", ""
    if dataset.default_split:
        return dataset.default_split, ""
    if dataset.group is not None:
        return "group", ""
    if dataset.file is not None and len(np.unique(dataset.file)) > 1:
        if divisible(dataset.y, dataset.file):
            return "file", ""
        return "blocked", "every file has a class that no other file has"
    why = in_time(dataset)
    return ("blocked", why) if why else ("random", "")


def require(dataset: Dataset, kind: str) -> None:
    """Raise InputError if the data cannot be split in this way."""
    name = dataset.name
    if kind == "group" and dataset.group is None:
        raise OptionError(
            "'{name}' has no groups to split by; name a column of groups, or choose another"
            " {split}",
            name=name,
        )
    if kind == "file" and dataset.file is None:
        raise OptionError(
            "'{name}' is not several files; choose another {split} than file", name=name
        )
    if kind in ("random", "plain") and dataset.layout is not None and dataset.layout.overlap:
        raise OptionError(
            "'{name}' has windows that overlap, and {split} {kind} would test windows that share"
            " samples with learned ones; use group, file or blocked, or a {hop} of at least"
            " {window}",
            name=name,
            kind=kind,
        )
    if kind == "own" and dataset.tested is None:
        raise OptionError("'{name}' holds no rows out itself; choose another {split}", name=name)
