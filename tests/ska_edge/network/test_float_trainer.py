"""The float trainer computes what the reference computes, with sums in a fixed order."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ska_edge.network.float_trainer import (
    LN2_HIGH,
    LN2_LOW,
    FloatRule,
    FloatTrainer,
    in_order,
    products,
    sigmoid,
)
from ska_edge.rules.reference import Reference
from tests.float_trainings import FloatTraining, float_trainings


@settings(max_examples=150, deadline=None)
@given(float_trainings())
def test_a_training_is_that_of_the_reference(training: FloatTraining) -> None:
    found, expected = training.parameters.copy(), training.parameters.copy()
    trainer = FloatTrainer(found, training.rule, training.rate)
    reference = Reference(
        expected,
        training.rule.rule,
        training.rate,
        codes=training.rule.codes,
        gain=training.rule.gain,
        first_learned=training.rule.first_learned,
        margin=training.rule.margin,
        hidden_rate=training.rule.hidden_rate,
        relu=training.rule.relu,
        normalized=training.rule.normalized,
    )
    trainer.learn_many(training.x, training.labels, training.rows, training.batch)
    for rows in training.rows.reshape(-1, training.batch):
        reference.learn_batch(training.x[rows], training.labels[rows])
    pairs = zip(training.tensors(found), training.tensors(expected), strict=True)
    for ours, theirs in pairs:
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)
    for ours, theirs in zip(
        trainer.knowledge(training.x), reference.knowledge(training.x), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)


def test_layers_that_do_not_learn_keep_their_bits() -> None:
    rng = np.random.default_rng(0)
    training = FloatTraining.of(rng, FloatRule("local", [], 1.0, 2), (4, 5, 6, 3), 1, 20, 0.5)
    found = training.parameters.copy()
    FloatTrainer(found, training.rule, 0.5).learn_many(training.x, training.labels, training.rows)
    before, after = training.parameters, found
    for index in (0, 1):
        assert before.weights[index].tobytes() == after.weights[index].tobytes()
        assert before.biases[index].tobytes() == after.biases[index].tobytes()
    assert before.readout_weights[0].tobytes() == after.readout_weights[0].tobytes()
    assert before.weights[2].tobytes() != after.weights[2].tobytes()


# --- arithmetic -----------------------------------------------------------------------------------


REALS = st.floats(-1e6, 1e6)


@given(st.lists(st.tuples(REALS, REALS), min_size=1, max_size=300), st.integers(1, 3))
def test_sums_add_their_terms_in_order(terms: list[tuple[float, float]], columns: int) -> None:
    left = np.array([a for a, _ in terms])[:, None]
    right = np.array([[b] * columns for _, b in terms])
    total = 0.0
    for a, b in terms:
        total += a * b
    assert products(left, right).tolist() == [[total] * columns]
    assert in_order(left * right).tolist() == [total] * columns
    assert in_order((left * right)[:, :, None]).tolist() == [[total]] * columns


def test_a_large_matrix_is_computed_in_parts() -> None:
    rng = np.random.default_rng(0)
    left, right = rng.normal(size=(3, 5000)), rng.normal(size=(3, 200))
    assert np.array_equal(products(left, right)[4321], products(left[:, 4321:4322], right)[0])
    np.testing.assert_allclose(products(left, right), left.T @ right, rtol=1e-12, atol=1e-12)


@given(st.floats(-1e9, 1e9))
def test_a_sigmoid_is_exact_to_its_last_bits(z: float) -> None:
    (found,) = sigmoid(np.array([z]))
    expected = 1.0 / (1.0 + math.exp(-z)) if z > -700 else 0.0
    assert math.isclose(found, expected, rel_tol=4e-16, abs_tol=1e-300)


def test_the_two_parts_of_ln_2_add_up() -> None:
    mantissa, _ = math.frexp(LN2_HIGH)
    assert (mantissa * 2**33).is_integer()
    assert math.log(2.0) == LN2_HIGH + LN2_LOW
