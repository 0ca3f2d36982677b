"""Defines the arithmetic: Q formats, values with intervals, rounding and saturation.

The functions of a neuron are written once on `Fixed`, for the host, for ONNX and for C. A back end
(`Ops`) executes the operations. The interval of a value determines whether a saturation can be left
out, so all back ends agree. `docs/ARITHMETIC.md` has worked numbers. The file is long, because
formats, values and rounding are read together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from ska_edge.errors import InputError

T = TypeVar("T")

INT32_MIN, INT32_MAX = -(2**31), 2**31 - 1
INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
RECIPROCAL_BITS = 16  # bits of the factor that divides by a constant


class RangeError(InputError):
    """An interval exceeds the widest integer, so the plan cannot be computed exactly."""


@dataclass(frozen=True, slots=True)
class QFormat:
    """A signed two's-complement fixed-point format: real value = integer * 2**-frac, zero point 0.

    Attributes:
        bits: width of the stored integer, including the sign (8, 16 or 32 in stored tensors).
        frac: number of fractional bits; may be larger than `bits` or negative.
    """

    bits: int
    frac: int

    @property
    def minimum(self) -> int:
        """Smallest integer of the format."""
        return -(1 << (self.bits - 1))

    @property
    def maximum(self) -> int:
        """Largest integer of the format."""
        return (1 << (self.bits - 1)) - 1

    @property
    def name(self) -> str:
        """Name as Qm.n without the sign bit, e.g. Q3.12 for 16 bits with 12 fractional bits."""
        return f"Q{self.bits - 1 - self.frac}.{self.frac}"

    def quantize(self, real: NDArray[np.float64]) -> NDArray[np.int64]:
        """Round real values to integers (half up), saturated to the format; any shape."""
        scaled = np.floor(np.asarray(real, dtype=np.float64) * 2.0**self.frac + 0.5)
        return np.clip(scaled, self.minimum, self.maximum).astype(np.int64)

    def dequantize(self, integers: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return the real values of integers in this format; any shape."""
        return np.asarray(integers, dtype=np.float64) * 2.0**-self.frac


