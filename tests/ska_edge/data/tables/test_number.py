"""One table says which values can be inputs, both for text and for arrays."""

from __future__ import annotations

import numpy as np
import pytest

from ska_edge.data.tables.number import LARGEST_INPUT, check_inputs, is_finite, is_input, is_number
from ska_edge.errors import InputError


@pytest.mark.parametrize(
    ("text", "number", "finite", "usable"),
    [
        ("1.5", True, True, True),
        (" -2e3 ", True, True, True),
        ("1e100", True, True, True),
        ("1e101", True, True, False),
        ("-1e101", True, True, False),
        ("1e999", True, False, False),
        ("nan", True, False, False),
        ("-inf", True, False, False),
        ("1_000", False, False, False),
        ("", False, False, False),
        ("one", False, False, False),
    ],
)
def test_texts_are_sorted_into_numbers_finite_numbers_and_inputs(
    text: str, number: bool, finite: bool, usable: bool
) -> None:
    assert (is_number(text), is_finite(text), is_input(text)) == (number, finite, usable)


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (np.nan, "x[1, 0] is nan; features must be finite numbers"),
        (-np.inf, "x[1, 0] is -inf; features must be finite numbers"),
        (2 * LARGEST_INPUT, "x[1, 0] is 2e+100; inputs must be between -1e+100 and 1e+100"),
    ],
)
def test_the_first_value_that_cannot_be_an_input_is_named(value: float, sentence: str) -> None:
    values = np.array([[1.0, LARGEST_INPUT], [value, np.nan]])
    with pytest.raises(InputError) as caught:
        check_inputs("x", values, "features")
    assert str(caught.value) == sentence
    check_inputs("x", values[:1], "features")
