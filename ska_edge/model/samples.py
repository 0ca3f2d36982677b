"""Fills the replay buffer of a model with spare classes, for the device that learns them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ska_edge.data.dataset import Dataset
from ska_edge.model.model_file import Model
from ska_edge.network.replay_buffer import ReplayBuffer
from ska_edge.network.state import State
from ska_edge.plan.replay import Replay

STREAM = 2  # number of a stream of random numbers; training uses the streams 0 and 1 of the seed


def with_samples(
    model: Model, replay: Replay, fit: Dataset, before: ReplayBuffer | None = None
) -> Model:
    """Return the model with a replay buffer that has random rows of every class.

    A model without spare classes, and one without a buffer, is returned as it is.

    Args:
        model: a trained model whose plan has no buffer.
        replay: the buffer's sizes and kind.
        fit: the rows that the model has learned; `y` has its outputs.
        before: a buffer of the same inputs; a class without rows gets its samples.
    """
    if not (model.plan.spares and replay.per_class):
        return model
    plan = replace(model.plan, replay=replay)
    state = State(plan, model.state.parameters, model.state.step)
    state.names[:] = model.state.names
    rng = np.random.default_rng([plan.seed, STREAM])
    for label in range(plan.classes):
        rows = rng.permutation(np.flatnonzero(fit.y == label))[: replay.per_class]
        if len(rows):
            samples = model.quantize(fit.x[rows])
        elif before is not None:
            samples = before.samples[label, : before.held[label]][: replay.per_class]
        else:
            continue
        state.replay.samples[label, : len(samples)] = samples
        state.replay.seen[label] = len(samples)
    return replace(model, plan=plan, state=state)
