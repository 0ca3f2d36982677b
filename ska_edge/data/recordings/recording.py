"""Holds one recording: the samples of a sensor in the order of time, as integers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ska_edge.data.recordings.timing import Timing


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a recording without a gap: samples `start` to `stop` - 1, of one label and group.

    The label and the group are empty if they are unknown.
    """

    start: int
    stop: int
    label: str = ""
    group: str = ""

    def __len__(self) -> int:
        """Return the number of samples."""
        return self.stop - self.start


@dataclass(frozen=True, eq=False)
class Recording:
    """The samples of one file.

    Attributes:
        name: the name of the file, different from those of other recordings.
        samples: what the sensor gave, int16 or int32 (samples, axes).
        axes: the name of each axis.
        segments: the parts without a gap, each of one label and group, in order; they cover all
            samples.
        rate: samples per second; None if it is unknown.
        clock: what the timestamps say; None without timestamps.
        path: the path of the file, for messages; "" if there is no file.
    """

    name: str
    samples: NDArray[Any]
    axes: tuple[str, ...]
    segments: tuple[Segment, ...]
    rate: float | None = None
    clock: Timing | None = None
    path: str = ""

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that occur, in the order of their first samples."""
        return tuple(dict.fromkeys(each.label for each in self.segments if each.label))

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups that occur, in the order of their first samples."""
        return tuple(dict.fromkeys(each.group for each in self.segments if each.group))


def narrowed(samples: NDArray[np.float64]) -> NDArray[Any]:
    """Return integers, given as float64, as int16 if all of them fit, otherwise as int32."""
    small = np.iinfo(np.int16)
    fits = samples.min() >= small.min and samples.max() <= small.max
    return samples.astype(np.int16 if fits else np.int32)
