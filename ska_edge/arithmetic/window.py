"""Defines values over the samples of a window, for back ends that have windows as arrays.

Samples are (windows, samples, axes); a value over the samples is (windows, axes).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from ska_edge.arithmetic.fixedpoint import Fixed, Ops, QFormat, T


class WindowOps(Ops[T], Protocol[T]):
    """A back end that also computes over the samples of windows."""

    def axis(self, a: T, index: int) -> T:
        """Return one axis of samples, (windows, samples, 1)."""
        ...

    def joined(self, parts: Sequence[T]) -> T:
        """Join values along their last axis."""
        ...

    def row(self, values: Sequence[int]) -> T:
        """Return stored integers, one for each value along the last axis."""
        ...

    def part(self, a: T, first: int, count: int) -> T:
        """Return `count` samples of each window, from number `first` on."""
        ...

    def along(self, values: Sequence[int]) -> T:
        """Return a constant for each sample, (samples, 1)."""
        ...

    def taken(self, a: T, places: Sequence[int]) -> T:
        """Return the samples with these numbers, in this order."""
        ...

    def spread(self, a: T) -> T:
        """Return a value over the samples as one sample of each window, (windows, 1, axes)."""
        ...

    def chained(self, parts: Sequence[T]) -> T:
        """Join values along their samples."""
        ...

    def total(self, a: T, lo: int, hi: int) -> T:
        """Return the sum over the samples; lo and hi bound every partial sum."""
        ...

    def convolved(
        self, a: T, filters: Sequence[Sequence[int]], size: int, stride: int, lo: int, hi: int
    ) -> T:
        """Return the sum of products of each filter with each square of `size` pixels of images.

        `a` is (images, rows, columns), and a filter has the weights of a square, row by row. A
        square begins `stride` pixels after the one before. The result is (images, places down,
        places to the right, filters); lo and hi bound every partial sum.
        """
        ...

    def scanned(self, a: T, step: Callable[[WindowOps[T], T, T], T]) -> T:
        """Return a state after each sample, (windows, samples, axes); it is 0 before the first.

        `step` takes a back end, a sample and the state before it, both (windows, axes), and returns
        the next state. It must compute with this back end alone.
        """
        ...

    def least(self, a: T) -> T:
        """Return the smallest sample."""
        ...

    def most(self, a: T) -> T:
        """Return the largest sample."""
        ...


def axis(ops: WindowOps[T], samples: Fixed[T], index: int) -> Fixed[T]:
    """Return one axis of samples, (windows, samples, 1)."""
    return Fixed(ops, ops.axis(samples.data, index), samples.frac, samples.lo, samples.hi)


def joined(ops: WindowOps[T], parts: Sequence[Fixed[T]]) -> Fixed[T]:
    """Join values of the same fraction along their last axis; the interval contains all of them."""
    (frac,) = {part.frac for part in parts}
    lo, hi = min(part.lo for part in parts), max(part.hi for part in parts)
    return Fixed(ops, ops.joined([part.data for part in parts]), frac, lo, hi)


def row(ops: WindowOps[T], values: Sequence[int], frac: int) -> Fixed[T]:
    """Return stored integers with `frac` fractional bits, one for each value of the last axis."""
    return Fixed(ops, ops.row(values), frac, min(values), max(values))


def part(ops: WindowOps[T], samples: Fixed[T], first: int, count: int) -> Fixed[T]:
    """Return `count` samples of each window, from number `first` on."""
    data = ops.part(samples.data, first, count)
    return Fixed(ops, data, samples.frac, samples.lo, samples.hi)


def along(ops: WindowOps[T], values: Sequence[int], frac: int) -> Fixed[T]:
    """Return a constant for each sample, (samples, 1); all axes and windows have the same."""
    return Fixed(ops, ops.along(values), frac, min(values), max(values))


def taken(ops: WindowOps[T], samples: Fixed[T], places: Sequence[int]) -> Fixed[T]:
    """Return the samples with these numbers, in this order."""
    return Fixed(ops, ops.taken(samples.data, places), samples.frac, samples.lo, samples.hi)


def spread(ops: WindowOps[T], value: Fixed[T]) -> Fixed[T]:
    """Return a value over the samples as one sample of each window, (windows, 1, axes)."""
    return Fixed(ops, ops.spread(value.data), value.frac, value.lo, value.hi)


def chained(ops: WindowOps[T], parts: Sequence[Fixed[T]]) -> Fixed[T]:
    """Join values of the same fraction along their samples; the interval contains all of them."""
    (frac,) = {part.frac for part in parts}
    lo, hi = min(part.lo for part in parts), max(part.hi for part in parts)
    return Fixed(ops, ops.chained([part.data for part in parts]), frac, lo, hi)


def total(ops: WindowOps[T], samples: Fixed[T], terms: int) -> Fixed[T]:
    """Return the exact sum over the samples of each window, `terms` of them."""
    lo, hi = terms * samples.lo, terms * samples.hi
    # The interval that the back end gets also contains every partial sum.
    return Fixed(ops, ops.total(samples.data, min(lo, 0), max(hi, 0)), samples.frac, lo, hi)


def convolved(
    ops: WindowOps[T],
    images: Fixed[T],
    filters: Sequence[Sequence[int]],
    frac: int,
    size: int,
    stride: int,
) -> Fixed[T]:
    """Return the exact sums of products of filters with squares of images.

    The weights of a filter have `frac` fractional bits. The shapes are those of
    `WindowOps.convolved`.
    """
    lo, hi = convolved_interval(images, filters)
    data = ops.convolved(images.data, filters, size, stride, lo, hi)
    return Fixed(ops, data, images.frac + frac, lo, hi)


def convolved_interval(images: Fixed[T], filters: Sequence[Sequence[int]]) -> tuple[int, int]:
    """Return an interval that contains every partial sum of products of a filter with pixels."""
    least, most = min(images.lo, 0), max(images.hi, 0)
    lo = min(sum(min(w * least, w * most) for w in weights) for weights in filters)
    hi = max(sum(max(w * least, w * most) for w in weights) for weights in filters)
    return lo, hi


def scanned(
    ops: WindowOps[T],
    samples: Fixed[T],
    state: QFormat,
    step: Callable[[WindowOps[T], Fixed[T], Fixed[T]], Fixed[T]],
) -> Fixed[T]:
    """Return a state in the format `state` after each sample, (windows, samples, axes).

    `step` computes the next state from a sample and the state before it, which is 0 at first, as
    `WindowOps.scanned` says. Raises ValueError if the next state can exceed the format.
    """

    def stepped(ops: WindowOps[T], sample: T, before: T) -> T:
        value = Fixed(ops, sample, samples.frac, samples.lo, samples.hi)
        found = step(ops, value, Fixed.of(ops, before, state))
        if found.frac != state.frac or found.lo < state.minimum or found.hi > state.maximum:
            raise ValueError(f"a state in [{found.lo}, {found.hi}] does not suit {state.name}")
        return found.data

    return Fixed.of(ops, ops.scanned(samples.data, stepped), state)


def least(ops: WindowOps[T], samples: Fixed[T]) -> Fixed[T]:
    """Return the smallest sample of each window."""
    return Fixed(ops, ops.least(samples.data), samples.frac, samples.lo, samples.hi)


def most(ops: WindowOps[T], samples: Fixed[T]) -> Fixed[T]:
    """Return the largest sample of each window."""
    return Fixed(ops, ops.most(samples.data), samples.frac, samples.lo, samples.hi)
