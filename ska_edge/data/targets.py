"""Checks the targets of a regression: one or more finite numbers per row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ska_edge.data.tables.number import as_numbers, check_inputs
from ska_edge.errors import InputError
from ska_edge.plural import counted

TASKS = CLASSIFICATION, REGRESSION = "classification", "regression"
TARGET = "y"  # the name of a single target without a name


def targets_of(
    y: ArrayLike, rows: int, names: Sequence[str] | None = None
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Return targets (rows, targets) as float64, and the name of each target.

    Args:
        y: numbers (rows,) or (rows, targets); the columns of a data frame, or the name of a series,
            name the targets.
        rows: the required number of rows.
        names: names that replace those in `y`. Without any names, a single target is called y, and
            several are called y1, y2, ...

    Raises InputError unless the targets are finite numbers of that shape, and each has its own
    name.
    """
    try:
        values = as_numbers(y)
    except ValueError as error:
        raise InputError(
            "y must hold numbers, (rows,) or (rows, targets), because a regression learns numbers"
        ) from error
    shape = values.shape
    if values.ndim == 1:
        values = values[:, None]
    if values.ndim != 2 or not values.shape[1]:
        raise InputError(
            f"y has shape {shape} and must have (rows,), or (rows, targets) for several targets"
        )
    if len(values) != rows:
        raise InputError(
            f"x has {counted(rows, 'row')} and y has {len(values)}; every row needs its targets"
        )
    check_inputs("y", values, "targets")
    if names is not None and len(names) != values.shape[1]:
        raise InputError(
            f"y has {counted(values.shape[1], 'target')}, but the model has {len(names)}:"
            f" {', '.join(names)}"
        )
    found = tuple(names) if names is not None else _names(y, values.shape[1])
    if len(set(found)) != len(found):
        raise InputError(
            f"y has {counted(values.shape[1], 'target')}, so it needs as many different names"
        )
    return values, found


def _names(y: ArrayLike, count: int) -> tuple[str, ...]:
    named = getattr(y, "columns", None)
    if named is None and count == 1:
        named = [getattr(y, "name", None) or TARGET]
    if named is None:
        named = [f"{TARGET}{number}" for number in range(1, count + 1)]
    return tuple(str(name) for name in named)
