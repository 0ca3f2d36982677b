"""Computes the defaults of training options, which depend on the rule and on the data."""

from __future__ import annotations

import math

from ska_edge.plan.resolve import RATE

LARGEST_RATE = RATE
PUBLISHED_RATE = 0.01
HIDDEN = (64, 32)
TEST_FRACTION = 0.2


def default_rate(inputs: int) -> float:
    """Return the power of two closest to 8 / inputs, at most 0.125.

    A step changes the knowledge of a neuron by rate * delta * |a|^2. For standardized inputs, |a|^2
    is about the number of inputs, so a step with this rate does not overshoot.
    """
    return min(LARGEST_RATE, 2.0 ** round(math.log2(8 / inputs)))
