"""Computes the times of samples that were taken at an even rate from their times of arrival."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

PAUSE = 0.1  # seconds; a shorter pause comes from buffers on the way, such as those of USB
STEPS = 3.0  # usual steps; a shorter pause is not a gap
LATE = 0.25  # seconds that most samples may arrive before or after their even times
MOST = 0.9  # fraction of the samples; the others may wait until a busy host reads them


def even_times(arrived: FloatArray) -> FloatArray | None:
    """Return the times of samples (n,) in seconds, which a board took at an even rate.

    Lines arrive in bundles, so their times jitter although the samples do not. The result is a
    line through the times `arrived` (n,), by least squares, as LabStreamingLayer does it. A pause
    after which the samples do not catch up is a gap: the line begins anew, with the same slope.

    Returns None if the samples do not seem even, because many of them arrive more than `LATE` from
    the line or the result does not rise, or if there are fewer than three samples.
    """
    if len(arrived) < 3:
        return None
    starts = _starts(arrived)
    parts = [slice(a, b) for a, b in zip(starts, [*starts[1:], len(arrived)], strict=True)]
    number = np.arange(len(arrived), dtype=np.float64)
    centered = [(number[each] - number[each].mean(), arrived[each]) for each in parts]
    squares = sum(float(n @ n) for n, _ in centered)
    step = sum(float(n @ (t - t.mean())) for n, t in centered) / squares if squares else 0.0
    if step <= 0:
        return None
    times = np.concatenate([t.mean() + step * n for n, t in centered])
    if np.quantile(np.abs(times - arrived), MOST) > LATE or (np.diff(times) <= 0).any():
        return None
    return np.asarray(times)


def _starts(arrived: FloatArray) -> list[int]:
    """Return 0, and the index of each sample before which samples are missing."""
    steps = np.diff(arrived)
    pauses = np.flatnonzero(steps > PAUSE)
    usual = float(np.delete(steps, pauses).mean()) if len(pauses) < len(steps) else 0.0
    if usual <= 0:
        return [0]
    found = [0]
    for pause in pauses[steps[pauses] > STEPS * usual].tolist():
        # How late each following sample is. If none is missing, they catch up within a second.
        end = pause + 1 + max(int(1 / usual), 1)
        after = arrived[pause + 1 : end] - arrived[pause]
        late = after - usual * np.arange(1, len(after) + 1)
        if late.min() > PAUSE / 2:
            found.append(pause + 1)
    return found
