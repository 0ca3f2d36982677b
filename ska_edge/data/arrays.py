"""Makes data sets from arrays and data frames, and checks them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ska_edge.data.classes import classes_of_array
from ska_edge.data.dataset import Dataset
from ska_edge.data.tables.columns import repeated, require
from ska_edge.data.tables.number import as_numbers, check_inputs
from ska_edge.data.targets import targets_of
from ska_edge.errors import InputError

NAME = "arrays"  # the name of the data in messages and in the notes of a model


def from_arrays(x: ArrayLike, y: ArrayLike, name: str = NAME) -> Dataset:
    """Create data from features x (rows, features) and labels y (rows,).

    Both may be arrays, lists or data frames. Features are finite numbers, in any unit. Labels are
    integers, booleans or text, see `classes.label_array`; classes are numbered in sorted order, and
    their names are the labels as text. The columns of a data frame name the features, if all their
    names are text.

    Raises InputError for arrays that cannot be used.
    """
    values = features(x)
    index, labels = classes_of_array(y, len(values))
    return Dataset(name, values, index, labels, features=column_names(x))


def with_targets(x: ArrayLike, y: ArrayLike, name: str = NAME) -> Dataset:
    """Create data for a regression from features x (rows, features) and targets y.

    The targets are (rows,) or (rows, targets). The columns of a data frame name the features, if
    all their names are text, or the targets. Raises InputError for arrays that cannot be used.
    """
    values = features(x)
    targets, names = targets_of(y, len(values))
    index = np.zeros(len(values), dtype=np.int64)
    return Dataset(name, values, index, names, features=column_names(x), targets=targets)


def column_names(x: ArrayLike) -> tuple[str, ...] | None:
    """Return the names of the columns of a data frame; None for tables without names as text.

    Raises InputError if two columns have the same name.
    """
    names = tuple(getattr(x, "columns", ()))
    if not names or not all(isinstance(name, str) and name for name in names):
        return None
    twice = repeated(names)
    if twice is not None:
        raise InputError(f"x has two columns called '{twice}'; rename one")
    return names


def named_columns(x: Any, wanted: Sequence[str] | None) -> Any:
    """Return the columns `wanted` of a data frame, in the order of `wanted`.

    Tables without column names are returned unchanged, and so are all tables if `wanted` is None.
    Raises InputError if a column is missing, or if two columns have the same name.
    """
    names = column_names(x)
    if names is None or wanted is None:
        return x
    require("x", wanted, names)
    return x[list(wanted)]


def features(x: ArrayLike, name: str = "x") -> NDArray[np.float64]:
    """Return features (rows, features) as float64.

    Raises InputError, with `name` in its sentence, unless x is a table of finite numbers.
    """
    if isinstance(x, np.ma.MaskedArray) and np.ma.is_masked(x):
        raise InputError(
            f"{name} has masked values; fill them (x.filled(...)) or leave their rows out"
        )
    try:
        values = as_numbers(x)
    except ValueError as error:
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


def _described(x: object) -> str:
    if isinstance(x, np.ndarray):
        return f"an array of {x.dtype}"
    return f"a {type(x).__name__}"
