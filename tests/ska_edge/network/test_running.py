"""Running averages normalize inputs, and follow the samples that a network learns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ska_edge.arithmetic.fixedpoint import QFormat
from ska_edge.arithmetic.numpy_ops import NumpyOps
from ska_edge.errors import InputError
from ska_edge.network.running import moved, normalized, normalized_reals, undone_reals
from ska_edge.network.state import State
from ska_edge.network.trainer import FixedTrainer
from ska_edge.plan.plan import Plan
from ska_edge.plan.precision import PRECISIONS
from ska_edge.plan.replay import FIFO, Replay
from ska_edge.plan.resolve import make_plan
from ska_edge.rules.neuron import VARIANCE, mean_format
from ska_edge.rules.reference import moved_averages

OPS = NumpyOps()


@st.composite
def states(draw: st.DrawFn) -> State:
    """States with random averages: means in the range of the inputs, and variances up to 42."""
    precision = draw(st.sampled_from(tuple(PRECISIONS)))
    bits = PRECISIONS[precision].activation.bits
    plan = make_plan(
        (draw(st.integers(1, 5)), 3, 2),
        precision=precision,
        input_format=QFormat(bits, bits - draw(st.integers(1, 6))),
        running_normalization=True,
    )
    state, format = State(plan), plan.layers[0].input
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    state.mean[:] = rng.integers(format.minimum, format.maximum + 1, plan.inputs) << 8
    state.variance[:] = VARIANCE.quantize(rng.uniform(0, 6.5, plan.inputs) ** 2 - 1)
    return state


def rows(state: State, count: int, seed: int = 0) -> np.ndarray:
    format = state.plan.layers[0].input
    ends = format.minimum, format.maximum + 1
    return np.random.default_rng(seed).integers(*ends, (count, state.plan.inputs))


def averages(state: State) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and the variance of the inputs as real numbers."""
    mean = mean_format(state.plan.layers[0].input).dequantize(state.mean)
    return mean, VARIANCE.dequantize(state.variance) + 1


@given(states(), st.integers(0, 100))
def test_an_input_is_that_of_the_float_reference_rounded_and_saturated(
    state: State, seed: int
) -> None:
    format, x = state.plan.layers[0].input, rows(state, 5, seed)
    real = normalized_reals(state, format.dequantize(x))
    np.testing.assert_array_equal(normalized(OPS, state, x), format.quantize(real))
    np.testing.assert_allclose(undone_reals(state, real), format.dequantize(x), atol=1e-9)


@given(states(), st.integers(0, 100))
def test_averages_move_as_those_of_the_float_reference(state: State, seed: int) -> None:
    format, x = state.plan.layers[0].input, rows(state, 1, seed)[0]
    mean, variance = moved_averages(format.dequantize(x), *averages(state))
    state.mean[:], state.variance[:] = moved(OPS, state, x)
    got_mean, got_variance = averages(state)
    assert np.abs(got_mean - mean).max() <= 0.5 * 2.0 ** -mean_format(format).frac
    # The deviation has 12 fractional bits, which matters only for inputs with more.
    assert np.abs(got_variance - variance).max() <= 2.0**-VARIANCE.frac


def test_averages_find_the_mean_and_the_variance_of_inputs_that_drifted() -> None:
    plan = make_plan((3, 2), input_format=QFormat(8, 4), running_normalization=True)
    state, rng = State(plan), np.random.default_rng(0)
    mean, deviation = np.array([2.0, -1.0, 0.0]), np.array([0.5, 2.0, 1.0])
    x = plan.layers[0].input.quantize(rng.normal(mean, deviation, (3000, 3)))
    for row in x:
        state.mean[:], state.variance[:] = moved(OPS, state, row)
    found_mean, found_variance = averages(state)
    np.testing.assert_allclose(found_mean, mean, atol=0.4)
    np.testing.assert_allclose(np.sqrt(found_variance), deviation, rtol=0.25)
    out = plan.layers[0].input.dequantize(normalized(OPS, state, x[-1000:]))
    np.testing.assert_allclose(out.std(axis=0), 1, atol=0.3)


@given(states(), st.integers(0, 100))
def test_a_new_state_does_not_change_inputs(state: State, seed: int) -> None:
    x = rows(state, 5, seed)
    np.testing.assert_array_equal(normalized(OPS, State(state.plan), x), x)


PLAN = make_plan(
    (4, 5, 3),
    input_format=QFormat(8, 4),
    replay=Replay(2, 1, FIFO),
    running_normalization=True,
)


def learned(plan: Plan, count: int = 9) -> tuple[FixedTrainer, np.ndarray]:
    top = 2 ** (plan.formats.weight_bits - 4)
    state = State(plan, np.random.default_rng(1).integers(-top, top, plan.parameter_count))
    trainer, x = FixedTrainer(state), rows(state, count + 1)
    for number, row in enumerate(x[:-1]):
        trainer.learn_one(row, number % 3)
    return trainer, x[-1]


def test_a_sample_is_learned_and_stored_as_the_averages_before_it_normalize_it() -> None:
    trainer, x = learned(PLAN)
    expected = trainer.normalized(x[None])
    assert (expected != x).any()
    plain = State(replace(PLAN, running_normalization=False), trainer.state.parameters)
    decisions = trainer.infer(x[None])
    np.testing.assert_array_equal(decisions, FixedTrainer(plain).infer(expected))

    trainer.learn_one(x, 0)
    stored = trainer.state.replay.samples[0]
    assert (stored == expected).all(axis=1).any()
    assert (trainer.normalized(x[None]) != expected).any() or trainer.state.mean.any()


def test_inference_and_stored_samples_do_not_move_the_averages() -> None:
    trainer, x = learned(PLAN)
    mean, variance = trainer.state.mean.copy(), trainer.state.variance.copy()
    trainer.infer(x[None])
    drawn = trainer.state.replay.draw()
    assert drawn is not None
    trainer.learn_batch(drawn[0][None], np.array([drawn[1]]))
    np.testing.assert_array_equal(trainer.state.mean, mean)
    np.testing.assert_array_equal(trainer.state.variance, variance)
    trainer.learn_one(x, 0)
    assert (trainer.state.mean != mean).any()


def test_a_device_starts_with_the_averages_of_its_model() -> None:
    state = learned(PLAN)[0].state
    for again in (state.copy(), state.flashed(), state.learned()):
        np.testing.assert_array_equal(again.mean, state.mean)
        np.testing.assert_array_equal(again.variance, state.variance)
    assert State.from_bytes(PLAN, state.to_bytes()).to_bytes() == state.to_bytes()


@settings(max_examples=30)
@given(st.integers(-(2**31), 2**31 - 1), st.integers(-(2**15), 2**15 - 1))
def test_values_stay_in_their_intervals_with_damaged_averages(mean: int, variance: int) -> None:
    plan = make_plan((2, 2), precision="w32a16", running_normalization=True)
    state = State(plan)
    state.mean[:], state.variance[:] = mean, variance
    trainer = FixedTrainer(state)  # the trainer checks every proven interval
    for row in rows(state, 3):
        trainer.learn_one(row, 0)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"rule": "published", "batch": 2, "steps": 2}, "rule published has no running norm"),
        ({"batch": 2}, "running averages move with single samples; leave the batch at 1"),
    ],
)
def test_a_plan_without_single_samples_has_no_running_averages(options, sentence) -> None:
    with pytest.raises(InputError, match=sentence):
        make_plan((3, 2), running_normalization=True, **options)
