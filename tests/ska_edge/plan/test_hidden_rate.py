"""A plan may halve the rate of its hidden layers; it keeps the halvings in files."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ska_edge.errors import InputError
from ska_edge.plan.check import MOST_HALVINGS, plan_from_json
from ska_edge.plan.resolve import make_plan

SIZES = (4, 3, 5, 2)


def test_a_plan_with_one_rate_is_that_of_earlier_versions() -> None:
    plan = make_plan((64, 32, 10))
    assert plan.digest == "e6e70b072cfd65ab"  # computed before there were halvings
    assert "halvings" not in json.dumps(plan.to_json())
    assert plan_from_json(plan.to_json()).hidden_halvings == 0


def test_the_rate_of_hidden_layers_survives_json_and_changes_the_digest() -> None:
    plan = make_plan(SIZES, hidden_halvings=3)
    again = plan_from_json(json.loads(json.dumps(plan.to_json())))
    assert (again, again.hidden_halvings) == (plan, 3)
    assert plan.digest != make_plan(SIZES).digest


def test_only_the_hidden_layers_learn_more_slowly() -> None:
    slow, plan = make_plan(SIZES, hidden_halvings=3), make_plan(SIZES)
    for index, (ours, theirs) in enumerate(zip(slow.layers, plan.layers, strict=True)):
        added = 3 if index < plan.hidden else 0
        for shift in ("update_shift", "bias_update_shift"):
            found, before = getattr(slow, shift), getattr(plan, shift)
            assert found(ours.matrix) == before(theirs.matrix) + added
        assert ours.readout == theirs.readout
    assert slow.rate == plan.rate
    assert slow.rate_halvings_max == plan.rate_halvings_max - 3


def test_a_rule_without_labels_has_one_rate() -> None:
    with pytest.raises(InputError, match="rule published learns all layers at one rate"):
        make_plan(SIZES, rule="published", hidden_halvings=1)


@pytest.mark.parametrize("halvings", [-1, MOST_HALVINGS + 1])
def test_too_many_halvings_are_refused(halvings: int) -> None:
    with pytest.raises(InputError, match=f"can be halved at most 8 times, not {halvings}"):
        make_plan(SIZES, hidden_halvings=halvings)


@pytest.mark.parametrize("halvings", [0, 3.0, "3", None, True])
def test_another_form_in_a_file_is_refused(halvings: Any) -> None:
    data = make_plan(SIZES).to_json()
    for layer in data["layers"][:2]:
        layer["matrix"]["halvings"] = halvings
    with pytest.raises(InputError, match="the plan is damaged"):
        plan_from_json(data)


@pytest.mark.parametrize(
    ("layer", "kind", "sentence"),
    [
        (0, "matrix", "layer 1: its rate is halved 0 times; all hidden layers have one rate"),
        (2, "matrix", "layer 2: its rate is halved 2 times; all hidden layers have one rate"),
        (0, "readout", "layer 0: its input or its readout does not belong"),
    ],
)
def test_a_single_slower_matrix_is_refused(layer: int, kind: str, sentence: str) -> None:
    data = make_plan(SIZES).to_json()
    data["layers"][layer][kind]["halvings"] = 2
    with pytest.raises(InputError, match=sentence):
        plan_from_json(data)
