"""Defines the interface of the two trainers, in numpy and in compiled C."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ska_edge.arithmetic.numpy_ops import Integers
from ska_edge.network.state import State
from ska_edge.network.trainer import LayerOutput, Learned
from ska_edge.plan.plan import Plan

Rows = NDArray[np.integer]


class Trainer(Protocol):
    """Infers and learns in integers, on a `State` that it changes in place.

    `FixedTrainer` describes the methods. The pieces that the iterators yield may have any number
    of rows.
    """

    state: State
    plan: Plan

    def forward(self, inputs: Rows) -> Iterator[LayerOutput]:
        """Yield the values of every layer for inputs (n, d), layer by layer."""

    def infer(self, inputs: Rows) -> Integers:
        """Return decisions (n, classes) for inputs (n, d), without learning."""

    def learn_one(self, inputs: Rows, label: int | Integers) -> Integers:
        """Learn one sample as a device does; return the decisions (classes,) before the update."""

    def learn_stream(self, inputs: Rows, labels: Rows) -> Iterator[Learned]:
        """Learn rows in order as a device does; yield the results of some rows at a time."""

    def learn_many(self, inputs: Rows, labels: Rows) -> Iterator[Integers]:
        """Learn rows in order, plan.batch at a time; yield decisions (n, classes)."""

    def last_shifts(self) -> list[Integers]:
        """Return every layer's shifts (batch, width) of the last update; empty before the first."""

    def metrics(self) -> list[dict[str, int]]:
        """Return the metric sums of the last update, per layer; there must have been an update."""


def narrow(plan: Plan, inputs: Rows) -> Rows:
    """Return inputs in the integer type of the plan's input; the engine need not convert them."""
    return inputs.astype(f"i{plan.layers[0].input.bits // 8}")
