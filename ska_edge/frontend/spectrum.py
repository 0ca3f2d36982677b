"""The front end `spectrum`: the logarithm of the energy in bands of frequency.

A window is divided into frames, one by default. A frame without its mean is weighted with a Hann
window and transformed by an FFT (Cooley and Tukey). The n samples are transformed as n/2 complex
points, the even samples and the odd ones (Press et al., Numerical Recipes, section 12.3). No value
can overflow, see `LIMIT`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np

from ska_edge.arithmetic import window
from ska_edge.arithmetic.fixedpoint import Fixed, QFormat, T
from ska_edge.arithmetic.function import Argument, FixedFunction
from ska_edge.arithmetic.interval_ops import IntervalOps
from ska_edge.arithmetic.logarithm import logarithm
from ska_edge.arithmetic.window import WindowOps
from ska_edge.errors import InputError, OptionError
from ska_edge.frontend.front import FEATURE, SAMPLE, Front, sample_bytes
from ska_edge.frontend.parameter import integer, word
from ska_edge.plural import counted

LENGTHS = (16, 32, 64, 128, 256, 512, 1024)
"""The numbers of samples that a frame can have."""
SHORTEST, LONGEST = LENGTHS[0], LENGTHS[-1]
MOST_BANDS = 64
USUAL_BANDS = 16  # or fewer, if a frame is too short
MOST_FRAMES = 64
SINE = QFormat(16, 14)
"""The format of a sine; it has 1 exactly."""
WEIGHT_FRAC = 14  # of a weight of the Hann window
LOWER_BITS = 15  # of a value of the transform, in the lower part of a product
SPARE = 3  # fractional bits of a value of the transform that its square does not have
LIMIT = 2**29
"""All values of the transform are from -LIMIT to LIMIT - 1.

