"""The front end `statistics`: five statistics of each axis over a window.

They are the mean, the standard deviation, the smallest and the largest value, and the mean absolute
change from one sample to the next.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ska_edge.arithmetic import window
from ska_edge.arithmetic.fixedpoint import Fixed, T
from ska_edge.arithmetic.function import Argument, FixedFunction
from ska_edge.arithmetic.window import WindowOps
from ska_edge.frontend.front import FEATURE, SAMPLE, Front
from ska_edge.frontend.parameter import Parameter

AXIS_BYTES = 24  # of one axis in a part
NAMES = ("mean", "deviation", "least", "most", "change")
_TRIPLE = re.compile(r"(.*?)([xyz])([^xyz]*)", re.IGNORECASE)


class Statistics:
    """The front end `statistics`; see `Frontend`."""

    summary = "mean, deviation, least, most and mean absolute change of each axis"
    uses = ("vectors",)
    parameters: tuple[Parameter, ...] = ()

    def with_parameters(
        self,
        front: Front,
        axes: Sequence[str],
        given: Mapping[str, Any],  # noqa: ARG002, because there are none
    ) -> Front:
        """Return the front end with its vectors; see `vectors_of`."""
        return replace(front, vectors=vectors_of(axes))

    def names(self, front: Front, axes: Sequence[str]) -> tuple[str, ...]:
        """Return names such as "mean ax"; a magnitude is called by its axes, as |ax ay az|."""
        magnitudes = [f"|{' '.join(axes[axis] for axis in vector)}|" for vector in front.vectors]
        return tuple(f"{name} {axis}" for name in NAMES for axis in (*axes, *magnitudes))

    def features(self, front: Front, ops: WindowOps[T], samples: Fixed[T]) -> Fixed[T]:
        """Return the statistics in the order of `NAMES`, each of all axes, then of magnitudes."""
        length = front.length
        vectors = [
            magnitude(*(window.axis(ops, samples, axis) for axis in vector))
            for vector in front.vectors
        ]
        values = window.joined(ops, [samples, *vectors])
        before, after = (window.part(ops, values, first, length - 1) for first in (0, 1))
        sums = window.total(ops, values, length)
        squares = window.total(ops, square(values), length)
        changes = window.total(ops, change(after, before), length - 1)
        return window.joined(
            ops,
            [
                mean(sums, length),
                deviation(sums, squares, length),
                extreme(window.least(ops, values)),
                extreme(window.most(ops, values)),
                mean(changes, length - 1),
            ],
        )

    def check(self, front: Front) -> None:
        """Do nothing: all windows and vectors suit."""

    def part_bytes(self, front: Front) -> int:
        """Return the bytes of a part: the sums and the extremes of each axis and magnitude."""
        return AXIS_BYTES * front.width

    def functions(self, front: Front) -> tuple[FixedFunction, ...]:
        """Return the functions of a sample, and those of the sums over a window."""
        value = Argument.of("value", SAMPLE)
        length, most = front.length, -SAMPLE.minimum
        total = Argument("total", 0, length * SAMPLE.minimum, length * SAMPLE.maximum)
        squares = Argument("squares", 0, 0, length * most**2)
        changes = Argument("changes", 0, 0, (length - 1) * (2 * most - 1))
        axes = tuple(Argument.of(name, SAMPLE) for name in "xyz")
        return (
            FixedFunction("front_magnitude", "|(x, y, z)|, saturated", axes, magnitude),
            FixedFunction("front_square", "the square of a value", (value,), square),
            FixedFunction(
                "front_change",
                "the absolute change from one sample to the next",
                (value, Argument.of("before", SAMPLE)),
                change,
            ),
            FixedFunction(
                "front_mean", "the mean of a window", (total,), lambda s: mean(s, length)
            ),
            FixedFunction(
                "front_deviation",
                "the standard deviation of a window",
                (total, squares),
                lambda s, q: deviation(s, q, length),
            ),
            FixedFunction("front_extreme", "a value as a feature", (value,), extreme),
            FixedFunction(
                "front_mean_change",
                "the mean absolute change in a window",
                (changes,),
                lambda c: mean(c, length - 1),
            ),
        )


def magnitude(x: Fixed[T], y: Fixed[T], z: Fixed[T]) -> Fixed[T]:
    """Return the magnitude of a vector, rounded down, and saturated to the format of a sample."""
    total = (square(x) + square(y) + square(z)).named("total")
    return total.square_root().saturated(0, SAMPLE.maximum)


def square(value: Fixed[T]) -> Fixed[T]:
    """Return the square of a value."""
    product = value * value
    return product.bounded(0, product.hi)  # a square is not negative


def change(value: Fixed[T], before: Fixed[T]) -> Fixed[T]:
    """Return the absolute change from one sample to the next."""
    return (value - before).named("difference").absolute()


def mean(total: Fixed[T], terms: int) -> Fixed[T]:
    """Return a total divided by the number of its terms."""
    return total.divided(terms).requantize(FEATURE)


def deviation(total: Fixed[T], squares: Fixed[T], terms: int) -> Fixed[T]:
    """Return the standard deviation, sqrt(n sum x^2 - (sum x)^2) / n; the root is rounded down."""
    count = Fixed(total.ops, total.ops.constant(terms), 0, terms, terms)
    spread = squares * count - square(total)
    # It is not negative if both sums are of the same values.
    spread = spread.saturated(0, spread.hi).named("spread")
    return spread.square_root().divided(terms).requantize(FEATURE)


def extreme(value: Fixed[T]) -> Fixed[T]:
    """Return the smallest or largest value of a window."""
    return value.requantize(FEATURE)


def vectors_of(axes: Sequence[str]) -> tuple[tuple[int, int, int], ...]:
    """Return the axes x, y and z of each vector, in the order of its first axis.

    Three axes whose names differ only in x, y and z, such as ax, ay and az, are a vector.
    """
    found: dict[tuple[str, str], dict[str, int]] = {}
    for index, name in enumerate(axes):
        parts = _TRIPLE.fullmatch(name.strip().lower())
        if parts is not None:
            found.setdefault((parts[1], parts[3]), {})[parts[2]] = index
    return tuple((f["x"], f["y"], f["z"]) for f in found.values() if len(f) == 3)
