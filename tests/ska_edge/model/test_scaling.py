"""Input scaling, and float tensors as integers."""

from __future__ import annotations

import numpy as np
import pytest

from ska_edge.arithmetic.fixedpoint import QFormat
from ska_edge.errors import InputError
from ska_edge.model.scaling import Scaling, quantize_state
from ska_edge.plan.resolve import make_plan


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


def test_global_scaling_keeps_the_proportions_of_features() -> None:
    x = np.array([[0.0, 10.0], [0.0, 30.0]])
    scaled = Scaling.fit(x, "global").apply(x)
    assert abs(scaled.mean()) < 1e-12
    assert abs(scaled.std() - 1) < 1e-12
    assert (scaled[1, 1] - scaled[0, 1]) / (scaled[0, 1] - scaled[0, 0]) == pytest.approx(2)


def test_scaled_features_stay_within_the_limit_of_a_format() -> None:
    scaling = Scaling.fit(np.ones((2, 1)), "none").within(QFormat(8, 5))
    np.testing.assert_array_equal(scaling.apply(np.array([[-9.0], [1.0], [9.0]])), [[-4], [1], [4]])


def test_tensors_that_are_not_given_are_zero() -> None:
    plan = make_plan((2, 3, 2))
    state = quantize_state(plan, {(0, "weight"): np.full((3, 2), 0.5)})
    assert (state.tensor(0, "weight") == 2048).all()
    assert not state.tensor(1, "weight").any()


def test_a_wrong_shape_names_the_layer() -> None:
    with pytest.raises(InputError, match="layer 1: the weight has shape"):
        quantize_state(make_plan((2, 3, 2)), {(1, "weight"): np.zeros((3, 2))})
