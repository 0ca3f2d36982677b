"""The bytes of a state lose nothing, and the bytes of an impossible state are refused."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ska_edge.errors import InputError
from ska_edge.network.state import State
from ska_edge.network.trainer import FixedTrainer
from ska_edge.plan.plan import Plan
from ska_edge.plan.replay import Replay
from ska_edge.plan.resolve import make_plan
from tests.random_states import learned_states


def continued(state: State) -> bytes:
    """Learn two more samples with a copy; return its bytes."""
    trainer = FixedTrainer(state.copy())
    for label in (0, int(np.flatnonzero(state.used)[-1])):
        trainer.learn_one(np.full(state.plan.inputs, 3 - 5 * label), label)
    return trainer.state.to_bytes()


@given(learned_states())
def test_a_state_restored_from_its_bytes_learns_the_same_bits(state: State) -> None:
    data = state.to_bytes()
    found = State.from_bytes(state.plan, data)
    assert len(data) == state.plan.state_bytes
    assert found.to_bytes() == data
    assert found.crc == state.crc == zlib.crc32(data)
    assert (found.step, found.samples, found.held) == (state.step, state.samples, state.held)
    assert (found.halvings, found.replay.drawn) == (state.halvings, state.replay.drawn)
    np.testing.assert_array_equal(found.parameters, state.parameters)
    np.testing.assert_array_equal(found.replay.seen, state.replay.seen)
    np.testing.assert_array_equal(found.replay.samples, state.replay.samples)
    np.testing.assert_array_equal(found.batch, state.batch)
    assert continued(found) == continued(state)


@given(learned_states(), st.data())
def test_no_two_states_have_the_same_bytes(state: State, data: st.DataObject) -> None:
    """A flipped bit is refused or gives another state."""
    raw = bytearray(state.to_bytes())
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        found = State.from_bytes(state.plan, bytes(raw))
    except InputError:
        return
    assert found.to_bytes() == bytes(raw)
    assert found.crc != state.crc


@given(learned_states())
def test_a_copy_is_independent(state: State) -> None:
    before = state.to_bytes()
    copied = state.copy()
    copied.parameters[:] = 0
    copied.replay.seen[:] = 1
    copied.batch[:] = 1
    copied.samples += 1
    assert state.to_bytes() == before


@given(learned_states())
def test_a_copy_counts_more_samples_than_a_device_can(state: State) -> None:
    state.step = state.samples = 2**32 + 5
    copied = state.copy()
    assert (copied.step, copied.samples) == (state.step, state.samples)


@given(learned_states())
def test_a_flashed_state_has_only_parameters_classes_and_averages(state: State) -> None:
    flashed, fresh = state.flashed(), State(state.plan, state.parameters)
    fresh.names[:] = state.names
    fresh.mean[:], fresh.variance[:] = state.mean, state.variance
    assert flashed.to_bytes() == fresh.to_bytes()
    assert (flashed.step, flashed.samples, flashed.held, flashed.halvings) == (0, 0, 0, 0)
    assert state.learned().step == state.step


def bytes_with(plan: Plan, name: str, value: int) -> bytes:
    """Return the bytes of an empty state with the first element of one field set to a value."""
    raw, place = bytearray(State(plan).to_bytes()), 0
    for field in plan.state_fields():
        if field.name == name:
            element = np.array([value]).astype(field.kind).tobytes()
            raw[place : place + len(element)] = element
        place += field.size
    return bytes(raw)


HELD = make_plan((3, 2), rule="published", batch=4, steps=2)
KEPT = make_plan((3, 2), replay=Replay(2, 1))


@pytest.mark.parametrize(
    ("plan", "name", "most"),
    [
        (HELD, "held", 3),
        (KEPT, "rate_halvings", KEPT.rate_halvings_max),
        (KEPT, "seen", 65534),
    ],
)
def test_a_counter_that_no_device_can_have_is_refused(plan: Plan, name: str, most: int) -> None:
    assert State.from_bytes(plan, bytes_with(plan, name, most)).crc != State(plan).crc
    with pytest.raises(InputError, match="out of range"):
        State.from_bytes(plan, bytes_with(plan, name, most + 1))


@pytest.mark.parametrize("length", [0, KEPT.state_bytes - 1, KEPT.state_bytes + 1])
def test_bytes_of_another_length_are_refused(length: int) -> None:
    with pytest.raises(InputError, match=f"{length} bytes of state, but the plan has"):
        State.from_bytes(KEPT, bytes(length))


def test_parameters_outside_their_format_are_refused() -> None:
    plan = make_plan((3, 2))
    with pytest.raises(InputError, match="layer 0: a weight exceeds"):
        State(plan, np.full(plan.parameter_count, 1 << 15))
    with pytest.raises(InputError, match="3 parameters, but the plan has 8"):
        State(plan, np.zeros(3, dtype=np.int64))


def test_the_number_of_halvings_is_limited() -> None:
    state = State(KEPT)
    state.halve_rate(1)
    assert state.rate.real == KEPT.rate.real / 2
    for times in (-1, KEPT.rate_halvings_max + 1):
        with pytest.raises(InputError, match="can be halved at most"):
            state.halve_rate(times)
    assert state.halvings == 1


def test_counters_wrap_as_those_of_a_device() -> None:
    state = State(KEPT)
    state.step, state.samples = 2**32 + 3, 2**32 + 1
    found = State.from_bytes(KEPT, state.to_bytes())
    assert (found.step, found.samples) == (3, 1)
