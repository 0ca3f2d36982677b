"""The features of `echo` are those of their definition, in numpy and in ONNX."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx.reference import ReferenceEvaluator

from ska_edge.arithmetic import window
from ska_edge.arithmetic.fixedpoint import Fixed, QFormat
from ska_edge.arithmetic.interval_ops import IntervalOps
from ska_edge.arithmetic.numpy_ops import NumpyOps, stored
from ska_edge.errors import InputError, OptionError
from ska_edge.frontend import frontends
from ska_edge.frontend.echo import LEAKS, numbers_of
from ska_edge.frontend.echo_learning import learned_echo
from ska_edge.frontend.front import SAMPLE, Echo, Filters, Front, Kernels
from ska_edge.frontend.frontends import (
    LONGEST,
    MOST_AXES,
    check_front,
    feature_count,
    feature_names,
    features_of,
    front_bytes,
    front_for,
)
from ska_edge.frontend.request import FrontRequest
from tests.feature_graph import feature_graph, features_in_onnx


def states_of(samples: list[list[int]], echo: Echo) -> Iterator[list[int]]:
    """Yield the state after each sample, by the definition; 32768 is 1."""
    states = [0] * echo.units
    for sample in samples:
        scaled = []
        for value, offset, factor in zip(sample, echo.offsets, echo.factors, strict=True):
            upper, lower = divmod(factor, 2**15)
            product = (value - offset) * upper + (((value - offset) * lower + 2**14) >> 15)
            scaled.append(128 * min(max(product, -(2**16)), 2**16 - 1))
        old, axes = states, len(sample)
        states = []
        for unit, (sign, bias) in enumerate(zip(echo.signs, echo.biases, strict=True)):
            total = sign * scaled[unit % axes] + bias + 115 * old[unit - 1]
            wanted = min(max((total + 64) >> 7, -32768), 32767)
            leak = LEAKS[unit // axes % len(LEAKS)]
            states.append((64 * old[unit] + leak * (wanted - old[unit]) + 32) >> 6)
        yield states


def by_definition(samples: list[list[int]], echo: Echo) -> np.ndarray:
    """Return the features of a window; a state is exact, and a mean may be rounded twice."""
    states = np.array(list(states_of(samples, echo)))
    return np.concatenate([states[-1], np.abs(states).mean(axis=0)])


@st.composite
def fronts(draw: st.DrawFn) -> tuple[Front, np.ndarray]:
    """Draw a learned front end, and windows of random, small or extreme samples."""
    axes, length = draw(st.integers(1, 4)), draw(st.integers(2, 30))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    windows = rng.normal(0, draw(st.sampled_from([0, 2, 500, 9000])), (9, length, axes))
    windows = np.clip(windows, SAMPLE.minimum, SAMPLE.maximum).astype(np.int16)
    front = front_for("echo", length, length, "abcd"[:axes], units=draw(st.sampled_from([4, 14])))
    front = replace(front, echo=learned_echo(front, windows, draw(st.integers(0, 9))))
    windows[0] = rng.choice([SAMPLE.minimum, SAMPLE.maximum], windows.shape[1:])
    windows[1] = SAMPLE.minimum
    return front, windows


@given(fronts())
def test_every_feature_is_that_of_its_definition(case: tuple[Front, np.ndarray]) -> None:
    front, windows = case
    check_front(front)
    assert front.echo is not None and front.learned and front.learns
    features = features_of(front, windows)
    expected = np.array([by_definition(each, front.echo) for each in windows.tolist()])
    units = front.echo.units
    np.testing.assert_array_equal(features[:, :units], expected[:, :units])
    assert np.abs(features - expected).max() < 1
    assert feature_count(front) == len(set(feature_names(front, ()))) == 2 * units
    assert front_bytes(front) == 8 * units


@given(fronts())
@settings(max_examples=10)
def test_onnx_has_the_features(case: tuple[Front, np.ndarray]) -> None:
    front, windows = case
    expected = features_of(front, windows)
    np.testing.assert_array_equal(features_in_onnx(front, windows), expected)
    reference = ReferenceEvaluator(feature_graph(front))
    (found,) = reference.run(None, {"windows": windows.astype(np.int64)})
    np.testing.assert_array_equal(found, expected)


def test_the_longest_windows_with_most_axes_have_a_proof() -> None:
    for units in (MOST_AXES, 256):
        front = front_for("echo", LONGEST, LONGEST, ("a",) * MOST_AXES, units=units)
        assert not front.learned
        check_front(replace(front, echo=numbers_of(front)))


def test_windows_of_several_blocks_have_their_own_features(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    front = front_for("echo", 10, 10, ("a",), units=8)
    windows = np.random.default_rng(3).normal(0, 100, (7, 10, 1)).astype(np.int16)
    front = replace(front, echo=learned_echo(front, windows, 1))
    expected = features_of(front, windows)
    for windows_at_once in (0, 1, 3):
        monkeypatch.setattr(frontends, "BLOCK_VALUES", 10 * 8 * windows_at_once)
        np.testing.assert_array_equal(features_of(front, windows), expected)


def test_an_echo_is_learned_from_the_seed_and_scales_the_axes() -> None:
    front = front_for("echo", 100, 50, ("ax", "ay", "az"), units=200)
    rng = np.random.default_rng(1)
    windows = rng.normal(0, 1000, (20, 100, 3)).astype(np.int16)
    echo = learned_echo(front, windows, 5)
    assert echo == learned_echo(front, windows, 5)
    assert echo != learned_echo(front, windows, 6)
    assert {*echo.signs} == {-1, 1}
    changes = sum(sign != after for sign, after in pairwise(echo.signs))
    assert 30 < changes < 70  # 199 units have a unit before them, and one in four has another sign
    assert min(echo.biases) < -3_000_000 and max(echo.biases) > 3_000_000
    learned = replace(front, echo=echo)
    # The features hardly depend on the gain and the offset of an axis.
    other = (windows * np.array([9, 1, 2]) + np.array([300, -2000, 5])).astype(np.int16)
    after = replace(front, echo=learned_echo(front, other, 5))
    assert np.abs(features_of(learned, windows) - features_of(after, other)).max() < 120
    # The first 20 of 100 samples hardly change the last states.
    changed = windows.copy()
    changed[:, :20] = 0
    last = [features_of(learned, each)[:, :200] for each in (windows, changed)]
    assert np.abs(last[0] - last[1]).max() < 4000


def test_a_constant_axis_is_no_division_by_zero() -> None:
    front = front_for("echo", 10, 10, ("a", "b"), units=4)
    windows = np.full((3, 10, 2), 77, np.int16)
    echo = learned_echo(front, windows, 1)
    assert echo.offsets == (77, 77)
    check_front(replace(front, echo=echo))


def test_a_request_has_a_number_of_units() -> None:
    assert FrontRequest.parse("echo") == FrontRequest("echo")
    found = FrontRequest.parse("echo:units=30").of_windows(20, 5, ("ax", "ay", "az"))
    assert (found.echo, found.vectors, found.parts) == (Echo(30), (), 4)
    assert FrontRequest.parse("echo").of_windows(20, 10, ("a",)).echo == Echo(64)


@pytest.mark.parametrize("text", ["units=0", "units=7", "units=258", "units=x"])
def test_what_is_no_number_of_units_is_refused(text: str) -> None:
    sentence = f"has '{text}', but units must be an even integer from 2 to 256"
    with pytest.raises(OptionError, match=sentence):
        FrontRequest.parse(f"echo:{text}")


def test_an_unknown_parameter_is_refused_with_the_known_one() -> None:
    with pytest.raises(OptionError, match="has 'size=3', but its only parameter is units, an even"):
        FrontRequest.parse("echo:size=3")


GOOD = Echo(4, (0, 5, -5), (1, 2**29, 7), (1, -1, 1, 1), (2**22, -(2**22), 0, 9))


@pytest.mark.parametrize(
    ("front", "sentence"),
    [
        (Front("echo", 20, 5, 3), "echo needs an echo"),
        (Front("echo", 20, 5, 3, ((0, 1, 2),), echo=Echo()), "echo has no vectors"),
        (Front("echo", 20, 5, 3, filters=Filters(), echo=Echo()), "echo has no filters"),
        (Front("echo", 20, 5, 3, kernels=Kernels(), echo=Echo()), "echo has no kernels"),
        (Front("echo", 20, 3, 3, echo=Echo()), "has 20 parts of 1 sample, .* give hop 2 or hop 4"),
        (Front("echo", 20, 5, 3, echo=Echo(0)), "units=0, but it must be an even number from 2"),
        (Front("echo", 20, 5, 3, echo=Echo(9)), "units=9, but it must be an even number from 2"),
        (Front("echo", 20, 5, 3, echo=Echo(2)), "units=2 for 3 axes, but it needs a unit for each"),
        (Front("statistics", 20, 5, 3, echo=Echo()), "statistics has no echo"),
        (Front("kernels", 20, 5, 3, kernels=Kernels(), echo=Echo()), "kernels has no echo"),
        *(
            (Front("echo", 20, 5, 3, echo=echo), "do not suit its windows")
            for echo in (
                replace(GOOD, offsets=()),
                replace(GOOD, offsets=(0, 0, 40000)),
                replace(GOOD, factors=(1, 1, 2**29 + 1)),
                replace(GOOD, factors=(1, 1, -1)),
                replace(GOOD, factors=(1, 1)),
                replace(GOOD, signs=(1, 1, 1)),
                replace(GOOD, signs=(1, 1, 1, 0)),
                replace(GOOD, biases=(0,)),
                replace(GOOD, biases=(0, 0, 0, 2**22 + 1)),
                Echo(4, factors=GOOD.factors),
            )
        ),
    ],
)
def test_an_echo_that_no_device_can_have_is_refused(front: Front, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        check_front(front)


def test_a_good_echo_is_accepted() -> None:
    check_front(Front("echo", 20, 5, 3, echo=GOOD))


def test_a_state_that_leaves_its_format_is_refused() -> None:
    ops = IntervalOps()
    samples = Fixed.of(ops, None, SAMPLE)
    with pytest.raises(ValueError, match="does not suit Q7"):
        window.scanned(ops, samples, QFormat(8, 0), lambda _, sample, before: sample + before)


def test_a_scan_sees_every_sample_once() -> None:
    ops = NumpyOps()
    samples = np.random.default_rng(2).integers(-9, 10, (4, 7, 3))
    sums = window.scanned(
        ops,
        stored(ops, samples, SAMPLE),
        QFormat(32, 0),
        lambda _, sample, before: (sample + before).requantize(QFormat(32, 0)),
    )
    np.testing.assert_array_equal(sums.data, samples.cumsum(axis=1))
