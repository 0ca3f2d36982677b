"""Loads and checks labeled data: built-in data, or a CSV, npz or MNIST-idx file.

Every error about a file is an ``InputError`` that names the file and the place in it: line and
column of a CSV file, array and index of an npz file.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ska_edge.data.builtin import builtin_names, read_builtin
from ska_edge.data.csv_table import read_csv
from ska_edge.data.idx import is_idx, read_idx
from ska_edge.data.memory import MAX_MEMORY
from ska_edge.data.npz_table import kind_of, lacks, npz_features, read_npz
from ska_edge.data.number import is_finite, is_number
from ska_edge.errors import InputError
from ska_edge.files import npz_bytes, write_file
from ska_edge.plural import counted
from ska_edge.spelling import did_you_mean

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


__all__ = ["Dataset", "builtin_names", "few", "load", "save", "split"]


@dataclass(frozen=True, eq=False)
class Dataset:
    """Samples and their classes.

    ``x`` is float64 (n, d). ``y`` is int64 (n,), class indices 0..classes-1. ``labels`` has the
    class names in the order of the indices. ``group`` is int64 (n,), the source of each sample,
    such as a person, or None. ``places`` is int64 (n,), the row of each sample in its original
    data.
    """

    name: str
    x: FloatArray
    y: IntArray
    labels: tuple[str, ...]
    group: IntArray | None = None
    places: IntArray | None = None

    def __repr__(self) -> str:
        """Name and sizes; the arrays would take pages."""
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
    def digest(self) -> str:
        """16 hexadecimal digits that identify the samples and classes, independent of the file."""
        content = hashlib.sha256("\n".join(self.labels).encode())
        for values in (self.x, self.y, *([] if self.group is None else [self.group])):
            content.update(np.ascontiguousarray(values).tobytes())
        return content.hexdigest()[:16]

    def with_classes(self, labels: Sequence[str]) -> Dataset:
        """Return the same samples with the class numbers of other class names, matched by name.

        If the names on one side are only numbers, as in data without names, the numbers stay.
        Raises InputError if a class of these data is not in ``labels``.
        """
        unknown = [name for name in self.labels if name not in labels]
        nameless = any(
            list(names) == [str(index) for index in range(len(names))]
            for names in (self.labels, labels)
        )
        if len(self.labels) > len(labels):
            raise InputError(
                f"'{self.name}' has {len(self.labels)} classes,"
                f" but the model has {len(labels)} outputs"
            )
        if unknown and not nameless:
            raise InputError(
                f"'{self.name}' has the class '{unknown[0]}', which the model does not know;"
                f" it knows {', '.join(labels)}"
            )
        if unknown:
            return replace(self, labels=tuple(labels))
        numbers = np.array([list(labels).index(name) for name in self.labels], dtype=np.int64)
        return replace(self, y=numbers[self.y], labels=tuple(labels))

    def take(self, rows: ArrayLike) -> Dataset:
        """Return the samples at ``rows`` (indices or mask) in that order, with all class names."""
        chosen = np.asarray(rows)
        if chosen.size == 0:
            chosen = chosen.astype(np.int64)  # an empty list has no integer type
        group = None if self.group is None else self.group[chosen]
        places = (np.arange(len(self.y)) if self.places is None else self.places)[chosen]
        return replace(self, x=self.x[chosen], y=self.y[chosen], group=group, places=places)

    def of_group(self, number: int) -> Dataset:
        """Return the samples of one group, such as one person, in their order.

        Raises InputError if no sample is in that group, or if these data have no groups.
        """
        if self.group is None:
            raise InputError(f"'{self.name}' has no groups, so none is {number}")
        if number not in self.group:
            known = ", ".join(str(group) for group in np.unique(self.group))
            raise InputError(f"'{self.name}' has no group {number}; its groups are {known}")
        return self.take(self.group == number)


def load(
    source: str | os.PathLike[str],
    label_column: str | None = None,
    max_memory: int = MAX_MEMORY,
) -> Dataset:
    """Load data by built-in name (a str), or from the path of a CSV, npz or MNIST-idx file.

    For built-in data, see ``builtin.read_builtin``.

    For CSV and ``label_column`` (a name or a number from 1), which applies only to CSV, see
    ``csv_table.read_csv``. Labels are the integers 0..classes-1, none missing, or text. Text labels
    are numbered in sorted order.

    An npz file has ``x`` (n, d) or ``X`` with finite numbers, and ``y`` (n,) with integers as above
    or text. It may have ``labels`` (classes,) with the class names as text; y may then omit
    classes. It may have ``group`` (n,) with integers. Pickles are refused.

    For MNIST-idx files, such as ``train-images-idx3-ubyte``, also with .gz, the path names the file
    of the images. The labels are in the file next to it, see ``idx.read_idx``. Features are the
    pixels, 0 to 255.

    Raises InputError if the data do not exist or cannot be used, or take more than ``max_memory``
    MB; such data are not unpacked. Raises ToolError if the package of a built-in data set is not
    installed.
    """
    if isinstance(source, str) and source in builtin_names():
        return Dataset(source, *read_builtin(source))
    path = Path(source)
    try:
        if not path.exists():
            raise InputError(
                f"{str(source)!r} is neither a file nor built-in data"
                f"{did_you_mean(source, builtin_names())};"
                f" built in are {', '.join(builtin_names())}"
            )
    except (OSError, ValueError) as error:  # a name too long for a path, or with a null byte
        raise InputError(f"{str(source)[:80]!r} cannot be a path: {error}") from error
    if not path.is_file():
        raise InputError(f"{path} is not a file; data come from a .csv, .npz or idx file")
    suffix = path.suffix.lower()
    if suffix == ".csv":
        table = read_csv(path, label_column, max_memory=max_memory)
        places = [f"line {line}, column {table.label_column}" for line in table.lines]
        y, labels = _classes(path, table.labels, places)
        return Dataset(path.stem, table.x, y, labels)
    if suffix == ".npz":
        return _load_npz(path, max_memory)
    if is_idx(path):
        return _load_idx(path, max_memory)
    raise InputError(
        f"{path}: the kind of file is unknown; its name must end in .csv, .npz,"
        " -images-idx3-ubyte or -images-idx3-ubyte.gz"
    )


def save(dataset: Dataset, path: str | Path) -> None:
    """Write an npz file (x, y, labels[, group]) for ``load``; equal data give equal bytes.

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
    write_file(path, npz_bytes(arrays))


