"""Arrays in memory are data, or one sentence says why not."""

from __future__ import annotations

import numpy as np
import pytest

from ska_edge.data.arrays import from_arrays
from ska_edge.data.targets import targets_of
from ska_edge.errors import InputError


def test_masked_values_are_missing_values() -> None:
    x = np.ma.masked_greater(np.arange(6.0).reshape(3, 2), 4.0)
    with pytest.raises(InputError, match="x has masked values"):
        from_arrays(x, [0, 1, 0])
    assert from_arrays(np.ma.masked_array(x.data), [0, 1, 0]).x.shape == (3, 2)


def test_integers_beyond_float64_are_refused() -> None:
    with pytest.raises(InputError, match="x must be a table of numbers"):
        from_arrays([[10**400]] * 4, [0, 1, 0, 1])
    with pytest.raises(InputError, match="y must hold numbers"):
        targets_of([10**400] * 4, 4)


def test_targets_must_be_as_many_as_the_names() -> None:
    with pytest.raises(InputError, match="y has 2 targets, but the model has 1: level"):
        targets_of([[1.0, 2.0]] * 4, 4, ["level"])
