"""Learns how an echo scales its axes, from windows without labels; its signs and biases are random.

The mean of an axis is subtracted, and the rest is divided by its standard deviation. Everything is
computed with integers, and with random integers of numpy, so every computer learns the same echo.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ska_edge.frontend.echo import FACTOR_FRAC, INPUT_FRAC, echo_of
from ska_edge.frontend.front import Echo, Front

STREAM = 6  # of the random numbers of a training's seed
DRAWN_BIAS = 3 * 2 ** (INPUT_FRAC - 2)  # the largest bias that is drawn, 3/4
SPREAD = 2  # the standard deviation of a scaled axis is 1/2
CHANGES = 4  # the sign of one unit in four, on average, differs from that of the unit before it


def learned_echo(front: Front, windows: NDArray[np.int16], seed: int) -> Echo:
    """Return the echo of a front end, learned from windows (n, length, axes), n >= 1."""
    rng = np.random.default_rng([seed, STREAM])
    units, axes = echo_of(front).units, front.axes
    scales = [_scale(windows[:, :, axis]) for axis in range(axes)]
    signs = np.where(rng.integers(CHANGES, size=units), 1, -1).cumprod()
    biases = rng.integers(-DRAWN_BIAS, DRAWN_BIAS + 1, size=units)
    offsets, factors = zip(*scales, strict=True)
    return Echo(units, offsets, factors, tuple(signs.tolist()), tuple(biases.tolist()))


def _scale(values: NDArray[np.int16]) -> tuple[int, int]:
    """Return the offset and the factor of an axis; a standard deviation below 1 counts as 1."""
    count = values.size
    total = int(values.sum(dtype=np.int64))
    squares = int(np.square(values, dtype=np.int64).sum())
    spread = max(count * squares - total**2, count**2)  # count^2 times the variance
    offset = (2 * total + count) // (2 * count)
    return offset, count * 2**FACTOR_FRAC // (SPREAD * math.isqrt(spread))
