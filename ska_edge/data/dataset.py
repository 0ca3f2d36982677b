"""Holds labeled samples in memory, splits them into training and test rows, and writes them."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ska_edge.data.classes import numbered
from ska_edge.data.tables.columns import arranged
from ska_edge.errors import InputError
from ska_edge.files import npz_bytes, write_file
from ska_edge.plural import counted

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Dataset:
    """Samples and their classes.

    ``x`` is float64 (n, d). ``y`` is int64 (n,), class indices 0..classes-1. ``labels`` has the
    class names in the order of the indices. ``group`` is int64 (n,), the source of each sample,
    such as a person, or None. ``places`` is int64 (n,), the row of each sample in its original
    data. ``features`` has a name for each column of ``x``, or is None.
    ``group_names`` are the names of the groups 0, 1, ..., if the data name their groups.

    ``origin`` says in one line which columns of a file are used, and ``doubts`` are sentences about
    columns that may be no inputs; see ``load``.
    """

    name: str
    x: FloatArray
    y: IntArray
    labels: tuple[str, ...]
    group: IntArray | None = None
    places: IntArray | None = None
    features: tuple[str, ...] | None = None
    group_names: tuple[str, ...] = ()
    origin: str = ""
    doubts: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Return the name and the sizes, because the arrays are long."""
        rows, columns = self.x.shape
        parts = [self.name, counted(rows, "row"), counted(columns, "feature")]
        parts.append(counted(self.classes, "class"))
        if self.group is not None:
            parts.append(counted(len(np.unique(self.group)), "group"))
        return f"Dataset({', '.join(parts)})"

    @property
    def classes(self) -> int:
        """Number of classes, including classes without a sample in these data."""
        return len(self.labels)

    @property
    def remarks(self) -> tuple[str, ...]:
        """Sentences about the columns of a file: `origin`, and `doubts` as warnings."""
        doubts = [f"warning: {doubt}" for doubt in self.doubts]
        return tuple([self.origin, *doubts] if self.origin else doubts)

    @property
    def digest(self) -> str:
        """16 hexadecimal digits that identify the samples and classes, but not their file."""
        content = hashlib.sha256("\n".join(self.labels).encode())
        for values in (self.x, self.y, *([] if self.group is None else [self.group])):
            content.update(np.ascontiguousarray(values).tobytes())
        return content.hexdigest()[:16]

    def with_classes(self, labels: Sequence[str]) -> Dataset:
        """Return the same samples, with ``labels`` as class names, and indices into ``labels``.

        Classes are matched by name. Raises InputError if a class of these data is not in
        ``labels``.
        """
        present = [self.labels[index] for index in np.unique(self.y)]
        unknown = [name for name in present if name not in labels]
        if unknown:
            raise InputError(
                f"'{self.name}' has the class '{unknown[0]}', which the model does not know;"
                f" it knows {', '.join(labels)}{numbered(present, labels)}"
            )
        known = {name: number for number, name in enumerate(labels)}
        numbers = np.array([known.get(name, 0) for name in self.labels], dtype=np.int64)
        return replace(self, y=numbers[self.y], labels=tuple(labels))

    def with_features(self, names: Sequence[str] | None) -> Dataset:
        """Return the same samples with the features of these names, in their order.

        Without names on either side, the features keep their order. Raises InputError if these data
        lack a feature.
        """
        if names is None or self.features is None:
            return self
        x = arranged(f"'{self.name}'", self.x, self.features, names)
        return replace(self, x=x, features=tuple(names))

    def take(self, rows: ArrayLike) -> Dataset:
        """Return the samples at ``rows`` (indices or mask) in that order, with all class names."""
        chosen = np.asarray(rows)
        if chosen.size == 0:
            chosen = chosen.astype(np.int64)  # numpy reads an empty list as floats
        group = None if self.group is None else self.group[chosen]
        places = (np.arange(len(self.y)) if self.places is None else self.places)[chosen]
        return replace(self, x=self.x[chosen], y=self.y[chosen], group=group, places=places)

    def group_name(self, number: int) -> str:
        """Return the name and the number of a group, or its number if groups have no names."""
        return f"{self.group_names[number]} ({number})" if self.group_names else str(number)

    def of_group(self, number: int) -> Dataset:
        """Return the samples of one group, such as one person, in their order.

        Raises InputError if no sample is in that group, or if these data have no groups.
        """
        if self.group is None:
            raise InputError(f"'{self.name}' has no groups, so none is {number}")
        if number not in self.group:
            known = ", ".join(map(self.group_name, np.unique(self.group)))
            raise InputError(f"'{self.name}' has no group {number}; its groups are {known}")
        return self.take(self.group == number)


def save(dataset: Dataset, path: str | Path) -> None:
    """Write an npz file for ``load``: x, y, labels, and, if known, group and feature_names.

    Equal data give equal bytes.

    Raises InputError if the name does not end in .npz, or if the file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() != ".npz":
        raise InputError(f"{path}: data are written as npz, so the name must end in .npz")
    arrays: dict[str, NDArray[Any]] = {
        "x": dataset.x.astype("<f8"),
        "y": dataset.y.astype("<i8"),
        "labels": np.array(dataset.labels).astype("<U"),
    }
    if dataset.group is not None:
        arrays["group"] = dataset.group.astype("<i8")
    if dataset.features is not None:
        arrays["feature_names"] = np.array(dataset.features).astype("<U")
    write_file(path, npz_bytes(arrays))


def split(dataset: Dataset, test_fraction: float, seed: int) -> tuple[Dataset, Dataset]:
    """Return (train, test), both shuffled by ``np.random.default_rng(seed)``.

    The test part is the first ceil(test_fraction * n) shuffled rows. If the data have groups, the
    test part is ceil(test_fraction * groups) whole groups, so no group is in both parts. With a
    fraction of 0, the test part is empty.

    Raises InputError unless 0 <= test_fraction < 1, or if no row is left for training.
    """
    if not 0.0 <= test_fraction < 1.0:
        raise InputError(f"the test fraction must be at least 0 and below 1, not {test_fraction}")
    rng = np.random.default_rng(seed)
    count = len(dataset.x)
    if dataset.group is None:
        held_out = _share(dataset, test_fraction, count, "samples")
        order = rng.permutation(count)
        return dataset.take(order[held_out:]), dataset.take(order[:held_out])
    groups = np.unique(dataset.group)
    if len(groups) == 1 and test_fraction > 0:
        raise InputError(
            f"'{dataset.name}' has only one group, {dataset.group_name(groups[0])}, and a test"
            " holds out whole groups; use a test fraction of 0, or data of more groups"
        )
    held_out = _share(dataset, test_fraction, len(groups), "groups")
    tested = rng.permutation(groups)[:held_out]
    order = rng.permutation(count)
    in_test = np.isin(dataset.group[order], tested)
    return dataset.take(order[~in_test]), dataset.take(order[in_test])


def _share(dataset: Dataset, fraction: float, count: int, of_what: str) -> int:
    """Return how many of ``count`` items the test part gets; raise InputError if all."""
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
