"""The native engine gives numpy's bits, with every rule, precision and method."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ska_edge.errors import InputError
from ska_edge.network.engine import Trainer, narrow, trainer_for
from ska_edge.network.engine.native import NativeTrainer
from ska_edge.network.margin import skipped
from ska_edge.network.state import State
from ska_edge.network.trainer import FixedTrainer
from ska_edge.plan.plan import Plan
from ska_edge.plan.resolve import make_plan
from tests.proof.plans import PLANS
from tests.random_states import learned_states

pytestmark = pytest.mark.usefixtures("native")
ROWS = 50  # more rows than the engine's `Referee` compares


def start(plan: Plan, seed: int = 0) -> State:
    """Return a state in which every spare output is a class.

    Its random weights take a quarter of their format's range, so that few neurons saturate.
    """
    top = 2 ** (plan.formats.weight_bits - 3)
    state = State(plan, np.random.default_rng(seed).integers(-top, top, plan.parameter_count))
    for number in range(plan.spares):
        state.add_class(f"class {number}")
    return state


def rows(plan: Plan, count: int = ROWS, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Return random inputs with their labels, or with the targets of a regression."""
    rng, format = np.random.default_rng(seed), plan.layers[0].input
    x = rng.integers(format.minimum, format.maximum + 1, (count, plan.inputs))
    if plan.output is not None:
        ends = (plan.output.minimum, plan.output.maximum + 1)
        return x, rng.integers(*ends, (count, plan.classes))
    return x, rng.integers(plan.classes, size=count)


def pair(state: State) -> tuple[Trainer, FixedTrainer]:
    engine = trainer_for(state.copy())
    assert isinstance(engine, NativeTrainer)
    return engine, FixedTrainer(state.copy())


def joined(learned: Iterator[Any]) -> tuple[np.ndarray, np.ndarray]:
    pieces = [*learned]
    return (
        np.concatenate([piece.decisions for piece in pieces]),
        np.concatenate([piece.steps for piece in pieces]),
    )


def assert_same(engine: Trainer, numpy: FixedTrainer) -> None:
    """Check that states and last updates are equal."""
    assert engine.state.to_bytes() == numpy.state.to_bytes()
    assert (engine.state.step, engine.state.samples) == (numpy.state.step, numpy.state.samples)
    for ours, theirs in zip(engine.last_shifts(), numpy.last_shifts(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    if numpy.last_shifts() and not numpy.state.held:
        assert engine.metrics() == numpy.metrics()


def assert_same_forward(engine: Trainer, numpy: FixedTrainer, x: np.ndarray) -> None:
    np.testing.assert_array_equal(engine.infer(x), numpy.infer(x))
    for ours, theirs in zip(engine.forward(x), numpy.forward(x), strict=True):
        for name in ("knowledge", "decision", "activation"):
            assert getattr(ours, name).dtype == np.int64
            np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))


def check_stream(state: State, seed: int) -> None:
    """Learn rows with both trainers, in the order of a device, and compare everything."""
    engine, numpy = pair(state)
    x, y = rows(state.plan, seed=seed)
    if not state.plan.regression:
        y = np.flatnonzero(state.used)[y % state.used.sum()]
    ours, theirs = joined(engine.learn_stream(x, y)), joined(numpy.learn_stream(x, y))
    np.testing.assert_array_equal(ours[0], theirs[0])
    np.testing.assert_array_equal(ours[1], theirs[1])
    assert_same(engine, numpy)
    assert_same_forward(engine, numpy, x)
    assert_same(engine, numpy)  # inference changes nothing


@pytest.mark.parametrize("name", PLANS)
def test_every_rule_and_precision(name: str) -> None:
    check_stream(start(PLANS[name]), seed=3)


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(learned_states(), st.integers(0, 2**32 - 1))
def test_random_plans_and_states(state: State, seed: int) -> None:
    check_stream(state, seed)


@pytest.mark.parametrize("name", ["local", "feedback", "code"])
def test_a_training_with_labels(name: str) -> None:
    plan = PLANS[name]
    engine, numpy = pair(start(plan))
    for epoch in range(3):
        x, y = rows(plan, seed=epoch)
        for trainer in (engine, numpy):
            trainer.state.halve_rate(epoch)
        ours = np.concatenate([*engine.learn_many(narrow(plan, x), y)])
        np.testing.assert_array_equal(ours, np.concatenate([*numpy.learn_many(x, y)]))
        assert_same(engine, numpy)