They are saturated to this range, so that each step has an interval. But no sample can saturate one:
a value of the transform is at most the sum of the weighted samples. A sample without the mean is
below 2^16, and the n weights have the sum n/2. With the fractional bits of `transform_frac`, this
is 2^16 * n/2 * 2^13/n = 2^28. Roundings, those of the sines too, add less than 2^20.
"""
LINEAR, MEL = "linear", "mel"
SPACINGS = (LINEAR, MEL)
"""How bands are spaced: equally, or as on the mel scale of sound at 16 kHz."""
MEL_CORNER = 700 / 8000  # below 700 Hz, the scale is almost linear; the highest frequency is 8 kHz


class Spectrum:
    """The front end `spectrum`; see `Frontend`."""

    summary = "logarithms of the energy in bands of frequency, of each frame and axis"
    uses = ("bands", "frames")
    parameters = (
        integer("bands", 1, MOST_BANDS),
        integer("frames", 1, MOST_FRAMES),
        word("spacing", SPACINGS),
    )

    def with_parameters(
        self,
        front: Front,
        axes: Sequence[str],  # noqa: ARG002, because there are no vectors
        given: Mapping[str, Any],
    ) -> Front:
        """Return the front end with its bands; a short frame has fewer of them."""
        frames = given.get("frames", 1)
        check_frames(front.length, frames)
        length = front.length // frames
        most = min(length // 2 - 1, MOST_BANDS)
        count = given.get("bands", min(USUAL_BANDS, most))
        if count > most:
            raise OptionError(
                "{frontend} has bands={count}, but a {part} of {length} samples has at most {most}"
                " bands",
                count=count,
                part="window" if frames == 1 else "frame",
                length=length,
                most=most,
            )
        bands = spaced(length, count, given.get("spacing", LINEAR))
        return replace(front, bands=bands, frames=frames)

    def names(self, front: Front, axes: Sequence[str]) -> tuple[str, ...]:
        """Return names such as "band 3 ax", or "band 3 frame 2 ax" if there are several frames."""
        frames = [f"frame {number} " for number in range(1, front.frames + 1)]
        return tuple(
            f"band {number} {frame}{axis}"
            for number in range(1, len(front.bands))
            for frame in (frames if front.frames > 1 else [""])
            for axis in axes
        )

    def features(self, front: Front, ops: WindowOps[T], samples: Fixed[T]) -> Fixed[T]:
        """Return the logarithms of the energies: band after band, frame after frame in a band, and
        axis after axis in a frame.
        """
        length = front.frame
        starts = range(0, front.length, length)
        samples = window.joined(ops, [window.part(ops, samples, at, length) for at in starts])
        mean = window.spread(ops, level(window.total(ops, samples, length), length))
        cosines = [cosine(turn, length) for turn in range(length)]
        weights = window.along(ops, cosines, SINE.frac)
        powers = power(*_transformed(ops, weighted(samples, mean, weights, length), length))
        energies = []
        for first, after in pairwise(front.bands):
            band = window.part(ops, powers, first - 1, after - first)
            energies.append(energy(window.total(ops, band, after - first)))
        return window.joined(ops, energies)

    def check(self, front: Front) -> None:
        """Raise InputError for frames whose length is no power of two, and for unsuitable bands."""
        check_frames(front.length, front.frames)
        bands = front.bands
        if (
            not 2 <= len(bands) <= MOST_BANDS + 1
            or bands[0] < 1
            or bands[-1] > front.frame // 2
            or any(after <= first for first, after in pairwise(bands))
        ):
            raise InputError("the bands do not suit the front end spectrum")

    def part_bytes(self, front: Front) -> int:
        """Return the bytes of a part, which is a sample."""
        return sample_bytes(front)

    def functions(self, front: Front) -> tuple[FixedFunction, ...]:
        """Return the functions of a sample, of a step of the transform, and of a band."""
        length, frac = front.frame, transform_frac(front.frame)
        a, b = (Argument(name, frac, -LIMIT, LIMIT - 1) for name in "ab")
        one = 2**SINE.frac
        turns = tuple(Argument(name, SINE.frac, -one, one) for name in ("cosine", "sine"))
        total = Argument("total", 0, length * SAMPLE.minimum, length * SAMPLE.maximum)
        ops = IntervalOps()
        values = [Fixed(ops, None, each.frac, each.lo, each.hi) for each in (a, b, *turns)]
        product, square = turned(*values), power(*values[:2])
        turned_b = Argument("b", frac, product.lo, product.hi)
        powers = Argument("total", square.frac, 0, (length // 2 - 1) * square.hi)
        return (
            FixedFunction(
                "front_level", "the mean of a frame", (total,), lambda s: level(s, length)
            ),
            FixedFunction(
                "front_weighted",
                "a sample without the mean, with its weight",
                (Argument.of("value", SAMPLE), Argument.of("mean", SAMPLE), turns[0]),
                lambda value, mean, turn: weighted(value, mean, turn, length),
            ),
            FixedFunction(
                "front_turned", "a part of a product with a unit vector", (a, b, *turns), turned
            ),
            FixedFunction("front_sum", "a + b of a step", (a, turned_b), sum_of),
            FixedFunction("front_difference", "a - b of a step", (a, turned_b), difference_of),
            FixedFunction("front_half_sum", "(a + b) / 2", (a, b), half_sum),
            FixedFunction("front_half_difference", "(a - b) / 2", (a, b), half_difference),
            FixedFunction("front_power", "the power at a frequency", (a, b), power),
            FixedFunction("front_energy", "the energy of a band as a feature", (powers,), energy),
        )


def check_frames(length: int, frames: int) -> None:
    """Raise InputError unless a window of `length` samples can have this number of frames."""
    suitable = [n for n in range(1, MOST_FRAMES + 1) if not length % n and length // n in LENGTHS]
    if frames in suitable:
        return
    windows = counted(length, "sample")
    numbers = " or ".join(map(str, suitable))
    advice = f"frames can be {numbers} for windows of {windows}, not {frames}"
    if not suitable:
        advice = f"windows of {windows} have no such frames; give another length"
    raise InputError(
        "the front end spectrum takes windows, or frames of a window, whose length is a power of"
        f" two, from {SHORTEST} to {LONGEST} samples; {advice}"
    )


def transform_frac(length: int) -> int:
    """Return the fractional bits of a value of the transform of this number of samples."""
    return 14 - length.bit_length()


def cosine(turn: int, length: int) -> int:
    """Return the cosine of turn / length of a full turn, in `SINE` format."""
    return sine(turn + length // 4, length)


def sine(turn: int, length: int) -> int:
    """Return the sine of turn / length of a full turn, in `SINE` format."""
    half, turn = length // 2, turn % length
    quarter = sines(length)
    return (
        -quarter[min(turn - half, length - turn)]
        if turn > half
        else quarter[min(turn, half - turn)]
    )


@lru_cache
def sines(length: int) -> tuple[int, ...]:
    """Return the sines of 0 to length / 4 of `length` turns, in `SINE` format.

    No sine is so near to the middle of two integers that computers could round it differently.
    """
    turns = 2 * np.pi * np.arange(length // 4 + 1) / length
    return tuple(SINE.quantize(np.sin(turns)).tolist())


def spaced(length: int, count: int, spacing: str) -> tuple[int, ...]:
    """Return the first bin of each of `count` bands, and last the bin after the last band.

    Bin k has the frequency k / length of the sample rate. The bands have the bins 1 to
    length / 2 - 1. Each has at least one bin.
    """
    last = length // 2
    if spacing == LINEAR:
        return tuple(1 + band * (last - 1) // count for band in range(count + 1))
    corner = MEL_CORNER * last
    lowest, highest = math.log1p(1 / corner), math.log1p(last / corner)
    edges = [1]
    for band in range(1, count + 1):
        edge = corner * math.expm1(lowest + band / count * (highest - lowest))
        edges.append(min(max(round(edge), edges[-1] + 1), last - (count - band)))
    return tuple(edges)


def _transformed(ops: WindowOps[T], samples: Fixed[T], length: int) -> tuple[Fixed[T], Fixed[T]]:
    """Return the real and the imaginary parts at the frequencies 1 to length / 2 - 1.

    The sign of an imaginary part has no meaning. `samples` are (windows, length, axes).
    """
    points = length // 2
    order = _reversed(points)
    re, im = (window.taken(ops, samples, [2 * point + odd for point in order]) for odd in (0, 1))
    re, im = _steps(ops, re, im, length)
    ks, mirrored = range(1, points // 2 + 1), range(points - 1, points // 2 - 1, -1)
    (a_re, a_im), (b_re, b_im) = (
        [window.taken(ops, part, places) for part in (re, im)] for places in (ks, mirrored)
    )
    even = half_sum(a_re, b_re), half_difference(a_im, b_im)
    odd = half_sum(a_im, b_im), half_difference(b_re, a_re)
    odd = _turned(ops, *odd, ks, length)
    found = []
    for whole, part in zip(even, odd, strict=True):
        upper = window.taken(ops, difference_of(whole, part), range(points // 2 - 2, -1, -1))
        found.append(window.chained(ops, [sum_of(whole, part), upper]))
    return found[0], found[1]


def _steps(ops: WindowOps[T], re: Fixed[T], im: Fixed[T], length: int) -> tuple[Fixed[T], Fixed[T]]:
    """Return the transform of length / 2 complex points, which are in bit-reversed order."""
    half, points = 1, length // 2
    while half < points:
        upper = [first + j for first in range(0, points, 2 * half) for j in range(half)]
        lower = [place + half for place in upper]
        order = [0] * points  # where a sum or a difference goes
        for number, place in enumerate(upper + lower):
            order[place] = number
        turns = [place % (2 * half) * (points // half) for place in upper]
        low_re, low_im = (window.taken(ops, part, lower) for part in (re, im))
        low = _turned(ops, low_re, low_im, turns, length)
        high = [window.taken(ops, part, upper) for part in (re, im)]
        re, im = (
            window.taken(ops, window.chained(ops, [sum_of(a, b), difference_of(a, b)]), order)
            for a, b in zip(high, low, strict=True)
        )
        half *= 2
    return re, im


def _turned(
    ops: WindowOps[T], re: Fixed[T], im: Fixed[T], turns: Sequence[int], length: int
) -> tuple[Fixed[T], Fixed[T]]:
    """Return complex values, each turned back by its number of turns / length."""
    cosines = [cosine(turn, length) for turn in turns]
    sines = [sine(turn, length) for turn in turns]
    columns = [
        window.along(ops, values, SINE.frac) for values in (cosines, sines, [-s for s in sines])
    ]
    return turned(re, im, columns[0], columns[1]), turned(im, re, columns[0], columns[2])


def _reversed(points: int) -> list[int]:
    """Return the numbers 0 to points - 1 with their bits in reversed order."""
    found = [0]
    while len(found) < points:
        found = [2 * number for number in found] + [2 * number + 1 for number in found]
    return found


def level(total: Fixed[T], length: int) -> Fixed[T]:
    """Return the mean of a frame from the sum of its samples, rounded to an integer."""
    return total.scaled(1 - length.bit_length()).rounded(0)


def weighted(value: Fixed[T], mean: Fixed[T], turn: Fixed[T], length: int) -> Fixed[T]:
    """Return a sample without the mean times its weight of the Hann window, (1 - cos) / 2."""
    weight = (turn.constant(1.0) - turn).scaled(-1).rounded(WEIGHT_FRAC)
    return ((value - mean) * weight).rounded(transform_frac(length))


def turned(a: Fixed[T], b: Fixed[T], cosine: Fixed[T], sine: Fixed[T]) -> Fixed[T]:
    """Return a cosine + b sine, rounded as a whole; every product has 32 bits."""
    (a_upper, a_lower), (b_upper, b_lower) = (
        [part.named("part") for part in value.halves(LOWER_BITS)] for value in (a, b)
    )
    upper = (a_upper * cosine + b_upper * sine).named("upper")
    lower = (a_lower * cosine + b_lower * sine).rounded(a.frac)
    return upper + lower


def sum_of(a: Fixed[T], b: Fixed[T]) -> Fixed[T]:
    """Return a + b as a value of the transform."""
    return (a + b).saturated(-LIMIT, LIMIT - 1)


def difference_of(a: Fixed[T], b: Fixed[T]) -> Fixed[T]:
    """Return a - b as a value of the transform."""
    return (a - b).saturated(-LIMIT, LIMIT - 1)


def half_sum(a: Fixed[T], b: Fixed[T]) -> Fixed[T]:
    """Return (a + b) / 2, rounded."""
    return (a + b).scaled(-1).rounded(a.frac)


def half_difference(a: Fixed[T], b: Fixed[T]) -> Fixed[T]:
    """Return (a - b) / 2 as a value of the transform, rounded."""
    return (a - b).scaled(-1).rounded(a.frac).saturated(-LIMIT, LIMIT - 1)


def power(re: Fixed[T], im: Fixed[T]) -> Fixed[T]:
    """Return the square of the size of a complex value, rounded before it is squared."""
    re, im = (part.rounded(part.frac - SPARE).named("part") for part in (re, im))
    return (re * re + im * im).bounded(0, 2 * re.lo * re.lo)  # a square is not negative


def energy(total: Fixed[T]) -> Fixed[T]:
    """Return the logarithm of a sum of powers as a feature."""
    return logarithm(total).requantize(FEATURE)
