"""A plan keeps the activation of its hidden layers in files; an unsuitable one is refused."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from ska_edge.arithmetic.fixedpoint import QFormat
from ska_edge.errors import InputError
from ska_edge.network.state import State
from ska_edge.network.trainer import FixedTrainer
from ska_edge.plan.check import plan_from_json
from ska_edge.plan.plan import Plan
from ska_edge.plan.resolve import make_plan

SIZES = (4, 3, 5, 2)


def test_a_plan_with_sigmoids_is_that_of_earlier_versions() -> None:
    plan = make_plan((64, 32, 10))
    assert plan.digest == "e6e70b072cfd65ab"  # computed before there was another activation
    assert "activation" not in plan.to_json()
    assert plan_from_json(plan.to_json()).activation == "sigmoid"


def test_relu_and_its_format_survive_json_and_change_the_digest() -> None:
    plan = make_plan(SIZES, activation="relu", activation_format=QFormat(8, 3))
    again = plan_from_json(json.loads(json.dumps(plan.to_json())))
    assert (again, again.formats.activation) == (plan, QFormat(8, 3))
    finer = make_plan(SIZES, activation="relu", activation_format=QFormat(8, 4))
    assert len({plan.digest, finer.digest, make_plan(SIZES).digest}) == 3
    assert [layer.input for layer in plan.layers[1:]] == [QFormat(8, 3)] * 2


@pytest.mark.parametrize("rule", ["code", "published"])
def test_rules_without_an_error_to_pass_back_have_no_relu(rule: str) -> None:
    with pytest.raises(InputError, match=f"rule {rule} has no activation relu.*local and feedback"):
        make_plan(SIZES, rule=rule, activation="relu")


def test_an_unknown_activation_is_refused() -> None:
    with pytest.raises(InputError, match="no activation 'tanh'; there are sigmoid, relu"):
        make_plan(SIZES, activation="tanh")
    data = make_plan(SIZES, activation="relu").to_json()
    data["activation"] = "tanh"
    with pytest.raises(InputError, match="activation 'tanh' is none of sigmoid, relu"):
        plan_from_json(data)


@pytest.mark.parametrize(
    ("activation", "format"),
    [("sigmoid", (8, 6)), ("relu", (8, 8)), ("relu", (8, -1)), ("relu", (16, 7))],
)
def test_a_format_that_the_activation_cannot_have_is_refused(
    activation: str, format: tuple[int, int]
) -> None:
    data = make_plan(SIZES, activation=activation).to_json()
    data["formats"]["activation"] = dict(zip(("bits", "frac"), format, strict=True))
    with pytest.raises(InputError, match="the formats of the neurons are not those of w16a8"):
        plan_from_json(data)


def learned(plan: Plan, weights: Any) -> FixedTrainer:
    """Return a trainer after one sample of class 0, with these real weights and biases."""
    state = State(plan, np.zeros(plan.parameter_count, dtype=np.int64))
    for (layer, name), values in weights.items():
        tensor = state.tensor(layer, name)
        tensor[...] = plan.layers[layer].matrix.weight.quantize(np.reshape(values, tensor.shape))
    trainer = FixedTrainer(state)
    trainer.learn_one(plan.layers[0].input.quantize(np.array([0.5])), 0)
    return trainer


def test_only_active_neurons_get_the_error_and_pass_their_knowledge_on() -> None:
    plan = make_plan((1, 3, 2), activation="relu", activation_format=QFormat(8, 4), rate=2.0**-4)
    hidden, output = [2.0, -2.0, 0.0], [[0.5, 0.5, 0.5], [-0.5, 0.0, 0.0]]
    trainer = learned(plan, {(0, "weight"): hidden, (1, "weight"): output})
    assert next(trainer.forward(np.array([[64]]))).activation.tolist() == [[16, 0, 0]]
    shifts = plan.formats.shift.dequantize(trainer.last_shifts()[0][0])
    # z = 1, -1 and 0, so D = 0.62 and 0.38, e = 0.38 and -0.38, and A^T e = 0.38 for neuron 0
    assert shifts == pytest.approx([0.378, 0.0, 0.0], abs=1e-3)
