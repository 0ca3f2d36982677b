"""Defines the numpy back end: `Fixed` on int64 arrays, with assertions of proven intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ska_edge.arithmetic.fixedpoint import Fixed, QFormat, Table

Integers = NDArray[np.int64]

# Each type represents all integers up to this size exactly; the fastest type comes first.
EXACT_UP_TO: tuple[tuple[type[np.floating[Any]], int], ...] = (
    (np.float32, 2**24),
    (np.float64, 2**53),
)
# Matrix products of this many multiplications or more are faster in BLAS, despite its float copies.
WORTH_BLAS = 1 << 15


class NumpyOps:
    """Executes each operation immediately on int64 arrays of any (broadcastable) shape.

    Args:
        check: assert that the results of sums, products and roundings are in their proven
            intervals. A failed assertion is a defect of this package, never of the data.
    """

    def __init__(self, check: bool = True) -> None:
        self._check = check
        self._tables: dict[Table, Integers] = {}

    def _seen(self, value: Integers, lo: int, hi: int) -> Integers:
        if self._check and value.size:
            least, most = int(value.min()), int(value.max())
            assert lo <= least and most <= hi, f"[{least}, {most}] exceeds the proven [{lo}, {hi}]"
        return value

    def constant(self, value: int) -> Integers:
        return np.array(value, dtype=np.int64)

    def add(self, a: Integers, b: Integers, lo: int, hi: int) -> Integers:
        return self._seen(a + b, lo, hi)

    def subtract(self, a: Integers, b: Integers, lo: int, hi: int) -> Integers:
        return self._seen(a - b, lo, hi)

    def multiply(self, a: Integers, b: Integers, lo: int, hi: int) -> Integers:
        return self._seen(a * b, lo, hi)

    def round_shift(self, a: Integers, shift: int, lo: int, hi: int) -> Integers:
        return self._seen(a + (1 << (shift - 1)), lo, hi) >> shift

    def clip(self, a: Integers, lo: int, hi: int) -> Integers:
        kept: Integers = np.minimum(np.maximum(a, lo), hi)
        return kept

    def high_bits(self, a: Integers, shift: int) -> Integers:
        return a >> shift

    def low_bits(self, a: Integers, shift: int) -> Integers:
        return a & ((1 << shift) - 1)

    def square_root(self, a: Integers, lo: int, hi: int) -> Integers:
        # A float64 has fewer bits than an int64, so the root of the float may be 1 off.
        near = np.sqrt(a.astype(np.float64)).astype(np.int64)
        near -= near * near > a
        root: Integers = near + ((near + 1) * (near + 1) <= a)
        return root

    def logarithm(self, a: Integers, frac: int, lo: int, hi: int) -> Integers:
        # A float64 has fewer bits than an int64, so its exponent may be 1 too large.
        power = np.frexp(a.astype(np.float64))[1].astype(np.int64) - 1
        power -= (np.int64(1) << power) > a
        mantissa = (a.astype(np.uint64) << (63 - power).astype(np.uint64)) >> np.uint64(63 - frac)
        line: Integers = (power - 1) * (1 << frac) + mantissa.astype(np.int64)
        return line

    def lookup(self, table: Table, index: Integers) -> Integers:
        values = self._tables.get(table)
        if values is None:
            values = self._tables[table] = np.array(table.values, dtype=np.int64)
        found: Integers = values[index]
        return found

    def name(self, a: Integers, name: str, comment: str, lo: int, hi: int) -> Integers:
        return self._seen(a, lo, hi)

    def axis(self, a: Integers, index: int) -> Integers:
        return a[..., index : index + 1]

    def joined(self, parts: Sequence[Integers]) -> Integers:
        return np.concatenate(parts, axis=-1)

    def row(self, values: Sequence[int]) -> Integers:
        return np.array(values, dtype=np.int64)

    def part(self, a: Integers, first: int, count: int) -> Integers:
        return a[:, first : first + count]

    def along(self, values: Sequence[int]) -> Integers:
        return np.array(values, dtype=np.int64)[:, np.newaxis]

    def taken(self, a: Integers, places: Sequence[int]) -> Integers:
        return a[:, list(places)]

    def spread(self, a: Integers) -> Integers:
        return a[:, np.newaxis]

    def chained(self, parts: Sequence[Integers]) -> Integers:
        return np.concatenate(parts, axis=1)

    def total(self, a: Integers, lo: int, hi: int) -> Integers:
        return self._seen(a.sum(axis=1), lo, hi)

    def convolved(
        self,
        a: Integers,
        filters: Sequence[Sequence[int]],
        size: int,
        stride: int,
        lo: int,
        hi: int,
    ) -> Integers:
        return self.dot(np.array(filters, dtype=np.int64), squares(a, size, stride), lo, hi)

    def scanned(
        self, a: Integers, step: Callable[[NumpyOps, Integers, Integers], Integers]
    ) -> Integers:
        states = np.empty_like(a)
        before = np.zeros_like(a[:, 0])
        for number in range(a.shape[1]):
            before = states[:, number] = step(self, a[:, number], before)
        return states

    def least(self, a: Integers) -> Integers:
        least: Integers = a.min(axis=1)
        return least

    def most(self, a: Integers) -> Integers:
        most: Integers = a.max(axis=1)
        return most

    def dot(self, weights: Integers, inputs: Integers, lo: int, hi: int) -> Integers:
        if inputs.shape[0] * weights.size >= WORTH_BLAS:
            for kind, limit in EXACT_UP_TO:
                if -limit <= lo and hi <= limit:
                    # The type holds every partial sum exactly, so BLAS gives the same bits.
                    real: NDArray[Any] = inputs.astype(kind) @ weights.T.astype(kind)
                    sums: Integers = real.astype(np.int64)
                    return self._seen(sums, lo, hi)
        exact: Integers = inputs @ weights.T
        return self._seen(exact, lo, hi)


def squares(images: Integers, size: int, stride: int) -> Integers:
    """Return the squares of `size` pixels of images (images, rows, columns).

    A square begins `stride` pixels after the one before. The result is (images, places down, places
    to the right, size * size).
    """
    rows = sliding_window_view(images, size, axis=1)[:, ::stride]
    whole = sliding_window_view(rows, size, axis=2)[:, :, ::stride]
    return whole.reshape(*whole.shape[:3], size * size)


def stored(ops: NumpyOps, data: NDArray[np.integer], format: QFormat) -> Fixed[Integers]:
    """Return a stored integer tensor as a `Fixed`; its values must be in the format's range."""
    return Fixed.of(ops, data.astype(np.int64, copy=False), format)


def at_limits(data: Integers, format: QFormat) -> int:
    """Count the integers that are at a limit of their format."""
    return int(((data == format.minimum) | (data == format.maximum)).sum())
