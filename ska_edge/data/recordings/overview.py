"""Summarizes recordings: their length, their clock, and what is probably wrong with them."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ska_edge.data.recordings.recording import Recording
from ska_edge.plural import counted

MANY_GAPS = 0.01  # fraction of the samples
MUCH_JITTER = 0.25  # fraction of a step
LEAST = 10  # in fewer samples, a measured value may rise by chance
SAME_STEP = 0.5  # fraction by which a step of a time may differ from the usual one
MOST_OTHERS = 0.05  # fraction of the steps of a time that may differ more, such as at gaps


@dataclass(frozen=True, slots=True)
class Overview:
    """The summary of one recording; values that are unknown are None.

    Attributes:
        file: the name of the recording.
        rows: how many samples it has.
        seconds: how long it is, without its gaps.
        rate: samples per second.
        gaps: how often samples are missing, or the time falls.
        jitter: the standard deviation of the steps between samples, in seconds.
        labels, groups: the labels and groups that occur.
        odd: sentences about what is probably wrong.
    """

    file: str
    rows: int
    seconds: float | None
    rate: float | None
    gaps: int | None
    jitter: float | None
    labels: tuple[str, ...]
    groups: tuple[str, ...]
    odd: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }


def overview(recording: Recording) -> Overview:
    """Return the summary of a recording."""
    clock, rows = recording.clock, len(recording.samples)
    known = recording.rate is not None
    return Overview(
        recording.name,
        rows,
        clock.seconds if clock else rows / recording.rate if recording.rate else None,
        recording.rate if known else None,
        len(clock.breaks) if clock else None,
        clock.jitter if clock else None,
        recording.labels,
        recording.groups,
        tuple(_odd(recording)),
    )


def summed(found: Sequence[Overview]) -> str:
    """Return the length, the gaps and the largest jitter of all recordings, if known, as text."""
    parts = []
    if all(each.seconds is not None for each in found):
        parts.append(f"{sum(each.seconds or 0.0 for each in found):.1f} s")
    if any(each.gaps is not None for each in found):
        parts.append(counted(sum(each.gaps or 0 for each in found), "gap"))
        jitter = max(each.jitter or 0.0 for each in found)
        parts.append(f"jitter up to {round(1000 * jitter, 3):g} ms")
    return ", ".join(parts)


def doubts_of(recordings: Sequence[Recording]) -> tuple[str, ...]:
    """Return sentences about what is probably wrong with the clocks, and then with the axes.

    An axis that rises like a clock in every recording has one sentence. An axis that never changes
    in several recordings has one sentence, with their number.
    """
    stuck: dict[str, list[str]] = {}
    for each in recordings:
        for axis, sentence in _stuck(each).items():
            stuck.setdefault(axis, []).append(sentence)
    axes = [
        sentences[0]
        if len(sentences) == 1
        else f"the axis {axis} never changes in {len(sentences)} of {len(recordings)} recordings;"
        " check the sensor"
        for axis, sentences in stuck.items()
    ]
    clocks = (text for each in recordings for text in _odd_clock(each))
    return (*clocks, *_times_among_axes(recordings), *axes)


def _times_among_axes(recordings: Sequence[Recording]) -> list[str]:
    """Return a sentence about each axis that rises by nearly the same step in every recording."""
    found = []
    for axis in recordings[0].axes:
        if not all(_rises_evenly(each, axis) for each in recordings):
            continue
        name = shlex.quote(axis.removeprefix("column "))  # without a header, a number
        use = f"name it if it has the times (--time-column {name}), or "
        found.append(
            f"the axis {axis} rises by nearly the same step all the time, like a clock or a"
            f" counter, and a network would learn it; {'' if recordings[0].clock else use}leave it"
            f" out (--drop {name})"
        )
    return found


def _rises_evenly(recording: Recording, axis: str) -> bool:
    values = recording.samples[:, recording.axes.index(axis)].astype(np.int64)
    if len(values) < LEAST:
        return False
    steps = np.diff(values)
    usual = float(np.median(steps))
    others = np.abs(steps - usual) > SAME_STEP * usual
    return bool(usual > 0 and others.mean() <= MOST_OTHERS)


def _odd(recording: Recording) -> list[str]:
    return [*_odd_clock(recording), *_stuck(recording).values()]


def _stuck(recording: Recording) -> dict[str, str]:
    """Return a sentence about each axis that never changes."""
    name, samples = recording.name, recording.samples
    return {
        axis: f"the axis {axis} of {name} is always {samples[0, at]}; check the sensor"
        for at, axis in enumerate(recording.axes)
        if len(samples) > 1 and (samples[:, at] == samples[0, at]).all()
    }


def _odd_clock(recording: Recording) -> list[str]:
    name, clock, samples = recording.name, recording.clock, recording.samples
    found = []
    if clock is not None and len(clock.breaks) > MANY_GAPS * len(samples):
        found.append(
            f"{name} has {counted(len(clock.breaks), 'gap')} in {len(samples)} samples, and no"
            " window has a gap; check that the board sends, and the host reads, every sample"
        )
    if clock is not None and clock.jitter * clock.rate > MUCH_JITTER:
        found.append(
            f"the time between two samples of {name} varies by {clock.jitter * 1000:.2g} ms, and"
            f" its mean is {1000 / clock.rate:.2g} ms; let the board measure the time"
        )
    return found