def split(dataset: Dataset, test_fraction: float, seed: int) -> tuple[Dataset, Dataset]:
    """Return (train, test), both shuffled by ``np.random.default_rng(seed)``.

    The test part gets ceil(test_fraction * n) rows, the first ones in that order. If the data have
    groups, it gets ceil(test_fraction * groups) whole groups, so no group is in both parts. With a
    fraction of 0 it is empty.

    Raises InputError for a fraction outside 0 <= fraction < 1, or if it leaves nothing to train on.
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
            f"'{dataset.name}' has only one group, {groups[0]}, and a test holds out whole groups;"
            " use a test fraction of 0, or data of more groups"
        )
    held_out = _share(dataset, test_fraction, len(groups), "groups")
    tested = rng.permutation(groups)[:held_out]
    order = rng.permutation(count)
    in_test = np.isin(dataset.group[order], tested)
    return dataset.take(order[~in_test]), dataset.take(order[in_test])


def _share(dataset: Dataset, fraction: float, count: int, of_what: str) -> int:
    """Return how many of ``count`` the test part gets; raise InputError if it would get all."""
    # Round first, because 0.07 * 100 is 7.000000000000001 in binary but means 7.
    share = math.ceil(round(fraction * count, 9))
    if share >= count:
        raise InputError(
            f"a test fraction of {fraction} leaves none of the {count} {of_what} of"
            f" '{dataset.name}' to train on; use a smaller fraction"
        )
    return share


def few(dataset: Dataset, per_class: int, seed: int) -> tuple[Dataset, Dataset]:
    """Return (few, rest): ``per_class`` rows of every class, and all other rows.

    ``np.random.default_rng(seed)`` shuffles the rows. The few are the first ones of each class in
    that order; both parts keep the order.

    Raises InputError if per_class is below 1, or if a class has fewer than per_class + 1 rows, so
    that none is left for the rest.
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


