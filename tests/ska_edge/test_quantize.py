"""Calibration: input scaling, the input's format, and float tensors as integers."""

from __future__ import annotations

import numpy as np
import pytest

from ska_edge.calibration import CLIPPED_SHARE, input_format
from ska_edge.errors import InputError
from ska_edge.fixedpoint import QFormat
from ska_edge.planning import make_plan
from ska_edge.quantize import Scaling, quantize_state


def test_standardizing_leaves_constant_features_at_zero() -> None:
    x = np.array([[1.0, 5.0], [3.0, 5.0]])
    scaling = Scaling.fit(x, "standardize")
    np.testing.assert_allclose(scaling.apply(x), [[-1, 0], [1, 0]])


def test_none_changes_nothing() -> None:
    x = np.array([[1.0, 5.0], [3.0, 5.0]])
    np.testing.assert_array_equal(Scaling.fit(x, "none").apply(x), x)


def test_other_features_than_the_model_has_are_refused() -> None:
    scaling = Scaling.fit(np.ones((2, 3)), "none")
    with pytest.raises(InputError, match="2 features, the model 3 inputs"):
        scaling.apply(np.ones((4, 2)))


@pytest.mark.parametrize(
    ("largest", "format"),
    [(0.9, QFormat(8, 7)), (1.5, QFormat(8, 6)), (16.0, QFormat(8, 2)), (3.9, QFormat(8, 5))],
)
def test_the_finest_format_that_holds_the_data(largest: float, format: QFormat) -> None:
    assert input_format(np.array([[0.0, largest, -largest]])) == format


def test_rare_outliers_are_clipped_rather_than_cost_everybody_a_bit() -> None:
    x = np.full((10_000, 1), 0.5)
    x[: int(CLIPPED_SHARE * len(x)), 0] = 50.0
    assert input_format(x) == QFormat(8, 7)
    x[: int(CLIPPED_SHARE * len(x)) + 1, 0] = 50.0
    assert input_format(x) == QFormat(8, 1)


def test_data_beyond_every_format_are_refused() -> None:
    with pytest.raises(InputError, match="standardize"):
        input_format(np.array([[1e6]]))


def test_tensors_that_are_not_given_are_zero() -> None:
    plan = make_plan((2, 3, 2))
    state = quantize_state(plan, {(0, "weight"): np.full((3, 2), 0.5)})
    assert (state.tensor(0, "weight") == 2048).all()
    assert not state.tensor(1, "weight").any()


def test_a_wrong_shape_names_the_layer() -> None:
    with pytest.raises(InputError, match="layer 1: the weight has shape"):
        quantize_state(make_plan((2, 3, 2)), {(1, "weight"): np.zeros((3, 2))})
