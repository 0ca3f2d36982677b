"""Cuts recordings into windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ska_edge.data.recordings.recording import Recording, Segment
from ska_edge.errors import OptionError

IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Windows:
    """Windows of recordings, in the order of the recordings and of time.

    A window is a contiguous part of one segment: no sample is missing in it, and it has one label
    and one group.

    Attributes:
        x: what the sensor gave, int16 or int32 (windows, length, axes).
        y, groups: the label and the group of each window as text, empty if unknown.
        recording: the number of the recording of each window, (windows,).
        start: the sample of the recording with which each window begins, (windows,).
        names: the names of the recordings.
        axes: the names of the axes.
        rate: samples per second; None if it is unknown.
        paths: the paths of the recordings, for messages.
    """

    x: NDArray[Any]
    y: tuple[str, ...]
    groups: tuple[str, ...]
    recording: IntArray
    start: IntArray
    names: tuple[str, ...]
    axes: tuple[str, ...]
    rate: float | None
    paths: tuple[str, ...] = ()


def cut(
    recordings: Sequence[Recording],
    length: int,
    hop: int,
    rate: float | None = None,
    fixed: bool = False,
) -> Windows:
    """Cut recordings of the same axes into windows of `length` samples.

    `fixed` tells whether a model has learned windows of this length, so no other length is advised.

    A segment of n samples has (n - length) // hop + 1 windows, or none if n < length. Samples after
    the last window are left out.

    Raises OptionError if a recording or a label has no window.
    """
    places: list[tuple[int, int, Segment]] = []
    for number, recording in enumerate(recordings):
        before = len(places)
        for segment in recording.segments:
            starts = range(segment.start, segment.stop - length + 1, hop)
            places += [(number, start, segment) for start in starts]
        if len(places) == before:
            _refuse_short(recording, length, fixed)
    _refuse_lost_labels(recordings, [segment for _, _, segment in places], length, fixed)
    wide = max((each.samples.dtype for each in recordings), key=lambda kind: kind.itemsize)
    x = np.empty((len(places), length, len(recordings[0].axes)), dtype=wide)
    for at, (number, start, _) in enumerate(places):
        x[at] = recordings[number].samples[start : start + length]
    return Windows(
        x,
        tuple(segment.label for _, _, segment in places),
        tuple(segment.group for _, _, segment in places),
        np.array([number for number, _, _ in places], dtype=np.int64),
        np.array([start for _, start, _ in places], dtype=np.int64),
        tuple(each.name for each in recordings),
        recordings[0].axes,
        rate,
        tuple(each.path or each.name for each in recordings),
    )


def _refuse_short(recording: Recording, length: int, fixed: bool) -> None:
    longest, parts = max(map(len, recording.segments)), len(recording.segments)
    what = f"is {longest} samples long"
    if parts > 1:
        what = f"has {parts} parts between gaps and changes of the label, the longest of {longest}"
    advice = "record longer" if fixed else "take a shorter window"
    raise OptionError(
        f"{{name}} {{what}}, but {_length_of(fixed)}; leave the recording out, or {advice}",
        name=recording.path or recording.name,
        what=what,
        length=length,
    )


def _length_of(fixed: bool) -> str:
    """Return a clause, to be filled in, about the length of a window."""
    return "the model takes windows of {length}" if fixed else "{window} is {length}"


def _refuse_lost_labels(
    recordings: Sequence[Recording], cut_from: Sequence[Segment], length: int, fixed: bool
) -> None:
    advice = "" if fixed else "take a shorter window, or "
    segments = [segment for recording in recordings for segment in recording.segments]
    kept = {segment.label for segment in cut_from}
    for label in dict.fromkeys(segment.label for segment in segments):
        if label and label not in kept:
            longest = max(len(each) for each in segments if each.label == label)
            raise OptionError(
                "no window has the label '{label}', because its longest part is {longest} samples"
                f" and {_length_of(fixed)}; {advice}record more of it",
                label=label,
                longest=longest,
                length=length,
            )
