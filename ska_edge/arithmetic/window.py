"""Defines values over the samples of a window, for back ends that have windows as arrays.

Samples are (windows, samples, axes); a value over the samples is (windows, axes). In C, loops of
the runtime compute the same values.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ska_edge.arithmetic.fixedpoint import Fixed, Ops, T


class WindowOps(Ops[T], Protocol[T]):
    """A back end that also computes over the samples of windows."""

    def axis(self, a: T, index: int) -> T:
        """Return one axis of samples, (windows, samples, 1)."""
        ...

    def joined(self, parts: Sequence[T]) -> T:
        """Join values along their last axis."""
        ...

    def part(self, a: T, first: int, count: int) -> T:
        """Return `count` samples of each window, from number `first` on."""
        ...

    def total(self, a: T, lo: int, hi: int) -> T:
        """Return the sum over the samples; lo and hi bound every partial sum."""
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


def part(ops: WindowOps[T], samples: Fixed[T], first: int, count: int) -> Fixed[T]:
    """Return `count` samples of each window, from number `first` on."""
    data = ops.part(samples.data, first, count)
    return Fixed(ops, data, samples.frac, samples.lo, samples.hi)


def total(ops: WindowOps[T], samples: Fixed[T], terms: int) -> Fixed[T]:
    """Return the exact sum over the samples of each window, `terms` of them."""
    lo, hi = terms * samples.lo, terms * samples.hi
    # The interval that the back end gets also contains every partial sum.
    return Fixed(ops, ops.total(samples.data, min(lo, 0), max(hi, 0)), samples.frac, lo, hi)


def least(ops: WindowOps[T], samples: Fixed[T]) -> Fixed[T]:
    """Return the smallest sample of each window."""
    return Fixed(ops, ops.least(samples.data), samples.frac, samples.lo, samples.hi)


def most(ops: WindowOps[T], samples: Fixed[T]) -> Fixed[T]:
    """Return the largest sample of each window."""
    return Fixed(ops, ops.most(samples.data), samples.frac, samples.lo, samples.hi)
