"""Defines a back end without data, on which a function computes only intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ska_edge.arithmetic.fixedpoint import Table


class IntervalOps:
    """The back end of the range proof: every value is None, and `Fixed` has the intervals."""

    def constant(self, value: int) -> None:
        return None

    def add(self, a: None, b: None, lo: int, hi: int) -> None:
        return None

    def subtract(self, a: None, b: None, lo: int, hi: int) -> None:
        return None

    def multiply(self, a: None, b: None, lo: int, hi: int) -> None:
        return None

    def round_shift(self, a: None, shift: int, lo: int, hi: int) -> None:
        return None

    def clip(self, a: None, lo: int, hi: int) -> None:
        return None

    def high_bits(self, a: None, shift: int) -> None:
        return None

    def low_bits(self, a: None, shift: int) -> None:
        return None

    def square_root(self, a: None, lo: int, hi: int) -> None:
        return None

    def logarithm(self, a: None, frac: int, lo: int, hi: int) -> None:
        return None

    def lookup(self, table: Table, index: None) -> None:
        return None

    def name(self, a: None, name: str, comment: str, lo: int, hi: int) -> None:
        return None

    def axis(self, a: None, index: int) -> None:
        return None

    def joined(self, parts: Sequence[None]) -> None:
        return None

    def row(self, values: Sequence[int]) -> None:
        return None

    def part(self, a: None, first: int, count: int) -> None:
        return None

    def along(self, values: Sequence[int]) -> None:
        return None

    def taken(self, a: None, places: Sequence[int]) -> None:
        return None

    def spread(self, a: None) -> None:
        return None

    def chained(self, parts: Sequence[None]) -> None:
        return None

    def total(self, a: None, lo: int, hi: int) -> None:
        return None

    def convolved(
        self, a: None, filters: Sequence[Sequence[int]], size: int, stride: int, lo: int, hi: int
    ) -> None:
        return None

    def scanned(self, a: None, step: Callable[[IntervalOps, None, None], None]) -> None:
        step(self, None, None)  # its interval holds for every step

    def least(self, a: None) -> None:
        return None

    def most(self, a: None) -> None:
        return None

    def dot(self, weights: None, inputs: None, lo: int, hi: int) -> None:
        return None
