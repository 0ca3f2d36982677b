"""Computes the answers of the output layer, and its errors.

The answers are decisions, or the values of a regression.

The truth about a row is its class index, or its targets as integers in the plan's `output` format.
So the truth about n rows is an array (n,), or (n, classes) for a regression.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ska_edge.arithmetic.fixedpoint import Fixed
from ska_edge.arithmetic.numpy_ops import Integers, NumpyOps, stored
from ska_edge.plan.plan import Plan
from ska_edge.rules import neuron
from ska_edge.rules.confidence import classified

Values = Fixed[Integers]

DEVIATIONS = 2.0
"""A target that is this many standard deviations above its mean is scaled to 1.

1 is the largest magnitude of a shift.
"""


class Output:
    """The functions of a plan's output layer, which the readouts of hidden layers share."""

    def __init__(self, plan: Plan, ops: NumpyOps) -> None:
        self._plan = plan
        self._ops = ops
        self._table = plan.decision_table

    def values(self, knowledge: Values) -> Values:
        """Return decisions, or the values of a regression, for knowledge (n, classes)."""
        if self._plan.output is None:
            return neuron.decision(knowledge, self._table)
        return neuron.output_value(knowledge, self._plan.output)

    def targets(self, truth: Integers) -> Values:
        """Return what the values should be, (n, classes), from the truth about n rows."""
        if self._plan.output is not None:
            return stored(self._ops, truth, self._plan.output)
        format = self._plan.formats.decision
        chosen = truth[:, None] == np.arange(self._plan.classes)
        return Fixed(self._ops, format.maximum * chosen, format.frac, 0, format.maximum)

    def errors(self, targets: Values, values: Values) -> Values:
        """Return the shifts of the output layer, (n, classes)."""
        if self._plan.output is None:
            return neuron.output_shift(targets, values)
        return neuron.value_shift(targets, values, self._plan.formats.shift)


def answers(plan: Plan, decisions: Integers) -> Integers:
    """Return what a device reports as predicted, (n,), for decisions (n, classes).

    It is the class of a row, or `UNKNOWN`; always 0 for a regression.
    """
    if plan.regression:
        return np.zeros(len(decisions), dtype=np.int64)
    found: Integers = classified(decisions, plan.least_confidence)
    return found


def output_distance(values: Sequence[int], truth: int | Sequence[int]) -> Integers:
    """Return |target - value| of each target of a regression, (classes,)."""
    return np.abs(np.asarray(truth, dtype=np.int64) - np.asarray(values, dtype=np.int64))


def output_errors(plan: Plan, values: Integers, truth: Integers) -> Integers:
    """Return the shifts of the output layer, (n, classes), from its values and the truth."""
    output, format = Output(plan, NumpyOps(check=False)), plan.output or plan.formats.decision
    found = stored(NumpyOps(check=False), values, format)
    return output.errors(output.targets(truth), found).data
