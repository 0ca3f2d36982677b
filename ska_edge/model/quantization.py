"""Converts real tensors to the integers of a state, and back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ska_edge.errors import InputError
from ska_edge.network.state import State
from ska_edge.plan.plan import Plan


def quantize_state(plan: Plan, tensors: dict[tuple[int, str], NDArray[np.float64]]) -> State:
    """Convert real tensors, keyed by layer and name, to a state; missing tensors are 0.

    Raises InputError for a tensor of another shape than in the plan.
    """
    state = State(plan)
    for tensor in plan.tensors():
        real = tensors.get((tensor.layer, tensor.name))
        if real is None:
            continue
        if real.shape != tensor.shape:
            raise InputError(
                f"layer {tensor.layer}: the {tensor.name} has shape {real.shape},"
                f" but the plan needs {tensor.shape}"
            )
        state.tensor(tensor.layer, tensor.name)[...] = tensor.format.quantize(real)
    return state


def dequantize_state(state: State) -> dict[tuple[int, str], NDArray[np.float64]]:
    """Return the real values of a state, keyed as in `quantize_state`."""
    return {
        (t.layer, t.name): t.format.dequantize(state.tensor(t.layer, t.name))
        for t in state.plan.tensors()
    }
