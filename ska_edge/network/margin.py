"""Tells which samples learn: those with an output error of at least the plan's margin."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ska_edge.arithmetic.numpy_ops import Integers
from ska_edge.network.output import output_errors
from ska_edge.plan.plan import Plan


def learning(plan: Plan, errors: Integers) -> NDArray[np.bool_]:
    """Tell for each sample whether it learns, (n,), from its output errors (n, classes)."""
    learns: NDArray[np.bool_] = np.abs(errors).max(axis=1) >= plan.margin
    return learns


def skipped(plan: Plan, decisions: Integers, truth: Integers) -> int:
    """Return how many samples do not learn, from decisions (n, classes) and the truth.

    `output` says what the truth is.
    """
    return int((~learning(plan, output_errors(plan, decisions, truth))).sum())
