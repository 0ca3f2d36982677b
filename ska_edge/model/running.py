"""Gives a trained model running averages, which normalize the inputs of a device that learns."""

from __future__ import annotations

from dataclasses import replace

from ska_edge.model.model_file import Model
from ska_edge.network.state import State


def with_averages(model: Model, before: State | None = None) -> Model:
    """Return a model whose inputs are normalized by running averages.

    Args:
        model: a trained model whose plan has no running normalization. If `before` has averages,
            the model was trained on inputs that they normalize.
        before: the state of the continued model; None for a new model, which starts with mean 0 and
            variance 1. These change no input.
    """
    plan = replace(model.plan, running_normalization=True)
    state = model.state.learned(plan)
    if before is not None:
        state.mean[:], state.variance[:] = before.mean, before.variance
    return replace(model, plan=plan, state=state)
