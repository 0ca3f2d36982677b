"""Holds what a device remembers when it starts, besides its parameters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ska_edge.plan.plan import Plan

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Memory:
    """The added classes, the stored samples and the running averages of a device when it starts.

    Attributes:
        names: (spares, NAME_BYTES), the names of the added classes, as in a state.
        samples: for each class, the samples (n, inputs) in its replay buffer.
        mean, variance: (inputs,), the running averages of the inputs, as in a state.
    """

    names: Integers
    samples: tuple[Integers, ...]
    mean: Integers
    variance: Integers

    @classmethod
    def empty(cls, plan: Plan) -> Memory:
        """Return the memory of a device that knows only the classes of its plan."""
        fields = {field.name: field for field in plan.state_fields()}
        names = fields["names"].shape if "names" in fields else (0, 0)
        samples = np.zeros((0, plan.inputs), dtype=np.int64)
        still = np.zeros(plan.inputs, dtype=np.int64)
        return cls(np.zeros(names, dtype=np.int64), (samples,) * plan.classes, still, still)

    @property
    def count(self) -> int:
        """Number of stored samples of all classes."""
        return sum(map(len, self.samples))

    @property
    def moved(self) -> bool:
        """Whether a running average is not that of a new state."""
        return bool(self.mean.any() or self.variance.any())

    def pieces(self, plan: Plan) -> Iterator[bytes]:
        """Yield what is in the memory as bytes, for a CRC; nothing if it is empty."""
        if self.names.any():
            yield self.names.astype(np.uint8).tobytes()
        if self.count:
            yield np.array([*map(len, self.samples)], dtype="<u2").tobytes()
            kind = f"<i{plan.layers[0].input.bits // 8}"
            yield np.concatenate(self.samples).astype(kind).tobytes()
        if self.moved:
            fields = {field.name: field for field in plan.state_fields()}
            yield self.mean.astype(fields["mean"].kind).tobytes()
            yield self.variance.astype(fields["variance"].kind).tobytes()
