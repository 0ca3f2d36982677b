"""A plan from a file is accepted only if the arithmetic supports every number in it."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from ska_edge.arithmetic.fixedpoint import QFormat
from ska_edge.errors import InputError
from ska_edge.plan.check import check_plan, plan_from_json
from ska_edge.plan.plan import Plan
from ska_edge.plan.replay import Replay
from ska_edge.plan.resolve import make_plan
from ska_edge.rules.neuron import RawInput

RAW_INPUT = RawInput((5, 70_000, 300, 1), (-9, 2**40, 7, 0), 11)
RAW_FLOATS = RawInput((5, 2**30, 2**22, 1), (-9, 2**60, 7, 0), 30, (4, -104, 160, 0))
PLANS = {
    "local": make_plan((4, 3, 3, 2), input_format=QFormat(8, 4), replay=Replay(2, 1), seed=7),
    "raw": make_plan((4, 3, 2), raw=RAW_INPUT, labels=("calm", "gust")),
    "raw float": make_plan((4, 3, 2), raw=RAW_FLOATS),
    "feedback": make_plan((4, 3, 2), rule="feedback", output_only=True),
    "code": make_plan((4, 3, 2), rule="code", batch=3),
    "published": make_plan((4, 3, 2), rule="published", precision="w32a16", batch=5, steps=3),
}
HOSTILE: tuple[Any, ...] = (
    *(0, -1, 1, 2, 7, 12, 31, 64, 2**31, 2**63, -(2**63), 10**12, 10**400),
    *(1e12, 1.5, float("nan"), float("inf"), True, None, "x", "", "7", "local", "w32a16"),
    *([], [0], [[[[]]]], {}, {"bits": 8, "frac": 7}, [1] * 2000, "\ud800"),
)


def plain(plan: Plan) -> Any:
    return json.loads(json.dumps(plan.to_json()))


def places(data: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the place of every value in nested data, but only the first and last of a long list."""
    if at:
        yield at
    if isinstance(data, dict):
        for key in data:
            yield from places(data[key], (*at, key))
    elif isinstance(data, list) and data:
        for index in sorted({0, len(data) - 1}):
            yield from places(data[index], (*at, index))


def changed(data: Any, at: tuple[Any, ...], value: Any) -> Any:
    data = copy.deepcopy(data)
    inner = data
    for key in at[:-1]:
        inner = inner[key]
    inner[at[-1]] = value
    return data


def resolved_again(plan: Plan) -> Plan:
    """Return the plan that the resolver computes from a plan's own choices."""
    return make_plan(
        plan.sizes,
        rule=plan.rule,
        precision=plan.precision,
        rate=plan.rate.real * plan.batch,
        batch=plan.batch,
        steps=plan.steps,
        input_format=plan.layers[0].input,
        weight_formats={
            (tensor.layer, tensor.name): tensor.format
            for tensor in plan.tensors()
            if tensor.name.endswith("weight")
        },
        knowledge_format=plan.formats.knowledge,
        labels=plan.labels,
        output_only=plan.first_learned > 0,
        replay=plan.replay,
        seed=plan.seed,
        raw=plan.raw,
    )


@pytest.mark.parametrize("name", PLANS)
def test_a_changed_number_is_refused_or_makes_another_plan_that_can_be_resolved(name: str) -> None:
    data = plain(PLANS[name])
    refused = taken = 0
    for at in places(data):
        for value in HOSTILE:
            try:
                plan = plan_from_json(changed(data, at, value))
            except InputError as error:
                assert "\n" not in str(error)
                assert len(str(error)) < 2000
                refused += 1
            else:
                assert plan == resolved_again(plan), (at, value)
                assert plain(plan) == changed(data, at, value)
                taken += 1
    assert refused > 500
    assert taken > 20


@pytest.mark.parametrize("name", PLANS)
def test_a_missing_or_an_unknown_field_is_refused(name: str) -> None:
    data = plain(PLANS[name])
    for at in (found for found in places(data) if isinstance(found[-1], str)):
        shorter = copy.deepcopy(data)
        inner = shorter
        for key in at[:-1]:
            inner = inner[key]
        del inner[at[-1]]
        with pytest.raises(InputError):
            plan_from_json(shorter)
        inner[at[-1]] = None
        with pytest.raises(InputError, match=r"damaged|schema"):
            plan_from_json(changed(data, (*at[:-1], "more"), 1))


@pytest.mark.parametrize(
    ("name", "at", "value", "reason"),
    [
        ("local", ("rule",), "hebb", "rule 'hebb' is none of local, feedback, code, published"),
        # Only early versions of the program had the precision w8a8.
        ("local", ("precision",), "w8a8", "'w8a8' is none of w16a8, w32a16; train the model again"),
        ("local", ("formats", "activation", "bits"), 12, "the formats of the neurons"),
        ("local", ("formats", "knowledge", "frac"), 10**12, "the knowledge has 16 bits"),
        ("local", ("formats", "knowledge", "frac"), 4, "the knowledge has 16 bits"),
        ("local", ("formats", "decision", "frac"), 10**12, "the formats of the neurons"),
        ("local", ("layers", 0, "matrix", "weight", "frac"), 10**12, "layer 0: weights of 16 bits"),
        ("local", ("layers", 0, "matrix", "input", "frac"), 8, "the input has 8 bits"),
        ("local", ("layers", 1, "matrix", "input", "frac"), 6, "layer 1: its input or its readout"),
        ("local", ("layers", 0, "readout"), None, "layer 0: its input or its readout"),
        ("local", ("layers", 0, "readout", "outputs"), 3, "layer 0: its input or its readout"),
        ("local", ("rate", "shift"), -(10**12), "the rate's shift"),
        ("local", ("labels", 1), "0", "the same label"),
        ("local", ("labels", 1), "n" * 256, "at most 255"),
        ("local", ("labels", 1), "\ud800", "is no text"),
        ("local", ("steps",), 2, "learns in one step"),
        ("local", ("replay", "per_class"), -1, "a negative number of samples"),
        ("raw", ("raw", "offsets", 0), 2**46 + 1, "standardize raw features"),
        ("raw", ("raw", "multipliers"), [1, 2, 3], "standardize raw features"),
        ("raw float", ("raw", "points", 0), -201, "standardize raw features"),
        ("raw float", ("raw", "points"), [1, 2, 3], "standardize raw features"),
        ("raw float", ("raw", "multipliers", 0), 2**30 + 1, "standardize raw features"),
        ("raw float", ("raw", "offsets", 0), -(2**60) - 1, "standardize raw features"),
    ],
)
def test_the_reason_is_named(name: str, at: tuple[Any, ...], value: Any, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        plan_from_json(changed(plain(PLANS[name]), at, value))


def test_a_state_too_large_for_a_host_is_refused_before_it_is_made() -> None:
    with pytest.raises(InputError, match="more than the 134217728 of the largest state"):
        make_plan((60_000, 2), batch=3000)


def test_plans_that_were_resolved_pass() -> None:
    for plan in PLANS.values():
        check_plan(plan)
        assert plan_from_json(plain(plan)) == plan == resolved_again(plan)
