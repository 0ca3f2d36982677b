"""A regression learns by the same rule, with linear outputs and targets."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ska_edge.arithmetic.fixedpoint import QFormat
from ska_edge.errors import InputError
from ska_edge.model.quantization import dequantize_state, quantize_state
from ska_edge.network.engine import float_trainer_for, trainer_for
from ska_edge.network.engine.choice import VARIABLE
from ska_edge.network.margin import skipped
from ska_edge.network.state import State
from ska_edge.network.trainer import FixedTrainer
from ska_edge.network.twin import tensors_of, twin
from ska_edge.plan.check import plan_from_json
from ska_edge.plan.plan import Plan
from ska_edge.plan.precision import PRECISIONS
from ska_edge.plan.replay import Replay
from ska_edge.plan.resolve import make_plan
from ska_edge.rules.reference import Parameters, initial_parameters

RULES = ("local", "feedback")
VALUES = QFormat(16, 13)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Small plans of a regression, of every rule and precision that can have one."""
    sizes = draw(st.lists(st.integers(1, 6), min_size=2, max_size=4))
    return make_plan(
        sizes,
        rule=draw(st.sampled_from(RULES)),
        precision=draw(st.sampled_from(tuple(PRECISIONS))),
        rate=draw(st.sampled_from([0.9, 0.125, 2.0**-9])),
        output=QFormat(16, draw(st.integers(0, 15))),
        output_only=draw(st.booleans()),
        margin=draw(st.sampled_from([0.0, 0.1])),
        batch=draw(st.sampled_from([1, 1, 3])),
        seed=draw(st.integers(0, 2**32 - 1)),
    )