def _classes(
    path: Path, texts: Sequence[str], places: Sequence[str]
) -> tuple[IntArray, tuple[str, ...]]:
    """Return class indices and class names of text labels; ``places`` has each label's place."""
    first_number: int | None = None
    first_text: int | None = None
    for index, text in enumerate(texts):
        if not text:
            raise InputError(f"{path}: {places[index]}: the label is empty; every sample needs one")
        if is_number(text):
            if not is_finite(text) or not float(text).is_integer():
                raise InputError(
                    f"{path}: {places[index]}: the label {text!r} is no class;"
                    " labels are integers or text"
                )
            first_number = index if first_number is None else first_number
        else:
            first_text = index if first_text is None else first_text
    if first_number is not None and first_text is not None:
        raise InputError(
            f"{path}: {places[first_text]}: the label {texts[first_text][:40]!r} is text, but"
            f" '{texts[first_number]}' ({places[first_number]}) is a number;"
            " use all integers or all text"
        )
    if first_text is None:
        numbers = [int(float(text)) for text in texts]
        _check_numbering(path, numbers)
        count = max(numbers) + 1
        return np.array(numbers, dtype=np.int64), tuple(str(index) for index in range(count))
    names = sorted(set(texts))
    _check_class_count(path, names)
    index_of = {name: index for index, name in enumerate(names)}
    return np.array([index_of[text] for text in texts], dtype=np.int64), tuple(names)


def _check_numbering(path: Path, numbers: Sequence[int]) -> None:
    present = sorted(set(numbers))
    _check_class_count(path, [str(number) for number in present])
    if present[0] < 0:
        raise InputError(f"{path}: the label {present[0]} is negative; classes count from 0")
    for expected, number in enumerate(present):
        if number != expected:
            raise InputError(
                f"{path}: integer labels must be 0 to {present[-1]} with none missing,"
                f" but no sample has label {expected}; renumber them"
            )


def _check_class_count(path: Path, names: Sequence[str]) -> None:
    if len(names) < 2:
        raise InputError(
            f"{path}: there is only one class, '{names[0]}'; learning needs at least two"
        )


def _load_npz(path: Path, max_memory: int) -> Dataset:
    content = read_npz(path, max_memory)
    x = npz_features(path, content)
    if "y" not in content:
        raise InputError(lacks(path, "y", content))
    y, labels = _npz_classes(path, content, len(x))
    group = content.get("group")
    if group is not None:
        _check_column(path, "group", group, len(x), "iu")
        if group.max() > np.iinfo(np.int64).max:
            raise InputError(f"{path}: group {group.max()} does not fit 64 bits with a sign")
        group = group.astype(np.int64)
    return Dataset(path.stem, x, y, labels, group)


def _load_idx(path: Path, max_memory: int) -> Dataset:
    images, numbers = read_idx(path, max_memory)
    _check_numbering(path, [int(number) for number in np.unique(numbers)])
    labels = tuple(str(index) for index in range(int(numbers.max()) + 1))
    name = path.name.removesuffix(".gz")
    return Dataset(name, images.astype(np.float64), numbers.astype(np.int64), labels)


def _npz_classes(
    path: Path, content: dict[str, NDArray[Any]], count: int
) -> tuple[IntArray, tuple[str, ...]]:
    y, names = content["y"], content.get("labels")
    _check_column(path, "y", y, count, "iu" if names is not None else "iuU")
    if names is None:
        if y.dtype.kind == "U":
            return _classes(path, [str(t) for t in y], [f"y[{i}]" for i in range(count)])
        _check_numbering(path, [int(number) for number in np.unique(y)])
        return y.astype(np.int64), tuple(str(index) for index in range(int(y.max()) + 1))
    if names.dtype.kind != "U" or names.ndim != 1 or len(set(names.tolist())) != len(names):
        raise InputError(
            f"{path}: labels must be different texts, one per class, not {kind_of(names)}"
        )
    if not len(names):
        raise InputError(f"{path}: labels is empty; it needs one name per class")
    labels = tuple(str(name) for name in names)
    _check_class_count(path, labels)
    outside = np.flatnonzero((y < 0) | (y >= len(labels)))
    if len(outside):
        at = int(outside[0])
        raise InputError(
            f"{path}: y[{at}] is {y[at]}, but labels names the classes 0 to {len(labels) - 1}"
        )
    return y.astype(np.int64), labels


def _check_column(path: Path, key: str, values: NDArray[Any], count: int, kinds: str) -> None:
    if values.shape != (count,) or values.dtype.kind not in kinds:
        wanted = "integers or text" if "U" in kinds else "integers"
        raise InputError(
            f"{path}: {key} must be {wanted} of shape ({count},), not {kind_of(values)}"
        )
