"""Checks whether a number, as text or in an array, can be an input; errors give the reason."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ska_edge.errors import InputError

# The squares of inputs must be finite. No sensor reaches this limit; a marker for "no value" may.
LARGEST_INPUT = 1e100


def too_large(noun: str = "inputs") -> str:
    """Return the end of the error sentence for an input beyond ``LARGEST_INPUT``."""
    return f"{noun} must be between -{LARGEST_INPUT:g} and {LARGEST_INPUT:g}"


def as_numbers(values: ArrayLike) -> NDArray[np.float64]:
    """Return an array of numbers or booleans as float64.

    Raises ValueError for other contents, for numbers beyond float64, and for ragged lists.
    """
    try:
        given = np.asarray(values)
        if given.dtype.kind not in "biufO":
            raise TypeError(given.dtype)
        return given.astype(np.float64)
    except (TypeError, OverflowError) as error:
        raise ValueError(str(error)) from error


def check_inputs(name: str, values: NDArray[np.float64], noun: str) -> None:
    """Raise InputError, with name, row and column, if one of the values cannot be an input.

    `values` are (rows, columns); `noun` is the word for them in the sentence.
    """
    bad = np.argwhere(~(np.abs(values) <= LARGEST_INPUT))  # also true for NaN
    if len(bad):
        row, column = (int(place) for place in bad[0])
        value = values[row, column]
        reason = (
            too_large("targets" if noun == "targets" else "inputs")
            if np.isfinite(value)
            else f"{noun} must be finite numbers"
        )
        raise InputError(f"{name}[{row}, {column}] is {value}; {reason}")


def input_of(text: str) -> float:
    """Convert ``text`` to a number; raise ValueError if it cannot be an input."""
    number = float(text)
    # `not <=` also refuses NaN. float() accepts 1_000, but in data it is a mistake.
    if not abs(number) <= LARGEST_INPUT or "_" in text:
        raise ValueError(text)
    return number


def is_input(text: str) -> bool:
    """Tell whether ``text`` is a number that can be an input."""
    try:
        input_of(text)
    except ValueError:
        return False
    return True


def is_finite(text: str) -> bool:
    """Tell whether ``text`` is a finite number."""
    return is_number(text) and math.isfinite(float(text))


def is_number(text: str) -> bool:
    """Tell whether ``text`` is a number, including NaN and infinity."""
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text
