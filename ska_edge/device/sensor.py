"""Holds a window of a device's own sensor, as the device classified it, and its raw samples."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ska_edge.device import claims
from ska_edge.device.info import Result
from ska_edge.device.sample import Truth, truth_in
from ska_edge.errors import DeviceError
from ska_edge.wire.protocol import RAW_MAX, UNLABELED

Raw: TypeAlias = tuple[tuple[int, ...], ...]
"""Raw samples, (samples, axes) integers."""


@dataclass(frozen=True, slots=True)
class SensorWindow:
    """The newest window of a device's sensor.

    Attributes:
        number: windows since the device's start, including this one.
        x: the input that the device made of the window, (inputs,) integers in the plan's format.
        label: class index, or the targets of a regression, with which the device has learned it;
            None if it has not.
        result: what the device decided about it, before any update, and the present step and sample
            count of the device.
        raw: its raw samples, (length, axes) integers; None if they were not read, or not in time.
    """

    number: int
    x: tuple[int, ...]
    label: Truth | None
    result: Result
    raw: Raw | None = None


@dataclass(frozen=True, slots=True)
class RawPart:
    """Samples that a device's sensor gave one after the other.

    Attributes:
        first: number of the first of these samples, counted from the device's start.
        window: number of the newest window; 0 for none.
        end: number of the sample after the last one of this window.
        samples: (samples, axes) integers.
    """

    first: int
    window: int
    end: int
    samples: Raw


class RawSamples:
    """Collects the newest raw samples of a device's sensor, and finds those of a window.

    A device has at most as many samples as a window. `read` must be called before as many new
    samples have come; otherwise samples are lost, and a window with a lost sample has no raw
    samples.

    Args:
        length, hop: samples of a window, and from one window to the next.
        axes: values of a sample.
    """

    def __init__(self, length: int, hop: int, axes: int) -> None:
        self._length, self._axes, self._most = length, axes, RAW_MAX // (2 * axes)
        self._samples: deque[tuple[int, ...]] = deque(maxlen=length + hop)
        self._next = self._window = self._end = 0

    def forget(self) -> None:
        """Forget all samples, because the device may have restarted."""
        self._samples.clear()
        self._next = self._window = self._end = 0

    def read(self, ask: Callable[[int, int], RawPart]) -> None:
        """Read the samples that are new; `ask` is `Link.read_raw`.

        Raises the errors of `ask`.
        """
        for _ in range(self._length // self._most + 2):
            part = ask(self._next, self._axes)
            if part.first != self._next:
                self._samples.clear()
            self._samples += part.samples
            self._next = part.first + len(part.samples)
            self._window, self._end = part.window, part.end
            if len(part.samples) < self._most:
                return

    def of(self, window: int) -> Raw | None:
        """Return the samples (length, axes) of a window; None if it is not the newest that `read`
        has seen, or if one of its samples is unknown.
        """
        oldest = self._next - len(self._samples)
        first = self._end - self._length
        if window != self._window or first < oldest or self._end > self._next:
            return None
        return tuple(self._samples)[first - oldest : self._end - oldest]


Wanted: TypeAlias = "Callable[[], tuple[int, Truth] | None]"
"""Returns the number of a window and its label or targets, once, when somebody has labeled it."""


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
    label = None if values["label"] == UNLABELED else truth_in(values)
    if isinstance(label, int) and label >= len(result.decisions):
        raise DeviceError(
            f"the device says that it learned class {label}, but it has"
            f" {len(result.decisions)} classes; flash it again"
        )
    return SensorWindow(values["number"], unpack(values["x"]), label, result)