@pytest.mark.parametrize("name", ["local", "feedback", "code"])
@pytest.mark.parametrize("margin", [0.2, 0.45])
def test_a_margin_gives_the_same_bits(name: str, margin: float) -> None:
    engine, numpy = pair(start(PLANS[name].with_margin(margin)))
    x, y = rows(engine.plan, 60)
    for _ in range(100):  # makes most errors of these rows small
        [*numpy.learn_stream(x[:5], y[:5])]
    engine.state = numpy.state.copy()
    within = []
    for row, label in zip(x[:10], y[:10].tolist(), strict=True):
        decisions = engine.learn_one(row, label)
        np.testing.assert_array_equal(decisions, numpy.learn_one(row, label))
        within.append(skipped(engine.plan, decisions[None], np.array([label])))
        assert_same(engine, numpy)
    assert 0 < sum(within) < len(within)
    np.testing.assert_array_equal(
        joined(engine.learn_stream(x, y))[0], joined(numpy.learn_stream(x, y))[0]
    )
    assert_same(engine, numpy)


def test_the_engine_uses_weights_that_the_caller_changed() -> None:
    engine, numpy = pair(start(PLANS["local"]))
    x, y = rows(PLANS["local"])
    for trainer in (engine, numpy):
        trainer.learn_one(x[0], int(y[0]))
        trainer.state.tensor(0, "weight")[:] = 7
        trainer.learn_one(x[1], int(y[1]))
    assert_same(engine, numpy)


def test_counters_of_the_host_do_not_wrap() -> None:
    plan = make_plan((3, 2))
    state = start(plan)
    state.step = state.samples = 2**32 - 2
    engine, x, y = trainer_for(state), *rows(plan, 40)
    _, steps = joined(engine.learn_stream(x, y))
    assert steps.tolist() == list(range(2**32 - 1, 2**32 + 39))
    assert (state.step, state.samples) == (2**32 + 38, 2**32 + 38)
    assert engine.metrics()[0]["z_square"] > 0


def test_several_engines_learn_at_the_same_time() -> None:
    plan = make_plan((30, 20, 4))
    x, y = rows(plan, 3000)

    def learn(seed: int) -> bytes:
        engine = trainer_for(start(plan, seed))
        for _ in engine.learn_many(x, y):
            pass
        return engine.state.to_bytes()

    with ThreadPoolExecutor(3) as pool:
        together = [*pool.map(learn, range(3))]
    assert together == [learn(seed) for seed in range(3)]
    assert len(set(together)) == 3


def test_rows_that_cannot_be_learned_are_refused() -> None:
    plan = make_plan((3, 2))
    engine = trainer_for(start(plan))
    x, y = rows(plan)
    for bad_x, bad_y, why in [
        (x[:, :2], y, r"inputs of shape \(50, 2\) for a plan of 3"),
        (x + 100, y, "an input exceeds Q"),
        (x, y + 1, "a label is none of 2 classes"),
        (x, y[1:], "49 labels for 50 rows"),
    ]:
        with pytest.raises(InputError, match=why):
            next(engine.learn_stream(bad_x, bad_y))
    with pytest.raises(InputError, match="no metrics before the first update"):
        engine.metrics()
    assert engine.last_shifts() == []
    assert engine.state.to_bytes() == start(plan).to_bytes()
    assert [*engine.learn_stream(x[:0], y[:0])] == []
    assert engine.infer(x[:0]).shape == (0, 2)


def test_numpy_learns_mini_batches() -> None:
    assert isinstance(trainer_for(start(make_plan((3, 2), batch=4))), FixedTrainer)


def test_a_call_is_short_so_that_ctrl_c_and_progress_get_their_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plan = make_plan((30, 20, 4))
    monkeypatch.setattr("ska_edge.network.engine.native.PIECE", plan.parameter_count * 100)
    engine = trainer_for(start(plan))
    pieces = [len(piece) for piece in engine.learn_many(*rows(plan, 1000))]
    assert sum(pieces) == 1000
    assert pieces[32:] == [100] * 9 + [68]
