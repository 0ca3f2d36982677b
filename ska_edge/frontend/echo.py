"""The front end `echo`: a recurrent state that depends on all samples of a window so far.

The state has a number of units, and only its readout learns: it is an echo state network (Jaeger
2001). The units are a ring, and each one gets the state of the unit before it, so a step needs few
operations (the simple cycle reservoir of Rodan and Tino, IEEE TNN 2011). A sample changes a unit
from s to

    s + leak * (clip(input + 115/128 * before, -1, 1) - s)

where `before` is the old state of the unit before it. The input is one axis, with a sign, plus the
bias of the unit; the units have the axes in turn. The leaks of the units differ, so some units
follow the samples, and others average them. The state is 0 at the start of a window.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ska_edge.arithmetic import window
from ska_edge.arithmetic.fixedpoint import INT32_MAX, Fixed, QFormat, T
from ska_edge.arithmetic.function import Argument, FixedFunction
from ska_edge.arithmetic.window import WindowOps
from ska_edge.errors import InputError
from ska_edge.frontend.front import FEATURE, SAMPLE, Echo, Front
from ska_edge.frontend.parameter import even

MOST_UNITS = 256
STATE = QFormat(16, 15)
"""The format of a state, which is from -1 to 1."""
RECURRENT_FRAC = 7
RECURRENT = 115  # what a unit gets of the unit before it, 115/128
SCALED = QFormat(17, 15)
"""The format in which an axis is scaled for the units."""
INPUT_FRAC = STATE.frac + RECURRENT_FRAC
"""Fractional bits of an axis and of a bias that a unit adds: those of a state times RECURRENT, so
no addition needs a shift.
"""
LARGEST_AXIS = 2 ** (INPUT_FRAC + 1)  # 2
LARGEST_BIAS = 2**INPUT_FRAC  # 1
FACTOR_FRAC = 30  # fractional bits of the factor of an axis
HALF_FRAC = 15  # bits of the lower half of a factor
LARGEST_FACTOR = 2 ** (FACTOR_FRAC - 1)  # 1/2, for an axis with the standard deviation 1
LEAK_FRAC = 6  # fractional bits of a leak
LEAKS = (64, 32, 16, 8, 4)
"""Leaks of units: 1, 1/2, 1/4, 1/8 and 1/16."""
UNIT_BYTES = 8  # of a unit in a part: a state and a sum, of 32 bits each
FEATURE_BITS = 11  # a state of 1 is a feature of 2**FEATURE_BITS
NAMES = ("last", "size")


class EchoState:
    """The front end `echo`; see `Frontend`."""

    summary = "last state and mean absolute state of a recurrent network"
    uses = ("echo",)
    parameters = (even("units", 2, MOST_UNITS),)

    def with_parameters(
        self,
        front: Front,
        axes: Sequence[str],  # noqa: ARG002, because there are no vectors
        given: Mapping[str, Any],
    ) -> Front:
        """Return the front end with an echo that is not learned."""
        return replace(front, echo=Echo(**given))

    def names(
        self,
        front: Front,
        axes: Sequence[str],  # noqa: ARG002, because a state depends on all axes
    ) -> tuple[str, ...]:
        """Return names such as "last 3"."""
        units = range(1, echo_of(front).units + 1)
        return tuple(f"{name} {unit}" for name in NAMES for unit in units)

    def features(self, front: Front, ops: WindowOps[T], samples: Fixed[T]) -> Fixed[T]:
        """Return the features in the order of `NAMES`, each of all units."""
        length = front.length
        states = window.scanned(
            ops,
            _inputs(front, ops, samples),
            STATE,
            lambda ops, input, state: _step(front, ops, input, state),
        )
        last = window.part(ops, states, length - 1, 1)
        return window.joined(
            ops,
            [
                feature(window.total(ops, last, 1)),
                mean(window.total(ops, size(states), length), length),
            ],
        )

    def check(self, front: Front) -> None:
        """Raise InputError for a number of units, or learned numbers, that a device cannot have."""
        echo = front.echo
        if echo is None:
            raise InputError("the front end echo needs an echo")
        if not 2 <= echo.units <= MOST_UNITS or echo.units % 2:
            raise InputError(
                f"the front end echo has units={echo.units}, but it must be an even number from 2"
                f" to {MOST_UNITS}"
            )
        if echo.units < front.axes:
            raise InputError(
                f"the front end echo has units={echo.units} for {front.axes} axes, but it needs a"
                " unit for each axis; take more units, or leave columns out"
            )
        if echo != Echo(echo.units) and not _suits(echo, front):
            raise InputError("the learned numbers of the front end echo do not suit its windows")

    def part_bytes(self, front: Front) -> int:
        """Return the bytes of a part: the states of a window that begins with it, and sums."""
        return UNIT_BYTES * echo_of(front).units

    def functions(self, front: Front) -> tuple[FixedFunction, ...]:
        """Return the functions of an axis, of a unit, and of a feature."""
        most, largest = LARGEST_AXIS + LARGEST_BIAS, -STATE.minimum
        state, before = (Argument.of(name, STATE) for name in ("state", "before"))
        total = Argument("total", STATE.frac, 0, front.length * largest)
        return (
            FixedFunction(
                "front_scaled",
                "a sample of an axis, scaled for the units",
                (
                    Argument.of("value", SAMPLE),
                    Argument.of("offset", SAMPLE),
                    Argument("factor", FACTOR_FRAC, 0, LARGEST_FACTOR),
                ),
                scaled,
            ),
            FixedFunction(
                "front_state",
                "the next state of a unit",
                (
                    Argument("input", INPUT_FRAC, -most, most),
                    before,
                    state,
                    Argument("leak", LEAK_FRAC, 0, 2**LEAK_FRAC),
                ),
                next_state,
            ),
            FixedFunction("front_size", "the absolute value of a state", (state,), size),
            FixedFunction("front_last", "a state as a feature", (state,), feature),
            FixedFunction(
                "front_mean", "a mean as a feature", (total,), lambda t: mean(t, front.length)
            ),
        )


def echo_of(front: Front) -> Echo:
    """Return the echo of a front end that has one."""
    assert front.echo is not None
    return front.echo


def numbers_of(front: Front) -> Echo:
    """Return the echo, or one with the widest intervals if it is not yet learned."""
    echo, axes = echo_of(front), front.axes
    if front.learned:
        return echo
    signs = (1, -1) * (echo.units // 2)
    biases = (LARGEST_BIAS, -LARGEST_BIAS) * (echo.units // 2)
    return Echo(echo.units, (SAMPLE.minimum,) * axes, (LARGEST_FACTOR,) * axes, signs, biases)


def axes_of(front: Front) -> tuple[int, ...]:
    """Return the axis of each unit: the axes in turn."""
    return tuple(unit % front.axes for unit in range(echo_of(front).units))


def leaks_of(front: Front) -> tuple[int, ...]:
    """Return the leak of each unit, with `LEAK_FRAC` fractional bits.

    The leak changes after each turn of the axes, so that an axis has units with different leaks.
    """
    turns = (unit // front.axes for unit in range(echo_of(front).units))
    return tuple(LEAKS[turn % len(LEAKS)] for turn in turns)


def _suits(echo: Echo, front: Front) -> bool:
    return (
        len(echo.offsets) == len(echo.factors) == front.axes
        and len(echo.signs) == len(echo.biases) == echo.units
        and all(SAMPLE.minimum <= offset <= SAMPLE.maximum for offset in echo.offsets)
        and all(0 <= factor <= LARGEST_FACTOR for factor in echo.factors)
        and {*echo.signs} <= {-1, 1}
        and all(abs(bias) <= LARGEST_BIAS for bias in echo.biases)
    )


def _inputs(front: Front, ops: WindowOps[T], samples: Fixed[T]) -> Fixed[T]:
    """Return the input of each unit for each sample, (windows, samples, units)."""
    echo = numbers_of(front)
    offsets = window.row(ops, echo.offsets, SAMPLE.frac)
    values = scaled(samples, offsets, window.row(ops, echo.factors, FACTOR_FRAC))
    axes = [window.axis(ops, values, axis) for axis in range(front.axes)]
    inputs = window.joined(ops, [axes[axis] for axis in axes_of(front)])
    signs, biases = window.row(ops, echo.signs, 0), window.row(ops, echo.biases, INPUT_FRAC)
    return inputs * signs + biases


def _step(front: Front, ops: WindowOps[T], input: Fixed[T], state: Fixed[T]) -> Fixed[T]:
    """Return the next state of all units, (windows, units)."""
    units = echo_of(front).units
    before = window.taken(ops, state, [units - 1, *range(units - 1)])
    return next_state(input, before, state, window.row(ops, leaks_of(front), LEAK_FRAC))


def scaled(value: Fixed[T], offset: Fixed[T], factor: Fixed[T]) -> Fixed[T]:
    """Return a sample of an axis, scaled for the units.

    The factor is split, because its whole product needs 64 bits.
    """
    difference = (value - offset).named("difference")
    upper, lower = factor.scaled(FACTOR_FRAC - HALF_FRAC).split(HALF_FRAC)
    product = difference * upper + (difference * lower).rounded(0)
    return product.scaled(-HALF_FRAC).requantize(SCALED).aligned(INPUT_FRAC)


def next_state(input: Fixed[T], before: Fixed[T], state: Fixed[T], leak: Fixed[T]) -> Fixed[T]:
    """Return the next state of a unit; `before` is the old state of the unit before it."""
    ops = before.ops
    factor = Fixed(ops, ops.constant(RECURRENT), RECURRENT_FRAC, RECURRENT, RECURRENT)
    wanted = (input + before * factor).requantize(STATE).named("wanted")
    kept = state * (leak.constant(1.0) - leak)
    # The two factors add up to 1, so the result lies between `state` and `wanted`.
    return (kept + wanted * leak).rounded(STATE.frac).bounded(STATE.minimum, STATE.maximum)


def size(state: Fixed[T]) -> Fixed[T]:
    """Return the absolute value of a state, in fewer instructions than `Fixed.absolute` takes."""
    above = state.saturated(0, INT32_MAX)  # no state is larger, so one comparison is left
    return (above + above - state).bounded(0, -STATE.minimum)


def feature(state: Fixed[T]) -> Fixed[T]:
    """Return a state as a feature."""
    return state.scaled(FEATURE_BITS).requantize(FEATURE)


def mean(total: Fixed[T], terms: int) -> Fixed[T]:
    """Return a total of states, divided by the number of its terms, as a feature."""
    return total.scaled(FEATURE_BITS).divided(terms).requantize(FEATURE)
