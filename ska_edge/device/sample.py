"""Holds one sample for a device, and its result."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ska_edge.device.info import Result
from ska_edge.wire.message import Values

Truth: TypeAlias = "int | tuple[int, ...]"
"""What a device learns about a row: its class index, or the integers of a regression's targets."""


def truth_of(label: np.integer | NDArray[np.integer] | int) -> Truth:
    """Return a label, or the targets (targets,) of a regression, as plain integers."""
    found = np.asarray(label)
    return tuple(found.tolist()) if found.ndim else int(found)


def truth_in(fields: Values) -> Truth:
    """Return the label, or the targets, in the fields of a message."""
    if "targets" not in fields:
        return int(fields["label"])
    data = fields["targets"]
    return struct.unpack(f"<{len(data) // 2}h", data)


@dataclass(slots=True)
class Sample:
    """A row for a device to learn, and its result.

    Attributes:
        row: index of the row.
        x: (inputs,) integers in the plan's input format.
        label: class index, or the targets of a regression.
        samples: the device's sample count, including this row.
        result: the device's answer; None before it arrives, or if it is lost.
    """

    row: int
    x: tuple[int, ...]
    label: Truth
    samples: int
    result: Result | None = None
