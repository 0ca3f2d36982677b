"""One sample on its way to a device and back."""

from __future__ import annotations

from dataclasses import dataclass

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
