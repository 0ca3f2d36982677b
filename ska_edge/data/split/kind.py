"""Names the kinds of splits, and chooses one that suits the data."""

from __future__ import annotations

import numpy as np

from ska_edge.data.dataset import Dataset
from ska_edge.data.split.groups import divisible
from ska_edge.data.split.order import in_time
from ska_edge.errors import OptionError

SPLITS = ("random", "blocked", "group", "file", "own", "plain")
"""The kinds of splits.

"random" holds out rows of each class at random; "blocked", blocks of neighboring rows; "group",
whole groups; "file", whole files; "own", the rows that the data themselves hold out; and "plain",
rows at random without regard to classes, or whole groups if the data have groups.
"""


def choose(dataset: Dataset) -> tuple[str, str]:
    """Return the kind of split that suits the data, and the reason for blocks, otherwise "".

    Data with a split of their own keep it. Other data are split by group if they have groups, and
    by file if they are several files. Data are split in blocks if every file has a class of its
    own, or if the rows of a single file are in the order of time, because a random test row would
    be too much like its neighbors. All other data are split at random.
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
    """Raise InputError if the data cannot be split by this kind."""
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
