"""A stream is learned as a device learns it, and each row is tested before it is learned."""

from __future__ import annotations

import numpy as np
import pytest

from ska_edge.network.engine.prequential import Prequential, prequential
from ska_edge.network.state import State
from ska_edge.network.trainer import FixedTrainer
from ska_edge.plan.plan import Plan
from ska_edge.plan.replay import FIFO, Replay
from ska_edge.plan.resolve import make_plan

PLANS = {
    "plain": make_plan((4, 5, 3), rate=0.25),
    "fifo": make_plan((4, 5, 3), rate=0.25, replay=Replay(2, 1, FIFO)),
}


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_rows_are_learned_in_order_after_they_are_tested(plan: Plan) -> None:
    random = np.random.default_rng(1)
    state = State(plan, random.integers(-9000, 9000, plan.parameter_count), step=7)
    rows, labels = random.integers(-128, 128, (60, 4)), random.integers(0, 3, 60)
    before = state.to_bytes()
    found, after = prequential(state, rows, labels, 10)
    assert state.to_bytes() == before

    trainer = FixedTrainer(state.flashed())
    for row, label, right in zip(rows, labels.tolist(), found.right, strict=True):
        assert (trainer.learn_one(row, label).argmax() == label) == right
    assert after.to_bytes() == trainer.state.to_bytes()
    unchanged = FixedTrainer(state).infer(rows).argmax(axis=1) == labels
    np.testing.assert_array_equal(found.unchanged, unchanged)
    assert (found.right != found.unchanged).any()


@pytest.mark.parametrize(("rows", "parts"), [(1, 1), (39, 1), (40, 2), (205, 10), (5000, 10)])
def test_the_parts_are_the_whole_stream(rows: int, parts: int) -> None:
    right = np.random.default_rng(rows).random(rows) < 0.7
    found = Prequential(100, right, ~right)
    ends = [(part.first, part.last) for part in found.parts]
    assert len(ends) == parts
    assert [first for first, _ in ends] == [101, *(last + 1 for _, last in ends[:-1])]
    assert ends[-1][1] == 100 + rows
    sums = sum(part.accuracy * (part.last - part.first + 1) for part in found.parts)
    assert sums == pytest.approx(right.sum())
    assert found.whole.accuracy + found.whole.unchanged == pytest.approx(1)
