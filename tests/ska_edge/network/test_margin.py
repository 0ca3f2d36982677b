"""A sample is learned unless all of its output errors are below the margin."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ska_edge.model.quantization import dequantize_state
from ska_edge.network.margin import learning, skipped
from ska_edge.network.state import State
from ska_edge.network.trainer import FixedTrainer
from ska_edge.network.twin import parameters_for, tensors_of, twin
from ska_edge.plan.margin import largest_margin
from ska_edge.plan.plan import Plan
from ska_edge.plan.precision import PRECISIONS
from ska_edge.plan.replay import Replay
from ska_edge.plan.resolve import make_plan

RULES = ("local", "feedback", "code")
LABEL = 1


def start(plan: Plan, seed: int = 0) -> State:
    """Return a state of small random weights, with which many output errors are small."""
    top = 2 ** (plan.formats.weight_bits - 4)
    return State(plan, np.random.default_rng(seed).integers(-top, top, plan.parameter_count))


def sample(plan: Plan, seed: int = 1) -> np.ndarray:
    format = plan.layers[0].input
    drawn: np.ndarray = np.random.default_rng(seed).integers(
        format.minimum, format.maximum + 1, plan.inputs
    )
    return drawn


def largest_error(state: State, x: np.ndarray, label: int) -> int:
    plan = state.plan
    targets = plan.formats.decision.maximum * (np.arange(plan.classes) == label)
    return int(np.abs(targets - FixedTrainer(state).infer(x[None])[0]).max())


@st.composite
def steps(draw: st.DrawFn) -> tuple[State, np.ndarray, int]:
    """A state, a sample and its label; the largest output error is often small enough to be a
    margin.
    """
    sizes = draw(st.lists(st.integers(1, 5), min_size=1, max_size=3))
    plan = make_plan(
        (*sizes, 2),
        rule=draw(st.sampled_from(RULES)),
        precision=draw(st.sampled_from(tuple(PRECISIONS))),
        rate=0.9,
        output_only=draw(st.booleans()),
    )
    state = start(plan, draw(st.integers(0, 2**32 - 1)))
    x = sample(plan, draw(st.integers(0, 2**32 - 1)))
    # The biases of the output layer make the decision right, so that errors are small.
    label, bias = draw(st.integers(0, 1)), state.tensor(plan.hidden, "bias")
    bias[:] = np.where(np.arange(2) == label, 1, -1) * draw(
        st.integers(0, 2 ** (plan.formats.weight_bits - 3))
    )
    return state, x, label


@settings(max_examples=200, deadline=None)
@given(steps())
def test_only_a_sample_with_an_error_that_is_not_below_the_margin_learns(
    step: tuple[State, np.ndarray, int],
) -> None:
    state, x, label = step
    plan, error = state.plan, largest_error(*step)
    exact = FixedTrainer(State(plan, state.parameters))
    decisions = exact.learn_one(x, label)
    for margin in (error - 1, error, error + 1):
        if not 0 < margin <= largest_margin(plan.formats.shift):
            continue
        trainer = FixedTrainer(State(replace(plan, margin=margin), state.parameters))
        np.testing.assert_array_equal(trainer.learn_one(x, label), decisions)
        expected = state if margin > error else exact.state
        np.testing.assert_array_equal(trainer.state.parameters, expected.parameters)
        assert (trainer.state.step, trainer.state.samples) == (1, 1)
        if margin <= error:
            assert trainer.metrics() == exact.metrics()


@pytest.mark.parametrize("rule", RULES)
def test_the_metrics_of_a_skipped_sample_have_no_shift(rule: str) -> None:
    plan = make_plan((4, 5, 3, 2), rule=rule)
    state, x = start(plan), sample(plan)
    state.tensor(2, "bias")[:] = -9000, 9000
    quiet = FixedTrainer(State(plan.with_margin(0.4), state.parameters))
    quiet.learn_one(x, LABEL)
    assert [shift.tolist() for shift in quiet.last_shifts()] == [[[0] * n] for n in (5, 3, 2)]
    exact = FixedTrainer(State(plan, state.parameters))
    exact.learn_one(x, LABEL)
    for layer, (ours, theirs) in enumerate(zip(quiet.metrics(), exact.metrics(), strict=True)):
        assert (ours["entropy"], ours["shift_square"]) == (0, 0)
        assert ours["zero_updates"] == plan.layers[layer].matrix.inputs * plan.sizes[layer + 1]
        assert theirs["shift_square"] > 0
        assert ours["z_square"] == theirs["z_square"]


def test_a_skipped_sample_still_enters_the_replay_buffer() -> None:
    plan = make_plan((4, 2), replay=Replay(2, 1), margin=0.4)
    state, x = start(plan), sample(plan)
    state.tensor(0, "bias")[:] = -9000, 9000
    before, trainer = state.parameters.copy(), FixedTrainer(state)
    for _ in range(3):
        trainer.learn_one(x, LABEL)
    np.testing.assert_array_equal(state.parameters, before)
    # Before the second and before the third sample, a stored sample is replayed. It is skipped,
    # too, and it counts as a step.
    assert (state.samples, state.step) == (3, 5)
    assert state.replay.seen.tolist() == [0, 3]
    np.testing.assert_array_equal(state.replay.samples[LABEL, 0], x)
    assert state.replay.drawn == 3


def mixed(rule: str, precision: str = "w16a8") -> tuple[State, np.ndarray, np.ndarray]:
    """Return a network and a batch of two samples; the first sample is within the margin."""
    # With so many classes, no shift of a hidden layer saturates.
    plan = make_plan((4, 6, 5, 16), rule=rule, precision=precision, batch=2, rate=0.5, margin=0.4)
    state = start(plan)
    state.parameters //= 4
    decided = np.where(np.arange(16) == 1, 2.2, -2.2)
    state.tensor(2, "bias")[:] = decided * 2.0 ** plan.layers[2].matrix.weight.frac
    return state, np.stack([sample(plan, 1), sample(plan, 2)]), np.array([1, 0])


@pytest.mark.parametrize("rule", RULES)
def test_a_skipped_sample_of_a_batch_adds_nothing_to_its_sum(rule: str) -> None:
    state, x, labels = mixed(rule)
    other = state.copy()
    learned = FixedTrainer(state)
    before = state.parameters.copy()
    decisions = learned.learn_batch(x, labels)
    assert skipped(state.plan, decisions, labels) == 1
    # In place of the skipped sample, another sample within the margin gives the same sum.
    x[0] = x[0] // 2
    changed = FixedTrainer(other)
    assert skipped(other.plan, changed.learn_batch(x, labels), labels) == 1
    np.testing.assert_array_equal(learned.state.parameters, changed.state.parameters)
    assert (learned.state.parameters != before).any()


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("kept", ["both", "first", "second"])
def test_the_reference_skips_the_same_samples(rule: str, kept: str) -> None:
    state, x, labels = mixed(rule, "w32a16")
    plan, chosen = state.plan, {"both": [0, 1], "first": [0, 0], "second": [1, 1]}[kept]
    parameters = parameters_for(plan, dequantize_state(state))
    before = state.parameters.copy()
    reals = plan.layers[0].input.dequantize(x[chosen])
    twin(plan, parameters, 0.5).learn_batch(reals, labels[chosen])
    FixedTrainer(state).learn_batch(x[chosen], labels[chosen])
    after = dequantize_state(state)
    for place, real in tensors_of(parameters).items():
        np.testing.assert_allclose(after[place], real, atol=2e-3)
    assert (state.parameters == before).all() == (kept == "first")


def test_a_single_error_that_reaches_the_margin_suffices_to_learn() -> None:
    plan = make_plan((4, 3), margin=0.25)
    errors = np.array([[8191, -8191, 0], [0, 8192, 0], [0, 0, -8192], [-9000, 0, 0]])
    assert learning(plan, errors).tolist() == [False, True, True, True]
    assert learning(plan.with_margin(0.0), np.zeros((2, 3), dtype=np.int64)).all()
