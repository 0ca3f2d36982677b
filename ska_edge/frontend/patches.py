"""The front end `patches`: how strongly small filters respond in each part of an image.

A filter is multiplied with squares of pixels at many places. A response below 0 counts as 0, and
the responses in a cell of the image are summed up. The filters are those of `filter_learning`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from ska_edge.arithmetic import window
from ska_edge.arithmetic.fixedpoint import Fixed, T, width
from ska_edge.arithmetic.function import Argument, FixedFunction
from ska_edge.arithmetic.interval_ops import IntervalOps
from ska_edge.arithmetic.window import WindowOps
from ska_edge.errors import InputError
from ska_edge.frontend.front import FEATURE, SAMPLE, WEIGHT, Filters, Front
from ska_edge.frontend.parameter import integer, shape
from ska_edge.plural import counted

BRIGHTEST = 255  # the largest pixel; the smallest is 0
LONGEST_EDGE = 64  # pixels of an edge of an image
MOST_FILTERS = 64
LARGEST_SIZE = 9
SMALL_SIZE = 3  # of a filter, for images too small for four cells of larger filters
SHAPE = "shape"  # the parameter that is not that of filters: rows and columns of an image
WIDE = 2**20  # sums of small filters have intervals up to this, so that C has 32 bits for all sums


class Patches:
    """The front end `patches`; see `Frontend`."""

    summary = "sums of the responses of filters in each cell of an image"
    uses = ("filters",)
    parameters = (
        integer("filters", 1, MOST_FILTERS),
        integer("size", 1, LARGEST_SIZE),
        integer("stride", 1, LARGEST_SIZE),
        integer("cells", 1, LONGEST_EDGE),
        shape(SHAPE),
    )

    def with_parameters(
        self,
        front: Front,
        axes: Sequence[str],  # noqa: ARG002, because no feature is that of a column
        given: Mapping[str, Any],
    ) -> Front:
        """Return the front end with filters that are not learned; small images have small ones."""
        edge, usual = min(front.length, front.axes), Filters()
        if usual.places(edge) < usual.cells:
            usual = replace(usual, size=SMALL_SIZE, stride=1)
        found = Filters(
            given.get("filters", usual.count),
            given.get("size", usual.size),
            given.get("stride", usual.stride),
        )
        cells = given.get("cells", max(1, min(usual.cells, found.places(edge))))
        return replace(front, filters=replace(found, cells=cells))

    def names(
        self,
        front: Front,
        axes: Sequence[str],  # noqa: ARG002, because no feature is that of a column
    ) -> tuple[str, ...]:
        """Return names such as "filter 3 at 1,2", the second cell in the first row of cells."""
        filters = filters_of(front)
        cells, numbers = range(1, filters.cells + 1), range(1, filters.count + 1)
        return tuple(
            f"filter {number} at {down},{right}"
            for down in cells
            for right in cells
            for number in numbers
        )

    def features(self, front: Front, ops: WindowOps[T], samples: Fixed[T]) -> Fixed[T]:
        """Return the sums of each filter, cell after cell; the cells are in rows."""
        filters = filters_of(front)
        pixels = pixel(samples)
        sums = window.convolved(
            ops, pixels, weight_rows(filters), WEIGHT.frac, filters.size, filters.stride
        )
        responses = response(sums)
        cells = []
        for top, below in pairwise(filters.edges(front.length)):
            rows = window.part(ops, responses, top, below - top)
            columns = window.total(ops, rows, below - top)
            for left, after in pairwise(filters.edges(front.axes)):
                column = window.part(ops, columns, left, after - left)
                cells.append(window.total(ops, column, after - left))
        return feature(window.joined(ops, cells))

    def check(self, front: Front) -> None:
        """Raise InputError for filters that do not suit an image, and for sums of more than 32
        bits.
        """
        filters = front.filters
        if filters is None or front.hop != front.length:
            raise InputError("the front end patches needs images and filters")
        if max(front.length, front.axes) > LONGEST_EDGE:
            raise InputError(
                f"the front end patches takes images of at most {LONGEST_EDGE}x{LONGEST_EDGE}"
                " pixels; make them smaller"
            )
        for name, value, most in (
            ("filters", filters.count, MOST_FILTERS),
            ("size", filters.size, min(LARGEST_SIZE, front.length, front.axes)),
            ("stride", filters.stride, LARGEST_SIZE),
        ):
            if not 1 <= value <= most:
                raise InputError(
                    f"the front end patches has {name}={value}, but for images of"
                    f" {front.length}x{front.axes} pixels it must be 1 to {most}"
                )
        most = min(filters.places(front.length), filters.places(front.axes))
        if not 1 <= filters.cells <= most:
            raise InputError(
                f"the front end patches has cells={filters.cells}, but a filter with"
                f" size={filters.size} and stride={filters.stride} has {counted(most, 'place')}"
                f" along the shorter edge of an image; give cells=1 to {most}, or a smaller size or"
                " stride"
            )
        weights = filters.weights
        if weights and (
            len(weights) != filters.count * filters.size**2
            or min(weights) < WEIGHT.minimum
            or max(weights) > WEIGHT.maximum
        ):
            raise InputError("the weights of the filters do not suit the front end patches")
        most = largest_sum(front)
        if width(0, most) > 32:
            raise InputError(
                "a cell of the front end patches is too large: a sum has more than 32 bits; take"
                " more cells, or a larger stride"
            )

    def part_bytes(self, front: Front) -> int:
        """Return the bytes of a part: the pixels of an image, and the number of pixels so far.

        A core without alignment, such as an AVR, needs a byte less if the number of pixels is odd.
        """
        pixels = front.length * front.axes
        return pixels + pixels % 2 + 2

    def functions(self, front: Front) -> tuple[FixedFunction, ...]:
        """Return the functions of a pixel, of a sum of products, and of the sum of a cell."""
        lo, hi = sum_interval(filters_of(front))
        lo, hi, most = min(lo, -WIDE), max(hi, WIDE), max(largest_sum(front), WIDE)
        return (
            FixedFunction(
                "front_pixel",
                "a value of a sample as a pixel",
                (Argument.of("value", SAMPLE),),
                pixel,
            ),
            FixedFunction(
                "front_response",
                "the response of a filter at a place",
                (Argument("total", WEIGHT.frac, lo, hi),),
                response,
            ),
            FixedFunction(
                "front_feature",
                "the sum of a filter's responses in a cell as a feature",
                (Argument("total", WEIGHT.frac, 0, most),),
                feature,
            ),
        )


def filters_of(front: Front) -> Filters:
    """Return the filters of a front end that has some."""
    assert front.filters is not None
    return front.filters


def weight_rows(filters: Filters) -> list[tuple[int, ...]]:
    """Return the weights of each filter; before they are learned, the largest ones."""
    area = filters.size**2
    if not filters.weights:
        return [(WEIGHT.maximum,) * area, (WEIGHT.minimum,) * area]
    weights = filters.weights
    return [weights[first : first + area] for first in range(0, len(weights), area)]


def sum_interval(filters: Filters) -> tuple[int, int]:
    """Return the interval of the sums of products of a filter and pixels, with partial sums."""
    ops = IntervalOps()
    pixels = Fixed(ops, None, SAMPLE.frac, 0, BRIGHTEST)
    return window.convolved_interval(pixels, weight_rows(filters))


def largest_sum(front: Front) -> int:
    """Return the largest sum of responses in a cell, a bound for every partial sum."""
    filters = filters_of(front)
    down, right = (
        max(after - first for first, after in pairwise(filters.edges(pixels)))
        for pixels in (front.length, front.axes)
    )
    return down * right * sum_interval(filters)[1]


def pixel(value: Fixed[T]) -> Fixed[T]:
    """Return a value of a sample as a pixel, 0 to 255."""
    return value.saturated(0, BRIGHTEST)


def response(total: Fixed[T]) -> Fixed[T]:
    """Return a sum of products, or 0 if it is negative."""
    return total.saturated(0, max(total.hi, 0))


def feature(total: Fixed[T]) -> Fixed[T]:
    """Return the sum of a filter's responses in a cell as a feature."""
    return total.requantize(FEATURE)
