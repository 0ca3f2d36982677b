"""Checks data that are given as arrays; each error names the array and the index."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ska_edge.data.dataset import Dataset
from ska_edge.data.number import check_inputs
from ska_edge.errors import InputError
from ska_edge.plural import counted

INTEGER = re.compile(r"0|-?[1-9][0-9]{0,18}")  # the text of an integer, which may exceed 64 bits
INT64 = np.iinfo(np.int64)
TOO_LARGE = "a label in y does not fit 64 bits; number the classes from 0"
NAME = "arrays"  # the name of the data in messages and in the notes of a model


def from_arrays(x: ArrayLike, y: ArrayLike, name: str = NAME) -> Dataset:
    """Create data from features x (rows, features) and labels y (rows,), for example data frames.

    Features are finite numbers, in any unit. Labels are integers, booleans or text; classes are
    numbered in sorted order, and their names are the labels as text.

    Raises InputError for arrays that cannot be used.
    """
    values = features(x)
    index, labels = _classes(y, len(values))
    return Dataset(name, values, index, labels)


def features(x: ArrayLike, name: str = "x") -> NDArray[np.float64]:
    """Return features (rows, features) as float64.

    Raises InputError, with `name` in its sentence, unless x is a table of finite numbers.
    """
    if isinstance(x, np.ma.MaskedArray) and np.ma.is_masked(x):
        raise InputError(
            f"{name} has masked values; fill them (x.filled(...)) or leave their rows out"
        )
    try:
        given = np.asarray(x)
        if given.dtype.kind not in "biufO":
            raise TypeError(given.dtype)
        values = given.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{name} must be a table of numbers of shape (rows, features); it is"
            f" {_described(x)}, which cannot be turned into one"
        ) from error
    if values.ndim == 1 and values.size:
        raise InputError(
            f"{name} has shape {values.shape} and must have (rows, features);"
            f" use {name}.reshape(1, -1) for a single row, {name}.reshape(-1, 1) for one feature"
        )
    if values.ndim != 2 or not values.size:
        raise InputError(
            f"{name} has shape {values.shape} and must have (rows, features), at least one of each"
        )
    check_inputs(name, values, "features")
    return values


def _classes(y: ArrayLike, rows: int) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return the class index of every row, and the names of the classes."""
    given = label_array(y)
    if len(given) != rows:
        raise InputError(mismatch(rows, len(given)))
    classes, index = np.unique(given, return_inverse=True)
    if len(classes) < 2:
        raise InputError(
            f"y has only one class, '{classes[0]}'; learning needs at least two classes"
        )
    return index.astype(np.int64), tuple(str(label) for label in classes)


def class_indices(y: ArrayLike, labels: Sequence[str]) -> NDArray[np.int64]:
    """Convert labels (rows,) to the indices of known classes.

    A label is a class name, or the integer or boolean whose text is that name. If no class name is
    a number, integers are class indices.

    Raises InputError for any other label; the sentence names the row.
    """
    given = label_array(y)
    index = {name: number for number, name in enumerate(labels)}
    if given.dtype.kind in "iu" and not any(map(_is_integer, labels)):
        index = {str(number): number for number in range(len(labels))}
    classes, places = np.unique(given, return_inverse=True)
    numbers = np.array([index.get(str(label), -1) for label in classes], dtype=np.int64)[places]
    unknown = np.flatnonzero(numbers < 0)
    if len(unknown):
        row = int(unknown[0])
        raise InputError(
            f"y[{row}] is {given[row].item()!r}, a class that the model does not know;"
            f" it knows {', '.join(labels)}"
        )
    return numbers


def class_array(labels: Sequence[str]) -> NDArray[Any]:
    """Return class names as an array (classes,): integers if all are integers, otherwise text."""
    if all(map(_is_integer, labels)):
        return np.array([int(label) for label in labels], dtype=np.int64)
    return np.array(labels, dtype=np.str_)


def _is_integer(text: str) -> bool:
    """Tell whether a text is a 64-bit integer."""
    return INTEGER.fullmatch(text) is not None and INT64.min <= int(text) <= INT64.max


def mismatch(rows: int, labels: int) -> str:
    """Return the sentence of the error for features and labels of different lengths."""
    return (
        f"x has {counted(rows, 'row')} and y has {counted(labels, 'label')};"
        " every row needs one label"
    )


def label_array(y: ArrayLike) -> NDArray[Any]:
    """Return labels (rows,) as an array of integers, booleans or text.

    Raises InputError for other labels, such as numbers with a fraction.
    """
    try:
        given = np.asarray(y)
    except ValueError as error:  # rows of different lengths
        raise InputError("y must hold one label for each row, shape (rows,)") from error
    if given.ndim != 1:
        raise InputError(f"y has shape {given.shape} and must have (rows,): one label for each row")
    if given.dtype.kind in "iub":
        if given.dtype.kind == "u" and given.size and given.max() > INT64.max:
            raise InputError(TOO_LARGE)
        return given
    if given.dtype.kind == "U" and not isinstance(y, np.ndarray):
        # An array of objects; in an array of text, 1 and "1" would be the same.
        given = np.asarray(y, dtype=object)
    labels = given.tolist()
    if given.dtype.kind == "f" or all(isinstance(label, (int, float)) for label in labels):
        return _whole(labels)
    for row, label in enumerate(labels):
        if not isinstance(label, str):
            raise InputError(
                f"y[{row}] is {label!r}; labels are all integers or all text, none missing"
            )
        if not label:
            raise InputError(f"y[{row}] is an empty text; every row needs a label")
    return np.array(labels, dtype=np.str_)


def _whole(labels: list[float]) -> NDArray[np.int64]:
    """Convert labels given as floats or as Python integers to int64."""
    for row, label in enumerate(labels):
        if not float(label).is_integer():
            raise InputError(f"y[{row}] is {label}; labels are integers or text, none missing")
    try:
        return np.array([int(label) for label in labels], dtype=np.int64)
    except OverflowError as error:
        raise InputError(TOO_LARGE) from error


def _described(x: object) -> str:
    """Describe an argument in a few words."""
    if isinstance(x, np.ndarray):
        return f"an array of {x.dtype}"
    return f"a {type(x).__name__}"