def float32_integers(
    real: NDArray[np.floating], points: NDArray[np.int64], format: QFormat
) -> NDArray[np.int64]:
    """Convert real numbers (n, d) to float32, and then to integers: real * 2**point, half up.

    `points` are (d,), from -1000 to 1000. The integers are saturated to `format`, also for infinite
    numbers; NaN becomes 0. C does the same in integers, see `ska_float32_integer` in ska_fixed.h.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # beyond float32: infinite; NaN stays NaN
        narrow = np.asarray(real).astype(np.float32).astype(np.float64)
    scaled = np.floor(
        np.ldexp(np.nan_to_num(narrow, nan=0.0, posinf=np.inf, neginf=-np.inf), points) + 0.5
    )
    return np.clip(scaled, format.minimum, format.maximum).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Rate:
    """A learning rate as a mantissa and a shift: real value = mantissa * 2**-15 * 2**-shift.

    The mantissa is in (2**14, 2**15], so a rate that is a power of two loses no bit in a product.
    Each neuron's delta is multiplied by the mantissa once; the shift is part of the rounding shift
    of the weight update.
    """

    mantissa: int
    shift: int

    MANTISSA_FRAC = 15

    @classmethod
    def from_real(cls, rate: float) -> Rate:
        """Return the nearest representable rate.

        Raises InputError unless the rate is positive and finite.
        """
        if not (math.isfinite(rate) and rate > 0):
            raise InputError(f"the rate must be a positive number, not {rate}")
        fraction, exponent = math.frexp(rate)  # rate = fraction * 2**exponent, 0.5 <= fraction < 1
        mantissa = math.floor(fraction * 2**cls.MANTISSA_FRAC + 0.5)
        if mantissa == 2 ** (cls.MANTISSA_FRAC - 1):
            mantissa, exponent = 2 * mantissa, exponent - 1
        return cls(mantissa, -exponent)

    @property
    def real(self) -> float:
        """The real value of this rate, as used in the arithmetic."""
        return math.ldexp(self.mantissa, -self.MANTISSA_FRAC - self.shift)


@dataclass(frozen=True, slots=True)
class Table:
    """A lookup table of integers in `format`; `name` is the name of its C array."""

    name: str
    values: tuple[int, ...]
    format: QFormat


class Ops(Protocol[T]):
    """The operations of a back end.

    `lo` and `hi` bound the result, except where a method says otherwise.
    """

    def constant(self, value: int) -> T: ...
    def add(self, a: T, b: T, lo: int, hi: int) -> T: ...
    def subtract(self, a: T, b: T, lo: int, hi: int) -> T: ...
    def multiply(self, a: T, b: T, lo: int, hi: int) -> T: ...
    def round_shift(self, a: T, shift: int, lo: int, hi: int) -> T:
        """Return (a + 2**(shift-1)) >> shift, shift >= 1; lo, hi bound the sum before the shift."""
        ...

    def clip(self, a: T, lo: int, hi: int) -> T:
        """Return the nearest value in [lo, hi]."""
        ...

    def high_bits(self, a: T, shift: int) -> T:
        """Return the upper part a >> shift of a value known to be >= 0."""
        ...

    def low_bits(self, a: T, shift: int) -> T:
        """Return the remainder a modulo 2**shift, which is >= 0."""
        ...

    def square_root(self, a: T, lo: int, hi: int) -> T:
        """Return the largest integer whose square is at most a; a is in [lo, hi], and lo >= 0."""
        ...

    def logarithm(self, a: T, frac: int, lo: int, hi: int) -> T:
        """Return log2(a), linear between powers of two and rounded down; a >= lo >= 1."""
        ...

    def lookup(self, table: Table, index: T) -> T: ...
    def name(self, a: T, name: str, comment: str, lo: int, hi: int) -> T:
        """Name an intermediate value, if the back end has names (C variables)."""
        ...


class ArrayOps(Ops[T], Protocol[T]):
    """A back end that also has matrix products."""

    def dot(self, weights: T, inputs: T, lo: int, hi: int) -> T:
        """Return the sums inputs weights^T, (batch, rows).

        `weights` are (rows, terms), `inputs` are (batch, terms).
        """
        ...


@dataclass(frozen=True, slots=True)
class Fixed(Generic[T]):
    """A fixed-point value (or array) in a back end, with the proven interval of its integers.

    Attributes:
        ops: the back end.
        data: the back end's value: an integer array, an ONNX edge, a C expression, or nothing.
        frac: number of fractional bits.
        lo, hi: bounds of the integer.

    Raises RangeError if the interval exceeds 64 bits.
    """

    ops: Ops[T]
    data: T
    frac: int
    lo: int
    hi: int

    def __post_init__(self) -> None:
        if self.lo < INT64_MIN or self.hi > INT64_MAX:
            raise RangeError(f"a value in [{self.lo}, {self.hi}] does not fit into 64 bits")

    @classmethod
    def of(cls, ops: Ops[T], data: T, format: QFormat) -> Fixed[T]:
        """Create a stored value; its interval is the whole range of its format."""
        return cls(ops, data, format.frac, format.minimum, format.maximum)

    def constant(self, real: float) -> Fixed[T]:
        """Return `real` as an exact constant with as many fractional bits as this value.

        Raises ValueError if these bits cannot represent `real` exactly.
        """
        scaled = math.ldexp(real, self.frac)
        integer = int(scaled)
        if integer != scaled:
            raise ValueError(f"{real} is not exact with {self.frac} fractional bits")
        return Fixed(self.ops, self.ops.constant(integer), self.frac, integer, integer)

    def _aligned(self, other: Fixed[T]) -> tuple[Fixed[T], Fixed[T], int]:
        frac = max(self.frac, other.frac)
        return self.aligned(frac), other.aligned(frac), frac

    def aligned(self, frac: int) -> Fixed[T]:
        """Return exactly the same real value with `frac` >= self.frac fractional bits."""
        if frac == self.frac:
            return self
        factor = 1 << (frac - self.frac)
        lo, hi = self.lo * factor, self.hi * factor
        data = self.ops.multiply(self.data, self.ops.constant(factor), lo, hi)
        return Fixed(self.ops, data, frac, lo, hi)

    def __add__(self, other: Fixed[T]) -> Fixed[T]:
        a, b, frac = self._aligned(other)
        lo, hi = a.lo + b.lo, a.hi + b.hi
        return Fixed(self.ops, self.ops.add(a.data, b.data, lo, hi), frac, lo, hi)

    def __sub__(self, other: Fixed[T]) -> Fixed[T]:
        a, b, frac = self._aligned(other)
        lo, hi = a.lo - b.hi, a.hi - b.lo
        return Fixed(self.ops, self.ops.subtract(a.data, b.data, lo, hi), frac, lo, hi)

    def __mul__(self, other: Fixed[T]) -> Fixed[T]:
        lo, hi = product_interval(self, other)
        data = self.ops.multiply(self.data, other.data, lo, hi)
        return Fixed(self.ops, data, self.frac + other.frac, lo, hi)

    def scaled(self, exponent: int) -> Fixed[T]:
        """Return the real value times 2**exponent; only the binary point moves, no bit changes."""
        return Fixed(self.ops, self.data, self.frac - exponent, self.lo, self.hi)

    def rounded(self, frac: int) -> Fixed[T]:
        """Round half up to `frac` fractional bits; exact if the value has no more than `frac`."""
        shift = self.frac - frac
        if shift <= 0:
            return self.aligned(frac)
        half = 1 << (shift - 1)
        data = self.ops.round_shift(self.data, shift, self.lo, self.hi + half)
        return Fixed(self.ops, data, frac, (self.lo + half) >> shift, (self.hi + half) >> shift)

    def saturated(self, lo: int, hi: int) -> Fixed[T]:
        """Clip the integer to [lo, hi]; no operation if the interval is already inside."""
        if lo <= self.lo and self.hi <= hi:
            return self
        data = self.ops.clip(self.data, lo, hi)
        return Fixed(
            self.ops, data, self.frac, min(max(self.lo, lo), hi), max(min(self.hi, hi), lo)
        )

    def bounded(self, lo: int, hi: int) -> Fixed[T]:
        """Return the same value with a tighter interval, which the caller has proven.

        Use this for facts that do not follow from the ends of intervals, such as D (1 - D) <= 1/4.
        The method calls no operation of the back end.
        """
        return Fixed(self.ops, self.data, self.frac, max(self.lo, lo), min(self.hi, hi))

    def requantize(self, format: QFormat) -> Fixed[T]:
        """Round half up to the format's fraction, and saturate to its width."""
        return self.rounded(format.frac).saturated(format.minimum, format.maximum)

    def split(self, shift: int) -> tuple[Fixed[T], Fixed[T]]:
        """Split a value >= 0 at bit `shift` into (integer part, fraction), both exact.

        The integer part has frac 0; the fraction has `shift` fractional bits. Raises ValueError if
        the value can be negative.
        """
        if self.lo < 0:
            raise ValueError("only a value that cannot be negative can be split")
        high = Fixed(
            self.ops, self.ops.high_bits(self.data, shift), 0, self.lo >> shift, self.hi >> shift
        )
        low = Fixed(self.ops, self.ops.low_bits(self.data, shift), shift, 0, (1 << shift) - 1)
        return high, low

    def halves(self, shift: int) -> tuple[Fixed[T], Fixed[T]]:
        """Split any value at bit `shift` into (upper part, lower part); it is their sum.

        The upper part is rounded down, and has frac - shift fractional bits; the lower part is in
        [0, 2**shift).
        """
        half = 1 << (shift - 1)  # it is taken away, because the rounding adds it
        lo, hi = self.lo - half, self.hi - half
        below = self.ops.subtract(self.data, self.ops.constant(half), lo, hi)
        upper = self.ops.round_shift(below, shift, lo, self.hi)
        lower = self.ops.low_bits(self.data, shift)
        return (
            Fixed(self.ops, upper, self.frac - shift, self.lo >> shift, self.hi >> shift),
            Fixed(self.ops, lower, self.frac, 0, (1 << shift) - 1),
        )

    def absolute(self) -> Fixed[T]:
        """Return |x|, as the difference of the parts above and below 0."""
        above, below = self.saturated(0, max(self.hi, 0)), self.saturated(min(self.lo, 0), 0)
        return (above - below).bounded(0, max(-self.lo, self.hi))  # one of the two parts is 0

    def square_root(self) -> Fixed[T]:
        """Return the square root of a value, rounded down; it has half the fractional bits.

        Raises ValueError if the value can be negative, or has an odd number of fractional bits.
        """
        if self.lo < 0 or self.frac % 2:
            raise ValueError("a root needs a value >= 0 with an even number of fractional bits")
        lo, hi = math.isqrt(self.lo), math.isqrt(self.hi)
        root = self.ops.square_root(self.data, self.lo, self.hi)
        return Fixed(self.ops, root, self.frac // 2, lo, hi)

    def divided(self, divisor: int) -> Fixed[T]:
        """Return the value times the reciprocal of `divisor` >= 1.

        The reciprocal of a power of two is exact; another reciprocal is rounded to
        `RECIPROCAL_BITS` significant bits.
        """
        frac = RECIPROCAL_BITS + divisor.bit_length() - 1
        factor = ((1 << frac) + divisor // 2) // divisor
        return self * Fixed(self.ops, self.ops.constant(factor), frac, factor, factor)

    def named(self, name: str) -> Fixed[T]:
        """Return the same value with a name, which appears in the generated code."""
        comment = f"{self.frac} fractional bits, in [{self.lo}, {self.hi}]"
        data = self.ops.name(self.data, name, comment, self.lo, self.hi)
        return Fixed(self.ops, data, self.frac, self.lo, self.hi)


def product_interval(a: Fixed[T], b: Fixed[T]) -> tuple[int, int]:
    """Return the interval of a product of two independent values."""
    corners = (a.lo * b.lo, a.lo * b.hi, a.hi * b.lo, a.hi * b.hi)
    return min(corners), max(corners)


def interpolate(table: Table, position: Fixed[T], shift: int) -> Fixed[T]:
    """Interpolate linearly in a table whose knots are 2**shift steps of `position` apart.

    With base = table[i] and rise = table[i+1] - base, the result is base + round(rise * fraction).
    The rounded part is between 0 and the rise, because 0 <= fraction < 1. The result is therefore
    between two neighbors of the table.

    Raises ValueError unless the interval of `position` begins at 0 or above, and ends before the
    last knot.
    """
    ops = position.ops
    index, fraction = position.split(shift)
    if index.hi + 1 >= len(table.values):
        raise ValueError(f"position {position.hi} lies behind the last knot of {table.name}")
    index, fraction = index.named("index"), fraction.named("fraction")
    lo, hi = min(table.values), max(table.values)
    rises = [after - before for before, after in zip(table.values, table.values[1:], strict=False)]
    base = Fixed(ops, ops.lookup(table, index.data), table.format.frac, lo, hi).named("base")
    following_index = (index + index.constant(1.0)).data
    following = Fixed(ops, ops.lookup(table, following_index), table.format.frac, lo, hi)
    rise = (following - base).bounded(min(rises), max(rises)).named("rise")
    part = (rise * fraction).rounded(table.format.frac)
    return (base + part).bounded(lo, hi)


def dot(ops: ArrayOps[T], weights: Fixed[T], inputs: Fixed[T], terms: int) -> Fixed[T]:
    """Return the exact sums over `terms` of weights (rows, terms) times inputs (batch, terms).

    The result is (batch, rows). The interval that the back end gets also covers every partial sum
    in any order, so loops may add in any order.
    """
    lo, hi = product_interval(weights, inputs)
    lo, hi = terms * min(lo, 0), terms * max(hi, 0)
    data = ops.dot(weights.data, inputs.data, lo, hi)
    return Fixed(ops, data, weights.frac + inputs.frac, lo, hi)


def width(lo: int, hi: int) -> int:
    """Return the bits, 32 or 64, that an interval needs; raise RangeError if it needs more."""
    if lo >= INT32_MIN and hi <= INT32_MAX:
        return 32
    if lo >= INT64_MIN and hi <= INT64_MAX:
        return 64
    raise RangeError(f"a value in [{lo}, {hi}] does not fit into 64 bits")


def largest_frac(terms: int, weight_bits: int, most: int) -> int:
    """Return the largest f in [0, most] for which a sum is at most 2**31 - 2**24; 0 if none is.

    The sum has `terms` products of a weight and an integer in [-2**f, 2**f). The distance to 2**31
    is for the half that rounding adds.
    """
    room = 2**31 - 2**24
    frac = most
    while frac > 0 and terms << (weight_bits - 1 + frac) > room:
        frac -= 1
    return frac
