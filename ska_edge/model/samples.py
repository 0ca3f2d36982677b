"""Handles the stored samples and the new classes of a model with spare classes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ska_edge.data.classes import numbered
from ska_edge.data.dataset import Dataset
from ska_edge.errors import InputError
from ska_edge.model.model_file import Model
from ska_edge.network.replay_buffer import ReplayBuffer
from ska_edge.network.running import undone_reals
from ska_edge.network.trainer import FixedTrainer
from ska_edge.plan.replay import Replay

STREAM = 2  # number of a stream of random numbers; training uses the streams 0 and 1 of the seed


def with_samples(
    model: Model, replay: Replay, fit: Dataset, before: ReplayBuffer | None = None
) -> Model:
    """Return the model with a replay buffer that has random rows of each class in `fit`.

    A model without spare classes, and one without a buffer, is returned as it is.

    Args:
        model: a trained model whose plan has no buffer.
        replay: the buffer's sizes and kind.
        fit: the rows that the model has learned; `y` has its outputs.
        before: an earlier buffer for the same inputs; a class without rows in `fit` gets the
            samples of this buffer.
    """
    if not (model.plan.spares and replay.per_class):
        return model
    plan = replace(model.plan, replay=replay)
    state, trainer = model.state.learned(plan), FixedTrainer(model.state, check=False)
    rng = np.random.default_rng([plan.seed, STREAM])
    for label in range(plan.classes):
        rows = rng.permutation(np.flatnonzero(fit.y == label))[: replay.per_class]
        if len(rows):
            samples = trainer.normalized(model.quantize(fit.x[rows]))
        elif before is not None:
            samples = before.samples[label, : before.held[label]][: replay.per_class]
        else:
            continue
        state.replay.samples[label, : len(samples)] = samples
        state.replay.seen[label] = len(samples)
    return replace(model, plan=plan, state=state)


def with_classes_of(model: Model, dataset: Dataset) -> tuple[Model, tuple[str, ...]]:
    """Return a model with all classes of the data, and the names of those that it lacked.

    A model without spare classes is returned as it is; so is a model with named classes, if the new
    ones are numbers. Raises InputError for more new classes than the model has left, and as
    `State.add_class` does.
    """
    if not model.plan.spares:
        return model, ()
    present = [dataset.labels[label] for label in np.unique(dataset.y)]
    new = tuple(name for name in present if name not in model.labels)
    if not new or numbered(new, model.labels):
        return model, ()
    state = model.state.copy()
    for name in new:
        state.add_class(name)
    return replace(model, state=state), new


def rehearsed(fit: Dataset, base: Model | None) -> Dataset:
    """Return the rows to learn, and the stored samples of the classes that have none of these rows.

    Args:
        fit: rows to learn; `y` has the outputs of `base`.
        base: the model to continue; only a model with spare classes has stored samples.

    Raises InputError if `base` stores no sample of one of these classes, because the training would
    make the model forget it.
    """
    if base is None or not base.plan.spares:
        return fit
    lacking = np.setdiff1d(base.outputs, fit.y)
    if not len(lacking):
        return fit
    buffer = base.state.replay
    held = [buffer.samples[label, : buffer.held[label]] for label in lacking]
    for label, samples in zip(lacking, held, strict=True):
        if not len(samples):
            raise InputError(
                f"'{fit.name}' has no rows of the class '{base.state.labels[label]}', and the"
                " model stores none, so it would forget that class; give rows of all classes"
            )
    stored = base.plan.layers[0].input.dequantize(np.concatenate(held))
    scaled = undone_reals(base.state, stored)
    x = scaled * base.scaling.scale + base.scaling.mean
    if base.plan.raw is not None and not base.plan.raw_float:
        x = np.rint(x)
    y = np.repeat(lacking, [len(each) for each in held])
    return Dataset(
        fit.name,
        np.concatenate([np.asarray(fit.x, dtype=np.float64), x]),
        np.concatenate([fit.y, y]),
        fit.labels,
        features=fit.features,
    )
