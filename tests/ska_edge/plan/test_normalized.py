"""A plan with a normalized step has exact limits and keeps them in files; batches are refused."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ska_edge.arithmetic.fixedpoint import QFormat
from ska_edge.errors import InputError
from ska_edge.plan.check import plan_from_json
from ska_edge.plan.range_proof import SQUARE_SUM, accumulator_width, range_proof, square_width
from ska_edge.plan.resolve import make_plan
from ska_edge.rules.neuron import step_limits


def test_a_plan_without_it_is_that_of_earlier_versions() -> None:
    plan = make_plan((64, 32, 10))
    assert plan.digest == "e6e70b072cfd65ab"  # computed before there were normalized steps
    assert "normalized" not in plan.to_json()
    assert not plan_from_json(plan.to_json()).normalized
    assert SQUARE_SUM not in {bound.quantity for bound in range_proof(plan)}


def test_it_survives_json_and_changes_the_digest() -> None:
    plan = make_plan((4, 3, 2), normalized=True)
    assert plan_from_json(json.loads(json.dumps(plan.to_json()))) == plan
    assert plan.digest != make_plan((4, 3, 2)).digest


@given(st.integers(1, 65535), st.sampled_from([8, 16]), st.data())
def test_the_limits_are_exact(inputs: int, bits: int, data: st.DataObject) -> None:
    format = QFormat(bits, data.draw(st.integers(0, bits - 1)))
    limits, unit = step_limits(inputs, format), inputs << 2 * format.frac
    for k, limit in enumerate(limits):
        assert limit**2 < 2 * (unit << k) ** 2 < (limit + 1) ** 2  # sqrt(2) 2^k d, rounded down
    largest = inputs * format.minimum**2
    assert all(limit < largest for limit in limits)
    assert 2 * (unit << len(limits)) ** 2 >= largest**2  # no input is above the next limit


@pytest.mark.parametrize(
    ("inputs", "precision", "width"),
    [(1, "w16a8", 32), (65535, "w16a8", 32), (1, "w32a16", 32), (2, "w32a16", 64)],
)
def test_the_sum_of_squares_has_a_width_of_its_own(inputs: int, precision: str, width: int) -> None:
    plan = make_plan((inputs, 2), precision=precision, normalized=True)
    (bound,) = (each for each in range_proof(plan) if each.quantity == SQUARE_SUM)
    assert (bound.lo, bound.hi) == (0, inputs * plan.layers[0].input.minimum ** 2)
    assert square_width(plan) == width
    assert accumulator_width(plan) == accumulator_width(make_plan((inputs, 2), precision=precision))


def test_an_input_format_without_integer_bits_has_no_limits() -> None:
    plan = make_plan((4, 2), input_format=QFormat(8, 7), normalized=True)
    assert plan.normalized_step is not None
    assert plan.normalized_step.limits == ()


def test_one_integer_bit_has_two_limits() -> None:
    # |x|^2/d is at most 4, and limit k is 2^(k + 1/2).
    assert step_limits(3, QFormat(8, 6)) == tuple(
        math.floor(math.sqrt(2) * 2**k * 3 * 2**12) for k in range(2)
    )


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"rule": "published"}, "rule published learns from a held batch"),
        ({"batch": 2}, "a normalized step is that of one sample; leave the batch at 1"),
    ],
)
def test_it_is_refused_for_batches(options: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        make_plan((4, 3, 2), normalized=True, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [False, 1, "true", None])
def test_another_form_in_a_file_is_refused(value: object) -> None:
    with pytest.raises(InputError, match="the plan is damaged: a field is "):
        plan_from_json({**make_plan((4, 2)).to_json(), "normalized": value})
