"""The replay buffer keeps the right samples, returns them, and repairs streams sorted by class."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ska_edge.data.load import load
from ska_edge.errors import InputError
from ska_edge.network.replay_buffer import ReplayBuffer
from ska_edge.network.state import State
from ska_edge.network.trainer import FixedTrainer
from ska_edge.plan.plan import Plan
from ska_edge.plan.replay import BUFFERS, FIFO, MOST_SEEN, RESERVOIR, Replay
from ska_edge.plan.resolve import make_plan
from ska_edge.training.options import Options
from ska_edge.training.train import train


def a_plan(per_class: int, per_sample: int = 1, seed: int = 0) -> Plan:
    return make_plan((2, 3), replay=Replay(per_class, per_sample), seed=seed)


def test_an_empty_buffer_gives_nothing_and_draws_nothing() -> None:
    buffer = ReplayBuffer(a_plan(3), 2)
    assert buffer.draw() is None
    assert buffer.drawn == 0


def test_every_draw_is_a_sample_that_was_remembered_with_its_label() -> None:
    buffer = ReplayBuffer(a_plan(4), 2)
    rng = np.random.default_rng(0)
    known = set()
    for number in range(60):
        label = int(rng.integers(3))
        buffer.remember(np.array([number, label]), label)
        known.add((number, label))
        drawn = buffer.draw()
        assert drawn is not None
        assert (int(drawn[0][0]), drawn[1]) in known
        assert drawn[0][1] == drawn[1]
    assert buffer.held.tolist() == [4, 4, 4]


def test_early_and_late_samples_are_kept_as_likely() -> None:
    kept = np.zeros(40)
    for seed in range(400):
        buffer = ReplayBuffer(a_plan(10, seed=seed), 1)
        for number in range(40):
            buffer.remember(np.array([number]), 1)
        kept[buffer.samples[1, :, 0]] += 1
    assert kept.sum() == 4000
    assert np.abs(kept - 100).max() < 45  # five standard deviations of 400 draws with chance 1/4


def test_the_count_of_a_class_ends_where_draws_end() -> None:
    buffer = ReplayBuffer(a_plan(1), 1)
    buffer.seen[0] = MOST_SEEN
    buffer.remember(np.array([1]), 0)
    assert buffer.seen[0] == MOST_SEEN


def a_fifo(per_class: int, seed: int = 0) -> Plan:
    return make_plan((2, 3), replay=Replay(per_class, 1, FIFO), seed=seed)


@given(st.integers(1, 6), st.lists(st.integers(0, 2), max_size=60))
def test_a_fifo_keeps_the_last_samples_of_each_class_without_random_numbers(
    size: int, labels: list[int]
) -> None:
    buffer = ReplayBuffer(a_fifo(size), 1)
    for number, label in enumerate(labels):
        buffer.remember(np.array([number]), label)
    for label in range(3):
        last = [number for number, other in enumerate(labels) if other == label][-size:]
        assert sorted(buffer.samples[label, : buffer.held[label], 0]) == last
    assert buffer.drawn == 0
    assert buffer.seen.max() < 2 * size


def test_a_fifo_survives_the_bytes_of_a_device() -> None:
    state = State(a_fifo(3))
    for number in range(8):
        state.replay.remember(np.array([number, -number]), 1)
    again = State.from_bytes(state.plan, state.to_bytes())
    again.replay.remember(np.array([8, -8]), 1)
    assert sorted(again.replay.samples[1, :, 0]) == [6, 7, 8]
    again.replay.seen[0] = 6
    with pytest.raises(InputError, match="counter is out of range"):
        State.from_bytes(again.plan, again.to_bytes())


def test_a_fifo_forgets_what_has_changed() -> None:
    """After the labels changed places, a reservoir still teaches the old ones."""
    rng = np.random.default_rng(3)
    centers = rng.normal(0, 60, (3, 2))
    right = {}
    for kind in BUFFERS:
        plan = make_plan((2, 3), replay=Replay(5, 4, kind), rate=0.05)
        trainer, hits = FixedTrainer(State(plan)), 0
        for number in range(600):
            label = int(rng.integers(3))
            x = np.clip(np.round(centers[label] + rng.normal(0, 8, 2)), -128, 127).astype(np.int64)
            told = label if number < 400 else (label + 1) % 3
            hits += number >= 500 and int(trainer.infer(x[None])[0].argmax()) == told
            trainer.learn_one(x, told)
        right[kind] = hits
    assert right[FIFO] > right[RESERVOIR] + 10


def test_past_samples_are_learned_before_the_new_one() -> None:
    plan = a_plan(2, per_sample=3)
    trainer = FixedTrainer(State(plan))
    trainer.learn_one(np.array([50, -50]), 0)
    assert trainer.state.step == 1  # there is nothing to replay yet
    trainer.learn_one(np.array([-50, 50]), 1)
    assert trainer.state.step == 1 + 3 + 1
    assert trainer.state.replay.held.tolist() == [1, 1, 0]


def test_replay_repairs_a_stream_sorted_by_class() -> None:
    pytest.importorskip("sklearn")
    data = load("digits").take(np.arange(600))
    plain = Options(rule="feedback", hidden=(32,), epochs=1, stream_order="blocked")
    forgot = train(data, plain).accuracy
    kept = train(data, replace(plain, stored=5, relearned=4)).accuracy
    for arithmetic in ("fixed", "float"):
        before, after = forgot[arithmetic]["test"], kept[arithmetic]["test"]
        assert before is not None
        assert after is not None
        assert before < 0.4
        assert after > 0.75


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"replay": Replay(3, 0)}, "replay buffer needs two numbers"),
        ({"replay": Replay(3, 1), "batch": 2}, "sample by sample"),
        ({"replay": Replay(3, 256)}, "at most 255"),
        ({"replay": Replay(3, 1, "lifo")}, "'lifo' is no kind of replay buffer: reservoir or fifo"),
        ({"replay": Replay(3, 1), "rule": "published"}, "has no replay"),
    ],
)
def test_impossible_replay_buffers_are_refused(options: dict[str, object], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        make_plan((2, 3), **options)  # type: ignore[arg-type]
