"""A plan keeps its least confidence in files; values out of range are refused."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ska_edge.errors import InputError
from ska_edge.plan.check import plan_from_json
from ska_edge.plan.resolve import make_plan

PLAN = make_plan((4, 3, 2))


def test_a_plan_without_a_least_confidence_is_that_of_earlier_versions() -> None:
    plan = make_plan((64, 32, 10))
    assert plan.digest == "e6e70b072cfd65ab"  # computed before there was a least confidence
    assert "least_confidence" not in plan.to_json()


def test_a_least_confidence_survives_json_and_changes_the_digest() -> None:
    plan = replace(PLAN, least_confidence=9000)
    assert plan_from_json(json.loads(json.dumps(plan.to_json()))) == plan
    assert plan.digest != PLAN.digest


@pytest.mark.parametrize("least", [-1, 32_768, 2**40])
def test_a_least_confidence_out_of_range_in_a_file_is_refused(least: int) -> None:
    plan = replace(PLAN, least_confidence=least)
    with pytest.raises(InputError, match=f"the least confidence {least} is out of range"):
        plan_from_json(plan.to_json())


@pytest.mark.parametrize("least", [0, 9000.0, "9000", None, True])
def test_a_least_confidence_of_another_form_in_a_file_is_refused(least: Any) -> None:
    with pytest.raises(InputError, match="the plan is damaged"):
        plan_from_json({**PLAN.to_json(), "least_confidence": least})


@pytest.mark.parametrize(
    "plan", [make_plan((4, 3, 2), rule="published"), make_plan((4, 3, 1))], ids=["published", "one"]
)
def test_plans_without_classes_have_no_least_confidence(plan) -> None:
    with pytest.raises(InputError, match="its confidence says nothing about classes"):
        plan_from_json(replace(plan, least_confidence=1).to_json())


@pytest.mark.parametrize("name", ["unknown", "-1"])
def test_a_class_named_like_rejected_samples_is_refused(name: str) -> None:
    named = replace(PLAN, labels=("a", name))
    assert plan_from_json(named.to_json()) == named
    with pytest.raises(InputError, match=f"the class '{name}' has the name that samples of no"):
        plan_from_json(replace(named, least_confidence=1).to_json())
