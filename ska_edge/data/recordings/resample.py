"""Interpolates a recording to another rate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ska_edge.data.recordings.recording import Recording, Segment, narrowed

EXACT = 6  # decimals of an interpolated value


def resampled(recording: Recording, times: NDArray[np.float64], rate: float) -> Recording:
    """Return the recording at `rate` samples per second, by linear interpolation.

    `times` are the times of the samples in seconds. No sample is made in a gap: each segment is
    interpolated alone, from its first time. Values are rounded half up.
    """
    parts, segments, start = [], [], 0
    for segment in recording.segments:
        own = slice(segment.start, segment.stop)
        part = _interpolated(recording.samples[own], times[own], rate)
        stop = start + len(part)
        segments.append(Segment(start, stop, segment.label, segment.group))
        parts.append(part)
        start = stop
    samples = narrowed(np.concatenate(parts))
    return replace(recording, samples=samples, segments=tuple(segments), rate=rate)


def _interpolated(
    samples: NDArray[np.integer], times: NDArray[np.float64], rate: float
) -> NDArray[np.float64]:
    count = int(np.floor((times[-1] - times[0]) * rate + 1e-6)) + 1
    at = times[0] + np.arange(count) / rate
    columns = [np.interp(at, times, axis) for axis in samples.T.astype(np.float64)]
    # Times in float64 are not exact, so a value of n + 0.5 may come out slightly smaller.
    return np.asarray(np.floor(np.round(np.stack(columns, axis=1), EXACT) + 0.5))
