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
    """The added classes and the stored samples of a device when it starts.

    Attributes:
        names: (spares, NAME_BYTES), the names of the added classes, as in a state.
        samples: for each class, the samples (n, inputs) in its replay buffer.
    """

    names: Integers
    samples: tuple[Integers, ...]

    @classmethod
    def empty(cls, plan: Plan) -> Memory:
        """Return the memory of a device that knows only the classes of its plan."""
        fields = {field.name: field for field in plan.state_fields()}
        names = fields["names"].shape if "names" in fields else (0, 0)
        samples = np.zeros((0, plan.inputs), dtype=np.int64)
        return cls(np.zeros(names, dtype=np.int64), (samples,) * plan.classes)

    @property
    def count(self) -> int:
        """Number of samples of all classes."""
        return sum(map(len, self.samples))

    def pieces(self, plan: Plan) -> Iterator[bytes]:
        """Yield what is in the memory as bytes, for a CRC; nothing if it is empty."""
        if self.names.any():
            yield self.names.astype(np.uint8).tobytes()
        if self.count:
            yield np.array([*map(len, self.samples)], dtype="<u2").tobytes()
            kind = f"<i{plan.layers[0].input.bits // 8}"
            yield np.concatenate(self.samples).astype(kind).tobytes()
