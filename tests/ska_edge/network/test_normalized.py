"""With a normalized step, large inputs halve the rate of their sample, once or several times."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ska_edge.arithmetic.fixedpoint import QFormat
from ska_edge.arithmetic.numpy_ops import NumpyOps, stored
from ska_edge.model.quantization import dequantize_state
from ska_edge.network.normalized import sample_halvings
from ska_edge.network.state import State
from ska_edge.network.trainer import FixedTrainer
from ska_edge.network.twin import parameters_for, tensors_of, twin
from ska_edge.plan.plan import Plan
from ska_edge.plan.precision import PRECISIONS
from ska_edge.plan.replay import Replay
from ska_edge.plan.resolve import make_plan

RULES = ("local", "feedback", "code")


def random_state(plan: Plan, seed: int = 0) -> State:
    top = 2 ** (plan.formats.weight_bits - 4)
    return State(plan, np.random.default_rng(seed).integers(-top, top, plan.parameter_count))


def halvings_of(plan: Plan, x: np.ndarray, before: int = 0) -> int:
    ops = NumpyOps()
    return sample_halvings(ops, plan, stored(ops, x[None], plan.layers[0].input), before)


@st.composite
def steps(draw: st.DrawFn) -> tuple[State, np.ndarray]:
    """A state with a normalized step, and an input of any size."""
    precision = draw(st.sampled_from(tuple(PRECISIONS)))
    bits = PRECISIONS[precision].activation.bits
    sizes = draw(st.lists(st.integers(1, 5), min_size=1, max_size=3))
    plan = make_plan(
        (*sizes, 2),
        rule=draw(st.sampled_from(RULES)),
        precision=precision,
        input_format=QFormat(bits, bits - draw(st.integers(1, 6))),
        normalized=True,
    )
    format, limit = plan.layers[0].input, 2 ** draw(st.integers(0, bits - 1))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x = rng.integers(-limit, limit + 1, plan.inputs).clip(format.minimum, format.maximum)
    state = random_state(plan, int(rng.integers(100)))
    state.halve_rate(draw(st.integers(0, 3)))
    return state, x


@settings(max_examples=200, deadline=None)
@given(steps(), st.integers(0, 1))
def test_a_step_is_that_of_a_plain_plan_whose_rate_was_halved_as_often(
    step: tuple[State, np.ndarray], label: int
) -> None:
    state, x = step
    mean = float(np.square(state.plan.layers[0].input.dequantize(x)).mean())
    times = max(0, round(math.log2(mean))) if mean else 0
    plain = State(replace(state.plan, normalized=False), state.parameters)
    plain.halve_rate(state.halvings + times)
    trainer, expected = FixedTrainer(state), FixedTrainer(plain)
    np.testing.assert_array_equal(trainer.learn_one(x, label), expected.learn_one(x, label))
    np.testing.assert_array_equal(state.parameters, plain.parameters)
    assert trainer.metrics() == expected.metrics()
    assert state.halvings == plain.halvings - times  # a sample's halvings do not change the state


def test_a_limit_itself_halves_nothing() -> None:
    plan = make_plan((1, 2), precision="w32a16", input_format=QFormat(16, 0), normalized=True)
    assert [halvings_of(plan, np.array([x])) for x in (0, 1, 2, 3, -3, 4, 128)] == [
        *(0, 0, 2, 3, 3, 4, 14)
    ]


def test_no_rate_is_halved_more_often_than_a_shift_allows() -> None:
    plan = make_plan((1, 2), precision="w32a16", input_format=QFormat(16, 0), normalized=True)
    most, x = plan.rate_halvings_max, np.array([-32768])
    assert halvings_of(plan, x) == min(30, most)
    for before in (0, most - 1, most):
        assert halvings_of(plan, x, before) == min(most, before + 30)
        state = random_state(plan)
        state.halve_rate(before)
        FixedTrainer(state).learn_one(x, 1)  # the trainer checks every interval


def test_each_stored_sample_has_a_rate_of_its_own() -> None:
    plan = make_plan((1, 2), input_format=QFormat(8, 2), normalized=True, replay=Replay(1, 1))
    state, plain = (
        random_state(plan),
        random_state(replace(plan, normalized=False, replay=Replay())),
    )
    learned, expected = FixedTrainer(state), FixedTrainer(plain)
    # The second call replays the first sample, and then learns the second one.
    for x, label in ((64, 0), (4, 1)):
        learned.learn_one(np.array([x]), label)
    for x, label, times in ((64, 0, 8), (64, 0, 8), (4, 1, 0)):
        plain.halve_rate(times)
        expected.learn_one(np.array([x]), label)
    np.testing.assert_array_equal(state.parameters, plain.parameters)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("size", [0.2, 1.0, 3.0, 7.0])
def test_the_reference_lowers_the_rate_in_the_same_way(rule: str, size: float) -> None:
    plan = make_plan(
        (6, 5, 4, 3),
        rule=rule,
        precision="w32a16",
        rate=0.5,
        input_format=QFormat(16, 12),
        normalized=True,
    )
    state, format = random_state(plan), plan.layers[0].input
    parameters = parameters_for(plan, dequantize_state(state))
    x = format.quantize(np.random.default_rng(1).normal(0, size, plan.inputs))
    twin(plan, parameters, 0.5).learn_batch(format.dequantize(x)[None], [1])
    FixedTrainer(state).learn_one(x, 1)
    after = dequantize_state(state)
    for place, real in tensors_of(parameters).items():
        np.testing.assert_allclose(after[place], real, atol=2e-3)


def test_the_reference_divides_each_sample_of_a_batch_by_its_own_power() -> None:
    plan = make_plan((2, 2))
    weights = [np.zeros((2, 2)), np.zeros(2)]
    changes = []
    for scale, factor in ((1.0, 1), (3.0, 8), (0.1, 1)):
        parameters = parameters_for(plan, {(0, "weight"): weights[0], (0, "bias"): weights[1]})
        model = twin(replace(plan, normalized=True), parameters, 1.0)
        model.learn_batch(np.array([[scale, -scale]]), [0])
        assert parameters.biases[0][0] == 0.5 / factor
        changes.append(parameters.weights[0])
    parameters = parameters_for(plan, {})
    batch = np.array([[1.0, -1.0], [3.0, -3.0], [0.1, -0.1]])
    twin(replace(plan, normalized=True), parameters, 1.0).learn_batch(batch, [0, 0, 0])
    np.testing.assert_allclose(parameters.weights[0], sum(changes) / 3, atol=1e-15)
