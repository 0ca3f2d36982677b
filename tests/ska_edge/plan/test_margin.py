"""A plan's margin becomes an integer and is kept in files; an impossible margin is refused."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ska_edge.errors import InputError
from ska_edge.plan.check import plan_from_json
from ska_edge.plan.margin import LIMIT, largest_margin, margin_integer, real_margin
from ska_edge.plan.plan import Plan
from ska_edge.plan.precision import SHIFT
from ska_edge.plan.resolve import make_plan

LARGEST = 16_383
EXACT = math.ldexp(LARGEST, -15)  # the real value of the largest margin


@given(st.floats(0, EXACT), st.integers(0, 32_767))
def test_an_integer_error_is_below_the_margin_exactly_if_its_real_value_is(
    margin: float, error: int
) -> None:
    assert (error < margin_integer(margin, SHIFT)) == (math.ldexp(error, -15) < margin)


@given(st.integers(0, LARGEST))
def test_the_real_margin_has_the_same_integer(integer: int) -> None:
    real = real_margin(integer, SHIFT)
    assert 0 <= real < LIMIT
    assert margin_integer(real, SHIFT) == integer


@pytest.mark.parametrize("margin", [0.0, 0.01, 0.02, 0.05, 0.1, 0.25, 0.4])
def test_a_short_margin_is_kept_as_it_was_given(margin: float) -> None:
    assert make_plan((4, 3, 2), margin=margin).real_margin == margin


def test_the_largest_margin_is_below_the_limit() -> None:
    assert largest_margin(SHIFT) == LARGEST
    assert make_plan((4, 2), margin=math.nextafter(LIMIT, 0)).margin == LARGEST


def test_a_plan_without_a_margin_is_that_of_earlier_versions() -> None:
    plan = make_plan((64, 32, 10))
    assert plan.digest == "e6e70b072cfd65ab"  # computed before there were margins
    assert "margin" not in plan.to_json()
    assert plan_from_json(plan.to_json()).margin == 0


def test_a_margin_survives_json_and_changes_the_digest() -> None:
    plan = make_plan((4, 3, 2), margin=0.1)
    again = plan_from_json(json.loads(json.dumps(plan.to_json())))
    assert (again, again.margin) == (plan, 3277)
    assert plan.digest != make_plan((4, 3, 2)).digest
    assert plan.with_margin(0.0) == make_plan((4, 3, 2))


@pytest.mark.parametrize("margin", [-0.1, LIMIT, 1.0, math.nan, math.inf])
def test_an_impossible_margin_is_refused(margin: float) -> None:
    with pytest.raises(InputError, match=r"the margin is at least 0 and below 0\.5, not "):
        make_plan((4, 3, 2), margin=margin)


def test_a_rule_without_labels_has_no_margin() -> None:
    with pytest.raises(InputError, match="rule published has no output errors"):
        make_plan((4, 3, 2), rule="published", margin=0.1)


@pytest.mark.parametrize("margin", [-1, LARGEST + 1, 2**40])
def test_a_margin_out_of_range_in_a_file_is_refused(margin: int) -> None:
    plan: Plan = replace(make_plan((4, 3, 2)), margin=margin)
    with pytest.raises(InputError, match=f"the margin {margin} is out of range"):
        plan_from_json(plan.to_json())


@pytest.mark.parametrize("margin", [0, 3277.0, "3277", None, True, [3277]])
def test_a_margin_of_another_form_in_a_file_is_refused(margin: Any) -> None:
    with pytest.raises(InputError, match="the plan is damaged"):
        plan_from_json({**make_plan((4, 3, 2)).to_json(), "margin": margin})
