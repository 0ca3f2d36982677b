"""The front end `echo`: a recurrent state that depends on all samples of a window so far.

The state has a number of units, and only its readout learns: it is an echo state network (Jaeger
2001). The units are a ring, and each one gets the state of the unit before it, so a step needs few
operations (the simple cycle reservoir of Rodan and Tino, IEEE TNN 2011). A sample changes a unit
from s to

    s + leak * (clip(input + 115/128 * before, -1, 1) - s)

where `before` is the old state of the unit before it. The input is the sum of the axes, each with
a sign, and the bias of the unit. The leaks of the units differ, so some units follow the samples,
and others average them. The state is 0 at the start of a window.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ska_edge.arithmetic import window
from ska_edge.arithmetic.fixedpoint import Fixed, QFormat, T
from ska_edge.arithmetic.function import Argument, FixedFunction
from ska_edge.arithmetic.window import WindowOps
from ska_edge.errors import InputError
from ska_edge.frontend.front import FEATURE, SAMPLE, Echo, Front
from ska_edge.frontend.parameter import even

MOST_UNITS = 256
STATE = QFormat(16, 15)
"""The format of a state, which is from -1 to 1."""
SCALED = QFormat(16, 14)
"""The format of an axis that is scaled for the units, and of a bias."""
LARGEST_BIAS = 2**SCALED.frac  # 1
FACTOR_FRAC = 30  # fractional bits of the factor of an axis
LARGEST_FACTOR = 2 ** (FACTOR_FRAC - 1)
RECURRENT_FRAC = 7
RECURRENT = 115  # what a unit gets of the unit before it, 115/128
LEAK_FRAC = 6  # fractional bits of a leak
LEAKS = (64, 32, 16, 8, 4)
"""The leaks of five units: 1, 1/2, 1/4, 1/8 and 1/16. The next five units have the same leaks."""
UNIT_BYTES = 10  # of a unit in a part: a state, and two sums of 32 bits
FEATURE_BITS = 11  # a state of 1 is a feature of 2**FEATURE_BITS
NAMES = ("last", "mean", "size")


class EchoState:
    """The front end `echo`; see `Frontend`."""

    summary = "last state, mean state and mean absolute state of a recurrent network"
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
        axes: Sequence[str],  # noqa: ARG002, because a unit adds all axes
    ) -> tuple[str, ...]:
        """Return names such as "mean 3"."""
        units = range(1, echo_of(front).units + 1)
        return tuple(f"{name} {unit}" for name in NAMES for unit in units)

    def features(self, front: Front, ops: WindowOps[T], samples: Fixed[T]) -> Fixed[T]:
        """Return the features in the order of `NAMES`, each of all units."""
        length = front.length
        units = echo_of(front).units
        states = window.scanned(
            ops,
            _inputs(front, ops, samples),
            STATE,
            lambda ops, input, state: _step(ops, input, state, units),
        )
        last = window.part(ops, states, length - 1, 1)
        return window.joined(
            ops,
            [
                feature(window.total(ops, last, 1)),
                mean(window.total(ops, states, length), length),
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
        if echo != Echo(echo.units) and not _suits(echo, front):
            raise InputError("the learned numbers of the front end echo do not suit its windows")

    def part_bytes(self, front: Front) -> int:
        """Return the bytes of a part: the state of a window that begins with it, and its sums."""
        return UNIT_BYTES * echo_of(front).units

    def functions(self, front: Front) -> tuple[FixedFunction, ...]:
        """Return the functions of an axis, of a unit, and of a feature."""
        most = front.axes * -SCALED.minimum + LARGEST_BIAS
        state, before = (Argument.of(name, STATE) for name in ("state", "before"))
        largest = front.length * -STATE.minimum
        total = Argument("total", STATE.frac, -largest, largest)
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
                    Argument("input", SCALED.frac, -most, most),
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
    signs = (1, -1) * (axes * echo.units // 2)
    biases = (LARGEST_BIAS, -LARGEST_BIAS) * (echo.units // 2)
    return Echo(echo.units, (SAMPLE.minimum,) * axes, (LARGEST_FACTOR,) * axes, signs, biases)


def leaks_of(units: int) -> tuple[int, ...]:
    """Return the leak of each unit, with `LEAK_FRAC` fractional bits."""
    return tuple(LEAKS[unit % len(LEAKS)] for unit in range(units))


def _suits(echo: Echo, front: Front) -> bool:
    return (
        len(echo.offsets) == len(echo.factors) == front.axes
        and len(echo.signs) == front.axes * echo.units
        and len(echo.biases) == echo.units
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
    inputs = window.row(ops, echo.biases, SCALED.frac)
    for axis in range(front.axes):
        signs = window.row(ops, echo.signs[axis :: front.axes], 0)
        inputs = inputs + window.axis(ops, values, axis) * signs
    return inputs


def _step(ops: WindowOps[T], input: Fixed[T], state: Fixed[T], units: int) -> Fixed[T]:
    """Return the next state of all units, (windows, units)."""
    before = window.taken(ops, state, [units - 1, *range(units - 1)])
    return next_state(input, before, state, window.row(ops, leaks_of(units), LEAK_FRAC))


def scaled(value: Fixed[T], offset: Fixed[T], factor: Fixed[T]) -> Fixed[T]:
    """Return a sample of an axis, scaled for the units."""
    difference = (value - offset).named("difference")
    return (difference * factor).requantize(SCALED)


def next_state(input: Fixed[T], before: Fixed[T], state: Fixed[T], leak: Fixed[T]) -> Fixed[T]:
    """Return the next state of a unit; `before` is the old state of the unit before it."""
    ops = before.ops
    factor = Fixed(ops, ops.constant(RECURRENT), RECURRENT_FRAC, RECURRENT, RECURRENT)
    recurrent = before * factor
    wanted = (input + recurrent).requantize(STATE).named("wanted")
    # The result lies between `state` and `wanted`, so no value saturates; but the compiler and the
    # proof of the C code cannot know this.
    return (state + (wanted - state) * leak).requantize(STATE)


def size(state: Fixed[T]) -> Fixed[T]:
    """Return the absolute value of a state."""
    return state.absolute()


def feature(state: Fixed[T]) -> Fixed[T]:
    """Return a state as a feature."""
    return state.scaled(FEATURE_BITS).requantize(FEATURE)


def mean(total: Fixed[T], terms: int) -> Fixed[T]:
    """Return a total of states, divided by the number of its terms, as a feature."""
    return total.scaled(FEATURE_BITS).divided(terms).requantize(FEATURE)
