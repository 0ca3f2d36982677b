"""The arithmetic equals exact rational arithmetic, and results stay in their intervals."""

from __future__ import annotations

from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ska_edge.arithmetic.fixedpoint import (
    INT64_MAX,
    Fixed,
    QFormat,
    RangeError,
    Rate,
    Table,
    dot,
    interpolate,
    largest_frac,
    width,
)
from ska_edge.arithmetic.interval_ops import IntervalOps
from ska_edge.arithmetic.numpy_ops import Integers, NumpyOps
from ska_edge.errors import InputError

OPS = NumpyOps(check=True)
formats = st.builds(QFormat, st.sampled_from([8, 16, 32]), st.integers(0, 20))


@st.composite
def fixed_values(draw: st.DrawFn) -> Fixed[Integers]:
    """Values with integers from the whole range of their format, often from its ends."""
    format = draw(formats)
    ends = st.sampled_from([format.minimum, -1, 0, 1, format.maximum])
    integer = draw(st.one_of(ends, st.integers(format.minimum, format.maximum)))
    return Fixed.of(OPS, np.array([integer], dtype=np.int64), format)


def exact(value: Fixed[Integers]) -> Fraction:
    """Check that a value is in its interval; return it as an exact rational number."""
    integer = int(value.data[0])
    assert value.lo <= integer <= value.hi
    return Fraction(integer) / Fraction(2) ** value.frac


@given(fixed_values(), fixed_values())
def test_sums_differences_and_products_are_exact(a: Fixed[Integers], b: Fixed[Integers]) -> None:
    assert exact(a + b) == exact(a) + exact(b)
    assert exact(a - b) == exact(a) - exact(b)
    assert exact(a * b) == exact(a) * exact(b)


@given(fixed_values(), st.integers(-4, 24))
def test_rounding_is_half_up(a: Fixed[Integers], frac: int) -> None:
    expected = Fraction(floor(exact(a) * Fraction(2) ** frac + Fraction(1, 2)))
    if frac >= a.frac:
        expected = exact(a) * Fraction(2) ** frac
    assert exact(a.rounded(frac)) * Fraction(2) ** frac == expected


@given(fixed_values(), formats)
def test_requantize_rounds_then_saturates(a: Fixed[Integers], format: QFormat) -> None:
    rounded = exact(a.rounded(format.frac)) * 2**format.frac
    expected = min(max(rounded, format.minimum), format.maximum)
    assert exact(a.requantize(format)) * 2**format.frac == expected


@given(fixed_values(), st.integers(-6, 6))
def test_scaling_moves_the_point_only(a: Fixed[Integers], exponent: int) -> None:
    assert exact(a.scaled(exponent)) == exact(a) * Fraction(2) ** exponent


@given(st.integers(0, 2**20), st.integers(1, 12))
def test_the_parts_of_a_split_add_up(integer: int, shift: int) -> None:
    value = Fixed(OPS, np.array([integer]), 0, 0, 2**20)
    high, low = value.split(shift)
    assert exact(high) + exact(low) == Fraction(integer, 2**shift)


def test_only_a_value_that_cannot_be_negative_can_be_split() -> None:
    with pytest.raises(ValueError, match="negative"):
        Fixed(OPS, np.array([1]), 0, -1, 1).split(1)


def test_saturation_returns_a_value_that_always_fits_itself() -> None:
    value = Fixed(OPS, np.array([5]), 0, -128, 127)
    assert value.saturated(-128, 127) is value


@pytest.mark.parametrize(("real", "integer"), [(0.5, 1), (-0.5, 0), (1.4999, 1), (-1.5, -1)])
def test_quantize_rounds_half_up(real: float, integer: int) -> None:
    assert QFormat(8, 0).quantize(np.array([real])).tolist() == [integer]


def test_quantize_saturates_and_dequantize_is_its_inverse_inside() -> None:
    format = QFormat(8, 4)
    assert format.quantize(np.array([100.0, -100.0])).tolist() == [127, -128]
    every = np.arange(-128, 128)
    np.testing.assert_array_equal(format.quantize(format.dequantize(every)), every)
    assert (format.name, QFormat(16, 12).name, QFormat(16, 15).name) == ("Q3.4", "Q3.12", "Q0.15")


