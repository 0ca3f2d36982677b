"""Float tensors become the integers of a state."""

from __future__ import annotations

import numpy as np
import pytest

from ska_edge.errors import InputError
from ska_edge.model.quantization import quantize_state
from ska_edge.plan.resolve import make_plan


def test_tensors_that_are_not_given_are_zero() -> None:
    plan = make_plan((2, 3, 2))
    state = quantize_state(plan, {(0, "weight"): np.full((3, 2), 0.5)})
    assert (state.tensor(0, "weight") == 2048).all()
    assert not state.tensor(1, "weight").any()


def test_a_wrong_shape_names_the_layer() -> None:
    with pytest.raises(InputError, match="layer 1: the weight has shape"):
        quantize_state(make_plan((2, 3, 2)), {(1, "weight"): np.zeros((3, 2))})
