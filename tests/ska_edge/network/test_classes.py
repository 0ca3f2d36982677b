"""A spare output is silent and learns nothing until it gets a name; then it is a class."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ska_edge.errors import InputError
from ska_edge.network.state import State
from ska_edge.network.trainer import FixedTrainer
from ska_edge.plan.plan import Plan
from ska_edge.plan.replay import Replay
from ska_edge.plan.resolve import make_plan
from ska_edge.plan.spare import NAME_BYTES
from ska_edge.wire import protocol

RULES = ("local", "feedback", "code")
PLAN = make_plan((4, 6, 5), spares=2, replay=Replay(2, 1))


def start(plan: Plan, seed: int = 0) -> State:
    """Return a state of random weights; those of the spare outputs are 0, as before a training."""
    rng = np.random.default_rng(seed)
    state = State(plan, rng.integers(-4000, 4000, plan.parameter_count))
    for tensor in plan.tensors():
        if tensor.layer == plan.hidden or tensor.name.startswith("readout"):
            state.tensor(tensor.layer, tensor.name)[plan.named :] = 0
    return state


def learn(state: State, rows: int, seed: int = 1) -> None:
    rng, trainer = np.random.default_rng(seed), FixedTrainer(state)
    for _ in range(rows):
        x = rng.integers(-128, 128, state.plan.inputs)
        trainer.learn_one(x, int(rng.choice(np.flatnonzero(state.used))))


@pytest.mark.parametrize("hidden", [(), (6,), (6, 5)])
@pytest.mark.parametrize("rule", RULES)
def test_unused_outputs_do_not_change_the_other_integers(
    rule: str, hidden: tuple[int, ...]
) -> None:
    """With 5 to 7 outputs, all formats and the gain are the same."""
    spare = start(make_plan((4, *hidden, 7), rule=rule, spares=2))
    plain = State(make_plan((4, *hidden, 5), rule=rule))
    for layer, name in plain.places:
        tensor = plain.tensor(layer, name)
        tensor[...] = spare.tensor(layer, name)[: len(tensor)]
    assert plain.plan.gain == spare.plan.gain
    assert plain.plan.formats == spare.plan.formats
    learn(spare, 20)
    learn(plain, 20)
    for layer, name in plain.places:
        tensor, wide = plain.tensor(layer, name), spare.tensor(layer, name)
        assert np.array_equal(tensor, wide[: len(tensor)])
        assert not wide[len(tensor) :].any()


def test_an_unused_output_decides_0_whatever_its_weights_are() -> None:
    state = start(PLAN)
    state.tensor(1, "bias")[3:] = 32767
    x = np.random.default_rng(0).integers(-128, 128, (20, 4))
    decisions = FixedTrainer(state).infer(x)
    assert not decisions[:, 3:].any()
    assert state.add_class("wave") == 3
    again = FixedTrainer(state).infer(x)
    assert again[:, 3].all()
    assert np.array_equal(again[:, [0, 1, 2, 4]], decisions[:, [0, 1, 2, 4]])


@given(learned=st.integers(0, 9), seed=st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_a_forgotten_class_leaves_no_trace(learned: int, seed: int) -> None:
    state = start(PLAN, seed)
    state.add_class("wave")
    state.add_class("clap")
    learn(state, learned, seed)
    state.forget_class(3)
    assert state.labels == ("0", "1", "2", "(spare 1)", "clap")
    assert state.used.tolist() == [True, True, True, False, True]
    assert not state.tensor(1, "weight")[3].any()
    assert not state.replay.samples[3].any()
    assert state.replay.held[3] == 0
    assert State.from_bytes(PLAN, state.to_bytes()).crc == state.crc
    assert state.add_class("fist") == 3


def test_a_name_is_added_once() -> None:
    state = State(PLAN)
    assert [state.add_class(name) for name in ("wave", "wave", "clap", "wave")] == [3, 3, 4, 3]
    with pytest.raises(InputError, match="'fist' is new, but the model has used its 2 spare"):
        state.add_class("fist")
    with pytest.raises(InputError, match="has the class '1' already"):
        state.add_class("1")
    for label in (-1, 2, 5):
        with pytest.raises(InputError, match="is not an added class"):
            state.forget_class(label)


@pytest.mark.parametrize("name", ["", " wave", "wave\n", "a" * (NAME_BYTES + 1), "ä" * 9])
def test_a_name_that_no_device_can_keep_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="the class name"):
        State(PLAN).add_class(name)


def test_a_name_of_exactly_the_bytes_of_a_device() -> None:
    state = State(PLAN)
    for name in ("ä" * (NAME_BYTES // 2), "b" * NAME_BYTES):
        label = state.add_class(name)
        assert state.labels[label] == name
    assert State.from_bytes(PLAN, state.to_bytes()).labels == state.labels
    assert protocol.NAME_BYTES == NAME_BYTES


def test_the_label_of_an_unused_output_is_refused() -> None:
    state = State(PLAN)
    with pytest.raises(InputError, match="output 3 is a spare output"):
        FixedTrainer(state).learn_one(np.zeros(4, dtype=np.int64), 3)
    assert state.samples == 0


def test_bytes_with_the_same_name_twice_are_refused() -> None:
    state = State(PLAN)
    state.names[:] = ord("a")
    with pytest.raises(InputError, match="two classes have the same name"):
        State.from_bytes(PLAN, state.to_bytes())


def test_a_flashed_state_has_stored_samples_and_classes() -> None:
    state = start(PLAN)
    state.add_class("wave")
    learn(state, 30)
    assert state.replay.held.tolist() == [2, 2, 2, 2, 0]
    for prefill, expected in ((0, [0] * 5), (1, [1, 1, 1, 1, 0]), (2, [2, 2, 2, 2, 0])):
        flashed = state.flashed(prefill)
        assert flashed.labels == state.labels
        assert (flashed.step, flashed.samples, flashed.replay.drawn) == (0, 0, 0)
        assert flashed.replay.seen.tolist() == expected
        kept = flashed.replay.samples[:, :prefill]
        assert np.array_equal(kept, state.replay.samples[:, :prefill])
    assert [each.crc for each in state.starts()] == [state.flashed(n).crc for n in range(3)]
