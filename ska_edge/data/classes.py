"""Numbers the classes of labels; the distinct labels, in sorted order, are the class names."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ska_edge.data.tables.number import is_finite, is_number
from ska_edge.errors import InputError
from ska_edge.plural import counted

IntArray = NDArray[np.int64]
INTEGER = re.compile(r"0|-?[1-9][0-9]{0,18}")  # the text of an integer, which may exceed 64 bits
INT64 = np.iinfo(np.int64)
TOO_LARGE = "a label in y does not fit 64 bits; number the classes from 0"


def classes_of_texts(
    path: Path, texts: Sequence[str], place: Callable[[int], str], noun: str = "label"
) -> tuple[IntArray, tuple[str, ...]]:
    """Return the class index of every row, and the class names, for labels as text.

    Labels are all integers, which may be written as 3.0, or all text. Integers are sorted as
    numbers. `place` describes the place of a row in the file.

    Raises InputError, with the place of the label, for an empty label, for a number that is not an
    integer, and for a mixture of integers and text.
    """
    first_number: str | None = None
    first_text: str | None = None
    distinct = dict.fromkeys(texts)  # in the order of their first rows
    for text in distinct:
        if not text:
            raise InputError(
                f"{path}: {place(texts.index(text))}: the {noun} is empty; every sample needs one"
            )
        if is_number(text):
            if not is_finite(text) or not float(text).is_integer():
                raise InputError(
                    f"{path}: {place(texts.index(text))}: the {noun} {text!r} cannot be used;"
                    f" {noun}s are integers or text"
                )
            first_number = text if first_number is None else first_number
        else:
            first_text = text if first_text is None else first_text
    if first_number is not None and first_text is not None:
        raise InputError(
            f"{path}: {place(texts.index(first_text))}: the {noun} {first_text[:40]!r} is text, but"
            f" '{first_number}' ({place(texts.index(first_number))}) is a number;"
            " use all integers or all text"
        )
    named = {text: text if first_text is not None else class_name(text) for text in distinct}
    names = sorted(set(named.values()), key=None if first_text is not None else int)
    number = {name: index for index, name in enumerate(names)}
    index_of = {text: number[name] for text, name in named.items()}
    return np.array([index_of[text] for text in texts], dtype=np.int64), tuple(names)


def class_name(text: str) -> str:
    """Return the class name of a label as text; a file may write the class 3 as 3.0 or 03."""
    if is_finite(text) and float(text).is_integer():
        try:
            return str(int(text))  # exact, however long it is
        except ValueError:
            return str(int(float(text)))
    return text


def classes_of_array(y: ArrayLike, rows: int) -> tuple[IntArray, tuple[str, ...]]:
    """Return the class index of every row, and the class names, for labels as an array.

    Raises InputError if the labels are not `rows` valid labels.
    """
    given = label_array(y)
    if len(given) != rows:
        raise InputError(mismatch(rows, len(given)))
    classes, index = np.unique(given, return_inverse=True)
    return index.astype(np.int64), tuple(str(label) for label in classes)


def class_indices(y: ArrayLike, labels: Sequence[str]) -> NDArray[np.int64]:
    """Convert labels (rows,) to the indices of known classes.

    A label is a class name, or the integer or boolean whose text is that name. One-hot labels have
    a column for each class, in the order of `labels`; in a data frame, the columns are matched by
    name.

    Raises InputError for a wrong number of one-hot columns, for labels that `label_array` refuses,
    and for unknown classes, with the row of the first one.
    """
    one_hot = one_hot_of(y)
    if one_hot is not None and not hasattr(y, "columns"):
        if one_hot.shape[1] != len(labels):
            raise InputError(
                f"y has {one_hot.shape[1]} columns of one-hot labels, but the model has"
                f" {len(labels)} classes"
            )
        return np.asarray(one_hot.argmax(axis=1))
    given = label_array(y)
    index = {name: number for number, name in enumerate(labels)}
    classes, places = np.unique(given, return_inverse=True)
    numbers = np.array([index.get(str(label), -1) for label in classes], dtype=np.int64)[places]
    unknown = np.flatnonzero(numbers < 0)
    if len(unknown):
        row = int(unknown[0])
        raise InputError(
            f"y[{row}] is {given[row].item()!r}, a class that the model does not know;"
            f" it knows {', '.join(labels)}{numbered([str(label) for label in classes], labels)}"
        )
    return numbers


def numbered(found: Sequence[str], known: Sequence[str]) -> str:
    """Return advice for an error sentence if the labels are numbers and the known classes are not.

    Otherwise, return an empty text. A number is never taken for the position of a class name.
    """
    if all(map(_is_integer, found)) and not any(map(_is_integer, known)):
        return "; give the names of the classes, not their numbers"
    return ""


def class_array(labels: Sequence[str]) -> NDArray[Any]:
    """Return class names as an array (classes,).

    The array has integers if all names are 64-bit integers, otherwise text.
    """
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

    Floats without a fraction become integers, and bytes become text. Labels may have the shape
    (rows, 1). For one-hot labels, (rows, classes) with a single 1 per row, a label is the number of
    the column with the 1, or the name of this column in a data frame.

    Raises InputError for other labels, such as numbers with a fraction.
    """
    try:
        given = np.asarray(y)
    except ValueError as error:  # rows of different lengths
        raise InputError("y must hold one label for each row, shape (rows,)") from error
    if given.ndim == 2 and given.shape[1] == 1:
        given = given[:, 0]
        y = given
    elif (one_hot := one_hot_of(y)) is not None:
        names = [str(name) for name in getattr(y, "columns", range(one_hot.shape[1]))]
        return label_array(class_array(names)[one_hot.argmax(axis=1)])
    if given.ndim != 1:
        raise InputError(f"y has shape {given.shape} and must have (rows,): one label for each row")
    if given.dtype.kind in "iub":
        if given.dtype.kind == "u" and given.size and given.max() > INT64.max:
            raise InputError(TOO_LARGE)
        return given
    if given.dtype.kind == "U" and not isinstance(y, np.ndarray):
        # An array of objects distinguishes 1 from "1", but an array of text does not.
        given = np.asarray(y, dtype=object)
    labels = given.tolist()
    if given.dtype.kind == "S":
        labels = [label.decode("utf-8", "backslashreplace") for label in labels]
    if all(isinstance(label, bool) for label in labels):
        return np.array(labels, dtype=bool)
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


def one_hot_of(y: ArrayLike) -> NDArray[Any] | None:
    """Return one-hot labels as an array (rows, classes); None for other labels.

    One-hot labels have two or more columns, and zeros except for a single 1 per row.
    """
    try:
        given = np.asarray(y)
    except ValueError:  # rows of different lengths
        return None
    if given.ndim != 2 or given.dtype.kind not in "biuf" or given.shape[1] < 2:
        return None
    ones = given == 1
    return given if ((ones | (given == 0)).all() and (ones.sum(axis=1) == 1).all()) else None


def _whole(labels: list[float]) -> NDArray[np.int64]:
    for row, label in enumerate(labels):
        if not float(label).is_integer():
            raise InputError(f"y[{row}] is {label}; labels are integers or text, none missing")
    try:
        return np.array([int(label) for label in labels], dtype=np.int64)
    except OverflowError as error:
        raise InputError(TOO_LARGE) from error
