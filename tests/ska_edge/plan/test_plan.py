"""A plan has a digest, a layout and a range proof; impossible plans are refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ska_edge.arithmetic.fixedpoint import QFormat
from ska_edge.errors import InputError
from ska_edge.plan.check import plan_from_json
from ska_edge.plan.plan import Plan
from ska_edge.plan.range_proof import accumulator_width, range_proof
from ska_edge.plan.resolve import make_plan

sizes = st.lists(st.integers(1, 64), min_size=2, max_size=5)


@given(sizes, st.sampled_from(["local", "published"]), st.floats(0.001, 0.9))
def test_a_plan_survives_json_with_its_digest(widths: list[int], rule: str, rate: float) -> None:
    plan = make_plan(widths, rule=rule, rate=rate)
    again = plan_from_json(json.loads(json.dumps(plan.to_json())))
    assert again == plan
    assert again.digest == plan.digest


@given(sizes)
def test_tensors_fill_the_parameters_without_a_gap(widths: list[int]) -> None:
    plan = make_plan(widths)
    offset = 0
    for tensor in plan.tensors():
        assert tensor.offset == offset
        offset += tensor.size
    assert offset == plan.parameter_count
    assert plan.parameter_bytes == 2 * offset


def test_the_digits_network_has_2410_parameters() -> None:
    assert make_plan((64, 32, 10)).parameter_count == 2410


def test_only_hidden_layers_below_the_top_have_a_readout() -> None:
    readouts = [layer.readout is not None for layer in make_plan((8, 7, 6, 5, 3)).layers]
    assert readouts == [True, True, False, False]
    assert not any(layer.readout for layer in make_plan((8, 7, 6, 3), rule="published").layers)


@pytest.mark.parametrize(
    "change",
    [
        {"rate": 0.25},
        {"rule": "published"},
        {"batch": 2},
        {"input_format": QFormat(8, 5)},
        {"labels": ("a", "b", "c")},
    ],
)
def test_every_constant_is_in_the_digest(change: dict[str, Any]) -> None:
    base: dict[str, Any] = {"rate": 0.125}
    assert make_plan((4, 5, 3), **{**base, **change}).digest != make_plan((4, 5, 3), **base).digest


def test_the_proof_finds_the_width_that_is_needed() -> None:
    # A product of a 16-bit weight and an 8-bit input is up to 2**22, so 511 of them and a bias fit
    # 31 bits.
    assert accumulator_width(make_plan((510, 4, 2))) == 32
    assert accumulator_width(make_plan((512, 4, 2))) == 64
    widths = {b.quantity: b.width for b in range_proof(make_plan((784, 4, 2))) if b.layer == 0}
    assert widths["knowledge sum"] == 64
    assert widths["update sum"] == 32


def test_the_proof_names_every_sum_of_a_layer_with_a_readout() -> None:
    found = {b.quantity for b in range_proof(make_plan((4, 3, 3, 2))) if b.layer == 0}
    assert found == {
        "knowledge sum",
        "update sum",
        "changed weight",
        "projection sum",
        "readout knowledge sum",
        "readout update sum",
        "readout changed weight",
    }


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"sizes": (4,)}, "sizes"),
        ({"sizes": (4, 0, 2)}, "sizes"),
        ({"rule": "backprop"}, "no rule"),
        ({"precision": "w4a4"}, "no precision"),
        ({"rate": 0.0}, "positive"),
        ({"rate": 1000.0}, "layer 0: the rate 1000 is impossible"),
        ({"rate": 1e-12}, "layer 0: the rate .* is impossible"),
        ({"batch": 0}, "at least 1"),
        ({"labels": ("only",)}, "1 labels for 2 outputs"),
    ],
)
def test_impossible_plans_are_refused_with_the_reason(
    arguments: dict[str, Any], reason: str
) -> None:
    with pytest.raises(InputError, match=reason):
        make_plan(**{"sizes": (4, 3, 2), **arguments})


def damaged(change: dict[str, Any]) -> Any:
    return {**make_plan((4, 3, 2)).to_json(), **change}


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {},
        damaged({"schema": 99}),
        damaged({"layers": "none"}),
        damaged({"rule": "unheard of"}),
        damaged({"labels": ["a"]}),
        {key: value for key, value in damaged({}).items() if key != "rate"},
    ],
)
def test_damaged_plans_are_refused(data: Any) -> None:
    with pytest.raises(InputError):
        plan_from_json(data)


def test_shifts_follow_from_the_formats() -> None:
    plan: Plan = make_plan((4, 3, 3, 2), rate=0.125, input_format=QFormat(8, 4))
    first, second = plan.layers[0].matrix, plan.layers[1].matrix
    assert plan.forward_shift(first) == 12 + 4 - 11
    assert plan.forward_shift(second) == 12 + 7 - 11
    assert plan.update_shift(first) == 15 + 4 - 12
    assert plan.bias_update_shift(first) == 15 - 12


@pytest.mark.parametrize(
    "sizes",
    [(65536, 2), (4, 70000, 2), (4, 40000, 40000, 2), (1, 65505), (1, 65534), (1, 65503, 2)],
)
def test_more_neurons_than_16_bits_count_are_refused(sizes: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="at most 65535"):
        make_plan(sizes)