@given(st.floats(1e-6, 1e3))
def test_rates_are_close_and_their_mantissa_in_range(real: float) -> None:
    rate = Rate.from_real(real)
    assert 2**14 < rate.mantissa <= 2**15
    assert rate.real == pytest.approx(real, rel=2**-15)


@pytest.mark.parametrize("exponent", range(-20, 6))
def test_powers_of_two_are_exact_rates(exponent: int) -> None:
    rate = Rate.from_real(2.0**exponent)
    assert (rate.mantissa, rate.real) == (2**15, 2.0**exponent)


@pytest.mark.parametrize("real", [0.0, -1.0, float("nan"), float("inf")])
def test_impossible_rates_are_refused(real: float) -> None:
    with pytest.raises(InputError, match="positive"):
        Rate.from_real(real)


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_dot_is_exact_and_inside_its_interval(terms: int, rows: int, batch: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    w = Fixed.of(OPS, rng.integers(-32768, 32768, (rows, terms)), QFormat(16, 12))
    a = Fixed.of(OPS, rng.integers(-128, 128, (batch, terms)), QFormat(8, 7))
    sums = dot(OPS, w, a, terms)
    assert sums.frac == 19
    for r in range(rows):
        for b in range(batch):
            exact_sum = sum(int(w.data[r, t]) * int(a.data[b, t]) for t in range(terms))
            assert int(sums.data[b, r]) == exact_sum


@pytest.mark.parametrize("bits", [(16, 8), (32, 16)])
def test_large_products_have_the_bits_of_small_ones(bits: tuple[int, int]) -> None:
    # The extremes of the formats give the largest sums. The trainer computes them in float64 where
    # that is exact.
    rng = np.random.default_rng(0)
    formats = QFormat(bits[0], 0), QFormat(bits[1], 0)
    w, a = (rng.choice([f.minimum, -1, f.maximum - 1, f.maximum], (64, 128)) for f in formats)
    sums = dot(OPS, Fixed.of(OPS, w, formats[0]), Fixed.of(OPS, a, formats[1]), 128)
    rows = [
        dot(OPS, Fixed.of(OPS, w[:1], formats[0]), Fixed.of(OPS, a[i : i + 1], formats[1]), 128)
        for i in range(64)
    ]
    np.testing.assert_array_equal(sums.data[:, 0], [int(row.data[0, 0]) for row in rows])


@given(st.lists(st.integers(0, 4000), min_size=5, max_size=5), st.integers(0, 31))
def test_interpolation_stays_between_its_neighbors(knots: list[int], position: int) -> None:
    table = Table("t", tuple(sorted(knots)), QFormat(16, 15))
    value = Fixed(OPS, np.array([position]), 3, 0, 31)
    result = int(interpolate(table, value, 3).named("result").data[0])
    index, rest = divmod(position, 8)
    low, high = table.values[index], table.values[index + 1]
    assert low <= result <= high
    assert result == low + floor(Fraction((high - low) * rest, 8) + Fraction(1, 2))


def test_numpy_notices_a_value_outside_its_interval() -> None:
    lie = Fixed(OPS, np.array([200]), 0, -128, 127)
    with pytest.raises(AssertionError, match="exceeds the proven"):
        _ = lie + lie


def test_a_sum_beyond_64_bits_is_refused() -> None:
    big = Fixed(IntervalOps(), None, 0, 0, INT64_MAX)
    with pytest.raises(RangeError, match="64 bits"):
        _ = big + big


def test_an_interval_needs_32_or_64_bits_or_is_refused() -> None:
    assert width(-(2**31), 2**31 - 1) == 32
    assert width(0, 2**31) == 64
    with pytest.raises(RangeError):
        width(0, 2**63)


@given(st.integers(1, 4000))
def test_back_projected_errors_have_the_finest_format_that_fits_32_bits(classes: int) -> None:
    frac = largest_frac(classes, 16, 15)
    assert classes * 2 ** (15 + frac) < 2**31 - 2**23
    assert frac == 15 or classes * 2 ** (15 + frac + 1) > 2**31 - 2**24
