"""Computes the rate of one sample in a plan with a normalized step: large inputs lower the rate."""

from __future__ import annotations

import numpy as np

from ska_edge.arithmetic.fixedpoint import Fixed
from ska_edge.arithmetic.numpy_ops import Integers, NumpyOps
from ska_edge.plan.plan import Plan
from ska_edge.rules.neuron import normalized_halvings, square_sum


def sample_halvings(ops: NumpyOps, plan: Plan, inputs: Fixed[Integers], halvings: int) -> int:
    """Return how many times the plan's rate is halved for a sample, inputs (1, d).

    `halvings` is how many times it is halved for all samples.
    """
    step = plan.normalized_step
    assert step is not None
    square = square_sum(ops, inputs, plan.inputs)
    known = Fixed(ops, np.array([[halvings]]), 0, 0, step.most)
    return int(normalized_halvings(square, known, step.limits, step.most).data[0, 0])
