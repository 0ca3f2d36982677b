"""One sample on its way to a device and back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ska_edge.device.info import Result


@dataclass(slots=True)
class Sample:
    """A row that a device shall learn, and then what became of it.

    Attributes:
        row: its index.
        x: (inputs,) integers in the plan's input format.
        label: class index.
        samples: how many samples the device has learned with it.
        result: what the device answered; None until then, and where that was lost on the way.
    """

    row: int
    x: tuple[int, ...]
    label: int
    samples: int
    result: Result | None = None

    @classmethod
    def of(
        cls, inputs: NDArray[np.integer], labels: NDArray[np.integer], row: int, samples: int
    ) -> Sample:
        """A row of inputs (n, d) and labels (n,), not learned yet."""
        return cls(row, tuple(inputs[row].tolist()), int(labels[row]), samples)
