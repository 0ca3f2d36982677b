"""The native engine computes numpy's bits while classes are added and forgotten."""

from __future__ import annotations

import numpy as np
import pytest

from ska_edge.errors import InputError
from ska_edge.network.engine.choice import trainer_for
from ska_edge.network.engine.native import NativeTrainer
from ska_edge.network.state import State
from ska_edge.network.trainer import FixedTrainer
from ska_edge.plan.replay import FIFO, Replay
from ska_edge.plan.resolve import make_plan


def test_the_engine_computes_the_same_bits(native: None) -> None:
    plan = make_plan((4, 6, 5, 5), spares=2, replay=Replay(2, 1, FIFO), margin=0.02)
    weights = np.random.default_rng(0).integers(-4000, 4000, plan.parameter_count)
    numpy, engine = State(plan, weights), State(plan, weights)
    trainer = trainer_for(engine, learn=10**9)
    assert isinstance(trainer, NativeTrainer)
    rng = np.random.default_rng(3)
    for change in ("", "add", "add", "forget"):
        for state in (numpy, engine):
            if change == "add":
                state.add_class(f"class {state.used.sum()}")
            elif change == "forget":
                state.forget_class(3)
        x = rng.integers(-128, 128, (40, 4))
        labels = rng.choice(np.flatnonzero(numpy.used), 40)
        for row, label in zip(x, labels, strict=True):
            FixedTrainer(numpy).learn_one(row, int(label))
        for _ in trainer.learn_stream(x, labels):
            pass
        assert engine.to_bytes() == numpy.to_bytes()
    with pytest.raises(InputError, match="spare output"):
        list(trainer.learn_stream(x[:1], np.array([3])))
