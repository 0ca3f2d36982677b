"""Lists the intervals of the integers that a front end computes with."""

from __future__ import annotations

from dataclasses import dataclass

from ska_edge.arithmetic.fixedpoint import Fixed, width
from ska_edge.arithmetic.interval_ops import IntervalOps
from ska_edge.frontend.front import Front
from ska_edge.frontend.frontends import front_functions


@dataclass(frozen=True, slots=True)
class FrontBound:
    """An argument or the result of a function of a front end: every integer is in [lo, hi].

    Attributes:
        function: name of the function, without `front_`.
        value: name of the argument; "" for the result.
        frac: fractional bits.
        lo, hi: the interval, for any samples.
        width: bits of the C integer, 32 or 64.
    """

    function: str
    value: str
    frac: int
    lo: int
    hi: int
    width: int


def front_bounds(front: Front) -> tuple[FrontBound, ...]:
    """Return the arguments of each function of a front end, and its result."""
    ops = IntervalOps()
    bounds: list[FrontBound] = []
    for function in front_functions(front):
        name = function.name.removeprefix("front_")
        arguments = [
            Fixed(ops, None, argument.frac, argument.lo, argument.hi)
            for argument in function.arguments
        ]
        names = (*(argument.name for argument in function.arguments), "")
        for value, found in zip(names, (*arguments, function.body(*arguments)), strict=True):
            bits = width(found.lo, found.hi)
            bounds.append(FrontBound(name, value, found.frac, found.lo, found.hi, bits))
    return tuple(bounds)
