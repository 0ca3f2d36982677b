"""Holds a window of a device's own sensor, as the device classified it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ska_edge.device import claims
from ska_edge.device.info import Result
from ska_edge.errors import DeviceError
from ska_edge.wire.protocol import UNLABELED


@dataclass(frozen=True, slots=True)
class SensorWindow:
    """The newest window of a device's sensor.

    Attributes:
        number: windows since the device's start, including this one.
        x: the input that the device made of the window, (inputs,) integers in the plan's format.
        label: class index with which the device has learned it; None if it has not.
        result: the device's class and decisions for it, from before any update, and the present
            step and sample count of the device.
    """

    number: int
    x: tuple[int, ...]
    label: int | None
    result: Result


Wanted: TypeAlias = "Callable[[], tuple[int, int] | None]"
"""Returns the number of a window and its label, once, when somebody has labeled it."""


def window_of(
    replies: Sequence[claims.Reply], unpack: Callable[[bytes], tuple[int, ...]], layers: int
) -> SensorWindow:
    """Read the replies to a WINDOW or LABEL; raise DeviceError for impossible values.

    Args:
        replies: METRICS sorted by layer, then CLASSIFIED.
        unpack: reads an input.
        layers: number of layers whose METRICS may be among the replies.
    """
    *metrics, (_, values) = replies
    kept = ("step", "samples", "predicted", "decisions")
    result = claims.result_of([*metrics, ("RESULT", {key: values[key] for key in kept})], layers)
    label = None if values["label"] == UNLABELED else values["label"]
    if label is not None and label >= len(result.decisions):
        raise DeviceError(
            f"the device says that it learned class {label}, but it has"
            f" {len(result.decisions)} classes; flash it again"
        )
    return SensorWindow(values["number"], unpack(values["x"]), label, result)
