"""Defines the logarithm of a value."""

from __future__ import annotations

from ska_edge.arithmetic.fixedpoint import Fixed, T

LOGARITHM_BITS = 8  # fractional bits of a logarithm
BULGE = 11 / 32  # from 1 to 2, log2(1 + f) is near f + BULGE f (1 - f)


def logarithm(value: Fixed[T]) -> Fixed[T]:
    """Return log2 of a value with `LOGARITHM_BITS` fractional bits, off by less than 0.015.

    An integer below 1 counts as 1. The result never decreases if the value increases.
    """
    ops, frac, value = value.ops, LOGARITHM_BITS, value.saturated(1, max(value.hi, 1))
    lo, hi = (linear_logarithm(end, frac) for end in (value.lo, value.hi))
    data = ops.logarithm(value.data, frac, value.lo, value.hi)
    line = Fixed(ops, data, frac, lo, hi).named("line")
    _, fraction = line.split(frac)
    fraction = fraction.named("fraction")
    bulge = fraction * (fraction.constant(1.0) - fraction) * fraction.constant(BULGE)
    whole = line + bulge.rounded(frac)
    return whole - line.constant(value.frac) if value.frac else whole


def linear_logarithm(value: int, frac: int) -> int:
    """Return log2 of an integer >= 1 with `frac` fractional bits, as `Ops.logarithm` does."""
    power = value.bit_length() - 1
    return ((power - 1) << frac) + ((value << frac) >> power)
