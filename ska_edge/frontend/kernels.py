"""The front end `kernels`: how often small kernels exceed a bias in a window.

A kernel multiplies nine samples of a window, which are `dilation` samples apart, with the weights
2 (three of them) and -1 (six). The weights add up to 0, so a constant does not change the output. A
feature is the number of places in the window where the output is larger than the kernel's bias. If
the front end has levels, further features are the means of each axis in parts of the window. The
kernels are those of `kernel_learning`. The weights are those of MiniRocket (Dempster, Schmidt and
Webb, KDD 2021).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ska_edge.arithmetic import window
from ska_edge.arithmetic.fixedpoint import Fixed, T
from ska_edge.arithmetic.function import Argument, FixedFunction
from ska_edge.arithmetic.window import WindowOps
from ska_edge.errors import InputError, OptionError
from ska_edge.frontend.front import (
    CHOSEN,
    FEATURE,
    SAMPLE,
    TAPS,
    Front,
    KernelGroup,
    Kernels,
    sample_bytes,
)
from ska_edge.frontend.parameter import integer
from ska_edge.frontend.statistics import mean

MOST_KERNELS = 1024
MOST_LEVELS = 64
USUAL_LEVELS = 8


class KernelShares:
    """The front end `kernels`; see `Frontend`."""

    summary = "how often each of many small kernels exceeds its bias, and means of parts"
    uses = ("kernels",)
    parameters = integer("count", 1, MOST_KERNELS), integer("levels", 0, MOST_LEVELS)

    def with_parameters(
        self,
        front: Front,
        axes: Sequence[str],  # noqa: ARG002, because there are no vectors
        given: Mapping[str, Any],
    ) -> Front:
        """Return the front end with kernels that are not learned."""
        levels = given.get("levels", 0)
        if TAPS <= front.length < levels:
            raise OptionError(
                "{frontend} has levels={levels}, but a window of {length} samples has at most"
                " {length} parts",
                levels=levels,
                length=front.length,
            )
        return replace(front, kernels=Kernels(**{"levels": USUAL_LEVELS, **given}))

    def names(self, front: Front, axes: Sequence[str]) -> tuple[str, ...]:
        """Return names such as "kernel 3", and "mean ax 1/8" for the first of 8 parts."""
        kernels = kernels_of(front)
        counts = [f"kernel {number}" for number in range(1, kernels.count + 1)]
        parts = range(1, kernels.levels + 1)
        means = [f"mean {axis} {part}/{kernels.levels}" for part in parts for axis in axes]
        return (*counts, *means)

    def features(self, front: Front, ops: WindowOps[T], samples: Fixed[T]) -> Fixed[T]:
        """Return the counts of all kernels, group after group, and then the means of each part."""
        kernels, terms = kernels_of(front), level_length(front)
        groups = kernels.groups or (unlearned(front),)
        counts = [_counts(front, group, ops, samples) for group in groups]
        parts = [
            window.part(ops, samples, first, terms) for first in kernels.level_places(front.length)
        ]
        means = [mean(window.total(ops, part, terms), terms) for part in parts]
        return window.joined(ops, [*counts, *means])

    def check(self, front: Front) -> None:
        """Raise InputError for windows that are too short, and kernels that do not suit them."""
        if front.kernels is None:
            raise InputError("the front end kernels needs kernels")
        if front.length < TAPS:
            raise InputError(
                f"the front end kernels needs windows of {TAPS} samples or more, not {front.length}"
            )
        count, groups, levels = front.kernels.count, front.kernels.groups, front.kernels.levels
        if not 1 <= count <= MOST_KERNELS:
            raise InputError(
                f"the front end kernels has count={count}, but it must be 1 to {MOST_KERNELS}"
            )
        most = min(MOST_LEVELS, front.length)
        if not 0 <= levels <= most:
            raise InputError(
                f"the front end kernels has levels={levels}, but for windows of"
                f" {front.length} samples, it must be 0 to {most}"
            )
        if groups and (
            sum(len(group.biases) for group in groups) != count
            or not all(_suits(group, front) for group in groups)
        ):
            raise InputError("the learned kernels do not suit the windows of the front end")

    def part_bytes(self, front: Front) -> int:
        """Return the bytes of a sample."""
        return sample_bytes(front)

    def functions(self, front: Front) -> tuple[FixedFunction, ...]:
        """Return the functions of an output, of a count and, with levels, of a mean."""
        most, bias = largest_tap(front), largest_bias(front)
        terms = level_length(front)
        total = Argument("total", 0, terms * SAMPLE.minimum, terms * SAMPLE.maximum)
        level = FixedFunction(
            "front_level",
            "the mean of an axis in a part of the window",
            (total,),
            lambda s: mean(s, terms),
        )
        taps = (Argument(name, SAMPLE.frac, -most, most) for name in ("first", "second", "third"))
        return (
            FixedFunction(
                "front_positive",
                "1 if a kernel's output is larger than its bias, else 0",
                (
                    *taps,
                    Argument("total", SAMPLE.frac, -TAPS * most, TAPS * most),
                    Argument("bias", SAMPLE.frac, -bias, bias),
                ),
                positive,
            ),
            FixedFunction(
                "front_count",
                "a number of places as a feature",
                (Argument("count", 0, 0, front.length),),
                feature,
            ),
            *((level,) if kernels_of(front).levels else ()),
        )


def kernels_of(front: Front) -> Kernels:
    """Return the kernels of a front end that has some."""
    assert front.kernels is not None
    return front.kernels


def level_length(front: Front) -> int:
    """Return the number of samples of each part of which the front end has means."""
    return kernels_of(front).level_length(front.length)


def unlearned(front: Front) -> KernelGroup:
    """Return a kernel with the widest intervals, for proofs before the kernels are learned."""
    return KernelGroup(1, tuple(range(front.axes)), (0, 1, 2), (0,))


def longest_dilation(front: Front) -> int:
    """Return the longest dilation with which a kernel fits into a window."""
    return (front.length - 1) // (TAPS - 1)


def largest_tap(front: Front) -> int:
    """Return the largest sum of all axes, without its sign."""
    return -SAMPLE.minimum * front.axes


def largest_bias(front: Front) -> int:
    """Return a bound for outputs and biases without their signs; their difference has 32 bits."""
    return (CHOSEN * CHOSEN + TAPS) * largest_tap(front)


def _suits(group: KernelGroup, front: Front) -> bool:
    kernels = len(group.biases)
    return (
        1 <= group.dilation <= longest_dilation(front)
        and kernels >= 1
        and len(group.chosen) == CHOSEN * kernels
        and all(0 <= tap < TAPS for tap in group.chosen)
        and len(group.axes) >= 1
        and tuple(sorted({*group.axes})) == group.axes
        and group.axes[0] >= 0
        and group.axes[-1] < front.axes
        and max(map(abs, group.biases)) <= largest_bias(front)
    )


def _counts(front: Front, group: KernelGroup, ops: WindowOps[T], samples: Fixed[T]) -> Fixed[T]:
    """Return the features of a group, (windows, kernels of the group)."""
    summed = window.axis(ops, samples, group.axes[0])
    for axis in group.axes[1:]:
        summed = summed + window.axis(ops, samples, axis)
    places = group.places(front.length)
    taps = [window.part(ops, summed, tap * group.dilation, places) for tap in range(TAPS)]
    total = taps[0]
    for tap in taps[1:]:
        total = total + tap
    first, second, third = (
        window.joined(ops, [taps[tap] for tap in group.column(number)]) for number in range(CHOSEN)
    )
    above = positive(first, second, third, total, window.row(ops, group.biases, SAMPLE.frac))
    return feature(window.total(ops, above, places))


def output(first: Fixed[T], second: Fixed[T], third: Fixed[T], total: Fixed[T]) -> Fixed[T]:
    """Return the output of a kernel from its chosen taps, and from the sum of all nine.

    The chosen taps are in the sum with the weight 1, like the others, so three times their sum
    minus the sum of all has the weights 2 and -1.
    """
    chosen = (first + second + third).named("chosen")
    return chosen + chosen + chosen - total


def positive(
    first: Fixed[T], second: Fixed[T], third: Fixed[T], total: Fixed[T], bias: Fixed[T]
) -> Fixed[T]:
    """Return 1 if the output of a kernel is larger than its bias, else 0."""
    return (output(first, second, third, total) - bias).saturated(0, 1)


def feature(count: Fixed[T]) -> Fixed[T]:
    """Return a number of places as a feature."""
    return count.requantize(FEATURE)