def data(plan: Plan, rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return random inputs and targets; some of them are at a limit of their format."""
    rng, format, output = np.random.default_rng(seed), plan.layers[0].input, plan.output
    assert output is not None
    x = rng.integers(format.minimum, format.maximum + 1, (rows, plan.inputs))
    y = rng.integers(output.minimum, output.maximum + 1, (rows, plan.classes))
    chosen = rng.random(y.shape) < 0.3
    y[chosen] = rng.choice([output.minimum, -1, 0, output.maximum], chosen.sum())
    x[rng.random(x.shape) < 0.1] = rng.choice([format.minimum, format.maximum])
    return x, y


@settings(max_examples=150, deadline=None)
@given(plans(), st.integers(0, 2**32 - 1))
def test_every_value_stays_in_its_proven_interval(plan: Plan, seed: int) -> None:
    rng, top = np.random.default_rng(seed), 2 ** (plan.formats.weight_bits - 1)
    state = State(plan, rng.integers(-top, top, plan.parameter_count))
    x, y = data(plan, 2 * plan.batch, seed)
    trainer = FixedTrainer(state, check=True)
    for decisions in trainer.learn_many(x, y):
        assert decisions.shape == (plan.batch, plan.classes)
    trainer.metrics()
    assert plan_from_json(plan.to_json()) == plan


def start(plan: Plan) -> Parameters:
    """Return initial parameters; those of the readouts and of the output are small, not 0."""
    parameters = initial_parameters(plan.sizes, plan.rule, 3)
    rng = np.random.default_rng(4)
    for values in (parameters.weights[-1], *parameters.readout_weights):
        values += rng.normal(0, 0.3, values.shape)
    return parameters


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("sizes", [(5, 2), (5, 12, 1), (5, 12, 9, 7, 2)])
@pytest.mark.parametrize("batch", [1, 3])
def test_the_integers_follow_the_reference(rule: str, sizes: tuple[int, ...], batch: int) -> None:
    plan = make_plan(
        sizes, rule=rule, precision="w32a16", rate=0.25, output=QFormat(16, 14), batch=batch,
        input_format=QFormat(16, 13),
    )  # fmt: skip
    parameters = start(plan)
    fixed = FixedTrainer(quantize_state(plan, tensors_of(parameters)))
    reference = twin(plan, parameters.copy(), 0.25)
    rng = np.random.default_rng(0)
    for _ in range(60):
        x = rng.normal(0, 1, (batch, sizes[0]))
        y = np.clip(x[:, : sizes[-1]] * 0.2 - 0.1, -0.5, 0.5)  # no shift saturates
        integers = plan.layers[0].input.quantize(x)
        values = fixed.learn_batch(integers, QFormat(16, 14).quantize(y))
        expected = reference.learn_batch(plan.layers[0].input.dequantize(integers), y)
        np.testing.assert_allclose(QFormat(16, 14).dequantize(values), expected, atol=0.03)
    learned = tensors_of(reference.parameters)
    for place, found in dequantize_state(fixed.state).items():
        np.testing.assert_allclose(found, learned[place], atol=0.02)
        assert np.abs(learned[place] - tensors_of(parameters)[place]).max() > 0.001


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("batch", [1, 4])
def test_the_float_trainer_follows_the_reference(rule: str, batch: int) -> None:
    plan = make_plan((6, 9, 8, 3), rule=rule, output=VALUES, batch=batch, margin=0.05)
    parameters = start(plan)
    one, other = parameters.copy(), parameters.copy()
    rng = np.random.default_rng(1)
    x, y = rng.normal(0, 1, (40, 6)), rng.normal(0, 1.5, (40, 3))  # some errors are limited
    trainer = float_trainer_for(plan, one, 0.25)
    trainer.learn_many(x, y, np.arange(40), batch)
    reference = twin(plan, other, 0.25)
    for first in range(0, 40, batch):
        reference.learn_batch(x[first : first + batch], y[first : first + batch])
    for place, values in tensors_of(one).items():
        np.testing.assert_allclose(values, tensors_of(other)[place], atol=1e-12)
    np.testing.assert_allclose(trainer.knowledge(x)[-1], reference.infer(x), atol=1e-12)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("margin", [0.0, 0.2])
def test_the_engine_has_the_bits_of_numpy(
    rule: str, margin: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = make_plan((5, 7, 6, 2), rule=rule, output=VALUES, rate=0.5, margin=margin)
    rng = np.random.default_rng(2)
    state = State(plan, rng.integers(-(2**12), 2**12, plan.parameter_count))
    x, y = data(plan, 400, 3)
    monkeypatch.setenv(VARIABLE, "native")
    engine = trainer_for(state.copy(), learn=400)
    numpy = FixedTrainer(state.copy())
    found = np.concatenate([piece.decisions for piece in engine.learn_stream(x, y)])
    expected = np.concatenate([piece.decisions for piece in numpy.learn_stream(x, y)])
    np.testing.assert_array_equal(found, expected)
    assert engine.state.to_bytes() == numpy.state.to_bytes() != state.to_bytes()
    assert engine.metrics() == numpy.metrics()
    for ours, theirs in zip(engine.forward(x), numpy.forward(x), strict=True):
        np.testing.assert_array_equal(ours.decision, theirs.decision)
        np.testing.assert_array_equal(ours.activation, theirs.activation)
    assert (margin > 0) == (skipped(plan, expected, y) > 0)


def test_an_error_beyond_the_shift_is_limited() -> None:
    plan = make_plan((1, 1), output=VALUES)
    trainer = FixedTrainer(State(plan))
    trainer.learn_one(np.array([127]), np.array([VALUES.maximum]))  # an error of almost 4
    (shift,) = trainer.last_shifts()
    assert shift.tolist() == [[plan.formats.shift.maximum]]


def test_a_plan_without_a_regression_keeps_its_digest() -> None:
    plan = make_plan((4, 3, 2))
    assert "output" not in plan.to_json()
    assert make_plan((4, 3, 2), output=VALUES).digest != plan.digest


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"rule": "code"}, "rule code learns no numbers; a regression needs rule local or"),
        ({"rule": "published"}, "rule published learns no numbers"),
        ({"replay": Replay(2, 1)}, "a replay buffer stores samples of each class, and a"),
        ({"output": QFormat(8, 4)}, "the outputs have 8 bits with 4 of fraction"),
        ({"labels": ("a", "a")}, "two targets have the same label, 'a'"),
    ],
)
def test_a_plan_that_needs_classes_is_refused(options: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        make_plan((4, 3, 2), **{"output": VALUES, **options})  # type: ignore[arg-type]
