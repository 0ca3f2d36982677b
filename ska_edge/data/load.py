"""Loads and checks labeled data: built-in data, or a CSV, npz or MNIST-idx file.

Every error about a file is an ``InputError`` that names the file and the place in it: line and
column of a CSV file, array and index of an npz file.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ska_edge.data.builtin import builtin_names, read_builtin
from ska_edge.data.csv_table import read_csv
from ska_edge.data.dataset import Dataset, IntArray
from ska_edge.data.idx import is_idx, read_idx
from ska_edge.data.memory import MAX_MEMORY
from ska_edge.data.npz_table import kind_of, lacks, npz_features, read_npz
from ska_edge.data.number import is_finite, is_number
from ska_edge.errors import InputError
from ska_edge.plural import counted
from ska_edge.spelling import did_you_mean


def load(
    source: str | os.PathLike[str],
    label_column: str | None = None,
    max_memory: int = MAX_MEMORY,
    inputs: int | None = None,
) -> Dataset:
    """Load data by built-in name (a str), or from the path of a CSV, npz or MNIST-idx file.

    For built-in data, see ``builtin.read_builtin``.

    For CSV files, see ``csv_table.read_csv``; only they use ``label_column``, a name or a number
    from 1. Labels are the integers 0..classes-1, none missing, or text. Text labels are numbered in
    sorted order.

    An npz file has ``x`` (n, d) or ``X`` with finite numbers, and ``y`` (n,) with integers as above
    or text. It may have ``labels`` (classes,) with the class names as text; then a class need
    not occur in y. It may have ``group`` (n,) with integers. Pickles are refused.

    For MNIST-idx files, such as ``train-images-idx3-ubyte``, also with .gz, the path names the file
    of the images. The labels are in the file next to it, see ``idx.read_idx``. Features are the
    pixels, 0 to 255.

    ``inputs`` is the number of inputs of the model, if the data are for a model. A CSV file with
    exactly this many columns has no labels, and is refused.

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
        table = read_csv(path, label_column, inputs, max_memory)
        if not table.label_column:
            raise InputError(
                f"{path} has no labels: it has {counted(inputs or 0, 'column')}, as many as the"
                " model has inputs; add a column of labels, or classify its rows with"
                " `ska-edge predict`"
            )
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


def _classes(
    path: Path, texts: Sequence[str], places: Sequence[str]
) -> tuple[IntArray, tuple[str, ...]]:
    """Return class indices and names for labels as text; errors name the place of a label."""
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
