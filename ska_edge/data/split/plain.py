"""Splits rows at random: holds out a fraction of all rows, or learns some rows of each class.

Built-in data keep the first of these splits, which is called plain, because published figures
depend on it. Models of earlier versions also keep it, because these versions had no other split.
"""

from __future__ import annotations

import math

import numpy as np

from ska_edge.data.dataset import Dataset
from ska_edge.errors import InputError
from ska_edge.plural import counted


def split(dataset: Dataset, test_fraction: float, seed: int) -> tuple[Dataset, Dataset]:
    """Return (train, test), both shuffled by ``np.random.default_rng(seed)``.

    Without groups, the test part is the first ceil(test_fraction * n) shuffled rows. If the data
    have groups, the test part is ceil(test_fraction * groups) whole groups, so no group is in both
    parts. With a fraction of 0, the test part is empty.

    Raises InputError unless 0 <= test_fraction < 1, or if no row is left for training.
    """
    check_fraction(test_fraction)
    rng = np.random.default_rng(seed)
    count = len(dataset.x)
    if dataset.group is None:
        held_out = share(dataset, test_fraction, count, "samples")
        order = rng.permutation(count)
        return dataset.take(order[held_out:]), dataset.take(order[:held_out])
    groups = np.unique(dataset.group)
    if len(groups) == 1 and test_fraction > 0:
        raise InputError(
            f"'{dataset.name}' has only one group, {dataset.group_name(groups[0])}, and a test"
            " holds out whole groups; use a test fraction of 0, or data of more groups"
        )
    held_out = share(dataset, test_fraction, len(groups), "groups")
    tested = rng.permutation(groups)[:held_out]
    order = rng.permutation(count)
    in_test = np.isin(dataset.group[order], tested)
    return dataset.take(order[~in_test]), dataset.take(order[in_test])


def check_fraction(fraction: float) -> None:
    """Raise InputError unless a test fraction is in its range."""
    if not 0.0 <= fraction < 1.0:
        raise InputError(f"the test fraction must be at least 0 and below 1, not {fraction}")


def share(dataset: Dataset, fraction: float, count: int, of_what: str) -> int:
    """Return how many of ``count`` items the test part gets; raise InputError if it gets all."""
    # Round before ceil, because 0.07 * 100 gives 7.000000000000001 in floating point.
    share = math.ceil(round(fraction * count, 9))
    if share >= count:
        raise InputError(
            f"a test fraction of {fraction} leaves none of the {count} {of_what} of"
            f" '{dataset.name}' to train on; use a smaller fraction"
        )
    return share


def few(dataset: Dataset, per_class: int, seed: int) -> tuple[Dataset, Dataset]:
    """Return (few, rest): ``per_class`` rows of every class, and all other rows.

    ``np.random.default_rng(seed)`` shuffles the rows. ``few`` are the first rows of each class in
    the shuffled order; both parts keep that order.

    Raises InputError if per_class is below 1, or if a class has fewer than per_class + 1 rows,
    because ``rest`` needs a row of each class.
    """
    if per_class < 1:
        raise InputError(f"at least 1 sample of every class is needed, not {per_class}")
    counts = np.bincount(dataset.y, minlength=dataset.classes)
    for label, count in zip(dataset.labels, counts, strict=True):
        if count <= per_class:
            raise InputError(
                f"'{dataset.name}' has {counted(count, 'sample')} of the class '{label}'; it"
                f" needs {per_class + 1} to take {per_class} and leave one"
            )
    order = np.random.default_rng(seed).permutation(len(dataset.y))
    classes = dataset.y[order]
    chosen = np.zeros(len(order), dtype=bool)
    for index in range(dataset.classes):
        chosen[np.flatnonzero(classes == index)[:per_class]] = True
    return dataset.take(order[chosen]), dataset.take(order[~chosen])
