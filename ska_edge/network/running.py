"""Normalizes inputs by the running averages of a state, and moves these averages."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ska_edge.arithmetic.fixedpoint import Fixed
from ska_edge.arithmetic.numpy_ops import Integers, NumpyOps, stored
from ska_edge.network.state import State
from ska_edge.rules.neuron import (
    VARIANCE,
    mean_format,
    moved_mean,
    moved_variance,
    normalized_input,
)
from ska_edge.rules.reference import running_factor

Reals = NDArray[np.float64]


def normalized(ops: NumpyOps, state: State, inputs: Integers) -> Integers:
    """Return inputs (n, d) in the plan's input format, normalized by the averages of the state.

    Without running normalization, they are returned as they are.
    """
    if not state.plan.running_normalization:
        return inputs
    format = state.plan.layers[0].input
    return normalized_input(*_values(ops, state, inputs), format).data


def moved(ops: NumpyOps, state: State, inputs: Integers) -> tuple[Integers, Integers]:
    """Return the mean and the variance, (d,) each, of the state after inputs (d,) are learned."""
    x, mean, variance = _values(ops, state, inputs)
    return moved_mean(x, mean).data, moved_variance(x, mean, variance).data


def normalized_reals(state: State, inputs: Reals) -> Reals:
    """Return real inputs (n, d), normalized by the averages of the state; see `normalized`."""
    if not state.plan.running_normalization:
        return inputs
    mean, factor = real_averages(state)
    normalized: Reals = (inputs - mean) * factor
    return normalized


def undone_reals(state: State, inputs: Reals) -> Reals:
    """Return the real inputs (n, d) that `normalized_reals` normalizes to these."""
    if not state.plan.running_normalization:
        return inputs
    mean, factor = real_averages(state)
    undone: Reals = inputs / factor + mean
    return undone


def real_averages(state: State) -> tuple[Reals, Reals]:
    """Return the mean of each input, and the factor for its difference from the mean."""
    mean = mean_format(state.plan.layers[0].input).dequantize(state.mean)
    return mean, running_factor(VARIANCE.dequantize(state.variance) + 1)


def _values(
    ops: NumpyOps, state: State, inputs: Integers
) -> tuple[Fixed[Integers], Fixed[Integers], Fixed[Integers]]:
    format = state.plan.layers[0].input
    return (
        stored(ops, inputs, format),
        stored(ops, state.mean, mean_format(format)),
        stored(ops, state.variance, VARIANCE),
    )
