"""Defines the workload of a benchmark."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ska_edge.plan.plan import Plan


@dataclass(frozen=True)
class Task:
    """The workload to measure.

    Attributes:
        plan: the network.
        initial, learned: its parameters before the first sample and after the last, (count,).
        inputs, labels: (n, d) quantized samples and (n,) classes, learned in this order.
        start: the initial weights in float, for a program to compare: W and b of each layer.
    """

    plan: Plan
    initial: NDArray[np.int64]
    learned: NDArray[np.int64]
    inputs: NDArray[np.int64]
    labels: NDArray[np.int64]
    start: tuple[NDArray[np.float64], ...]

    def bytes(self, parameters: NDArray[np.int64]) -> bytes:
        """Return parameters in the memory layout of a device: little-endian."""
        width = self.plan.formats.weight_bits // 8
        return parameters.astype(f"<i{width}").tobytes()
