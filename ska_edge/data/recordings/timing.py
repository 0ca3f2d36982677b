"""Checks the timestamps of a recording: its rate and its gaps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ska_edge.errors import OptionError

FloatArray = NDArray[np.float64]

GAP = 1.5  # a step that is longer than this many usual steps is a gap
JUMP = 0.2  # fraction by which the usual step of a block may differ from that of the recording
BLOCK = 16  # steps of a block; a few gaps in a block do not change its median
EXACT = 1e-9  # seconds; two steps that differ less are equal
DIGITS = 9  # most decimals of a time
ALIKE = 0.05  # fraction by which the rates of two recordings may differ


@dataclass(frozen=True, eq=False)
class Timing:
    """What the timestamps of a recording say.

    Attributes:
        rate: samples per second.
        breaks: samples (gaps,) before which samples are missing, or the time falls.
        seconds: the sum of the steps, without the steps at breaks.
        jitter: the standard deviation of the summed steps, in seconds.
    """

    rate: float
    breaks: NDArray[np.int64]
    seconds: float
    jitter: float


def timing(
    times: FloatArray, tick: float, place: Callable[[int], str], even: bool = True
) -> Timing:
    """Return what times (samples,) in seconds say; `place` names a sample for an error sentence.

    The times are multiples of `tick` seconds. If the time falls, as after a restart of the board,
    the recording has a break there, as at a gap. If the samples need not be `even`, because they
    are interpolated, the rate may jump.

    Raises OptionError for a single sample, for times that mostly do not rise, and for a rate that
    jumps.
    """
    steps = np.diff(times)
    if not len(steps):
        raise OptionError("{place} is the only sample; a recording needs several", place=place(0))
    usual = float(np.median(steps))
    if usual <= 0:
        at = int(np.flatnonzero(steps <= 0)[0]) + 1
        raise OptionError(
            "{place}: most times do not rise, so they do not tell the rate; leave the column out"
            " with {drop}, and give the {sample_rate}",
            place=place(at),
        )
    if even:
        _refuse_jump(steps, usual, max(JUMP * usual, tick), place)
    longest = max(GAP * usual, usual + tick) + EXACT
    breaks = np.flatnonzero((steps > longest) | (steps < 0)) + 1
    regular = np.delete(steps, breaks - 1)
    mean = float(regular.mean()) if even else usual
    return Timing(1 / mean, breaks, float(regular.sum()), float(regular.std()))


def _refuse_jump(
    steps: FloatArray, usual: float, tolerance: float, place: Callable[[int], str]
) -> None:
    """Raise OptionError if the usual step of a block is not that of the recording."""
    count = len(steps) // BLOCK
    blocks = np.median(steps[: count * BLOCK].reshape(count, BLOCK), axis=1)
    jumps = np.flatnonzero(np.abs(blocks - usual) > tolerance + EXACT)
    if not len(jumps):
        return
    found = float(blocks[jumps[0]])
    other = f"{1 / found:.4g} Hz" if found > 0 else "unknown"
    raise OptionError(
        "{place}: the rate jumps: it is {other} here, and {usual} Hz in most of the recording;"
        " record at one rate, or interpolate the samples with {resample}",
        place=place(int(jumps[0]) * BLOCK),
        usual=f"{1 / usual:.4g}",
        other=other,
    )


def tick_of(values: FloatArray) -> float:
    """Return the largest power of ten, 1e-9 to 1, of which all times are multiples.

    Returns 1e-9 if there is none.
    """
    for digits in range(DIGITS):
        scaled = values * 10.0**digits
        if (np.abs(scaled - np.rint(scaled)) < 1e-3).all():
            return float(10.0**-digits)
    return float(10.0**-DIGITS)


def alike(one: float, other: float) -> bool:
    """Tell whether two rates in Hz are equal within the tolerance of clocks."""
    return abs(one - other) <= ALIKE * max(one, other)
