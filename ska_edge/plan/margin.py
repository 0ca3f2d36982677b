"""Converts a margin between real numbers and integers.

A sample whose output errors are all below the margin changes no weight.
"""

from __future__ import annotations

import math

from ska_edge.arithmetic.fixedpoint import QFormat

LIMIT = 0.5
"""Every margin is below this: decisions with smaller errors give the right class."""


def margin_integer(real: float, format: QFormat) -> int:
    """Return the smallest integer of the format that is at least a margin.

    An integer error is below this integer exactly if the error's real value is below the margin.
    The result is never above the largest integer below `LIMIT`.
    """
    return min(math.ceil(math.ldexp(real, format.frac)), largest_margin(format))


def largest_margin(format: QFormat) -> int:
    """Return the largest integer of the format that is below `LIMIT`."""
    return math.ceil(math.ldexp(LIMIT, format.frac)) - 1


def real_margin(integer: int, format: QFormat) -> float:
    """Return the real number with the fewest decimals that `margin_integer` makes `integer`."""
    exact = math.ldexp(integer, -format.frac)
    decimals = (round(exact, places) for places in range(1, 16))
    fitting = (r for r in decimals if r < LIMIT and margin_integer(r, format) == integer)
    return next(fitting, exact)
