"""Holds one sample for a device, and its result."""

from __future__ import annotations

from dataclasses import dataclass

from ska_edge.device.info import Result


@dataclass(slots=True)
class Sample:
    """A row for a device to learn, and its result.

    Attributes:
        row: index of the row.
        x: (inputs,) integers in the plan's input format.
        label: class index.
        samples: the device's sample count, including this row.
        result: the device's answer; None before it arrives, or if it is lost.
    """

    row: int
    x: tuple[int, ...]
    label: int
    samples: int
    result: Result | None = None
