"""Computes how confident a network is of a class, and which samples belong to no known class."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ska_edge.arithmetic.numpy_ops import Integers

UNKNOWN = 0xFFFF
"""The class index of a sample that belongs to no known class; the C calls it SKA_UNKNOWN."""
UNKNOWN_NAMES = UNKNOWN_NAME, UNKNOWN_NUMBER = "unknown", "-1"
"""What `UNKNOWN` is called if the classes have names, and if they have numbers."""


def confidences(decisions: Integers) -> Integers:
    """Return the difference of the two largest decisions, (n,), from decisions (n, classes).

    The result has the format of the decisions. A missing second decision counts as 0.
    """
    if decisions.shape[1] == 1:
        return decisions[:, 0]
    two = np.partition(decisions, -2, axis=1)[:, -2:]
    return np.asarray(two[:, 1] - two[:, 0])


def classified(decisions: Integers, least: int) -> NDArray[np.int64]:
    """Return the class index of each sample, (n,); `UNKNOWN` if its confidence is below `least`."""
    return np.where(confidences(decisions) < least, UNKNOWN, decisions.argmax(axis=1))


def least_confidence(found: Integers, share: float) -> int:
    """Return the largest limit that at least this share of the confidences (n,) reaches.

    `share` is above 0 and at most 1, and there is at least one confidence.
    """
    accepted = max(1, math.ceil(share * len(found)))
    return int(np.sort(found)[len(found) - accepted])
