"""The features of kernels are those of their definition, in exact integers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ska_edge.errors import InputError, OptionError
from ska_edge.frontend.front import SAMPLE, Filters, Front, KernelGroup, Kernels
from ska_edge.frontend.frontends import (
    check_front,
    feature_count,
    feature_names,
    features_of,
    front_bytes,
    front_for,
)
from ska_edge.frontend.kernel_learning import learned_kernels
from ska_edge.frontend.request import FrontRequest
from tests.feature_graph import features_in_onnx


def by_definition(samples: list[list[int]], group: KernelGroup) -> list[int]:
    """Return the features of one window, without the package's code."""
    found = []
    for kernel, bias in enumerate(group.biases):
        weights = [-1] * 9
        for tap in group.chosen[3 * kernel : 3 * kernel + 3]:
            weights[tap] = 2
        assert sum(weights) == 0
        outputs = [
            sum(
                weight * samples[first + tap * group.dilation][axis]
                for tap, weight in enumerate(weights)
                for axis in group.axes
            )
            for first in range(len(samples) - 8 * group.dilation)
        ]
        found.append(16 * sum(output > bias for output in outputs))
    return found


@st.composite
def fronts(draw: st.DrawFn) -> tuple[Front, np.ndarray]:
    """A front end with learned kernels, and windows (n, length, axes) with extreme values."""
    axes, length = draw(st.integers(1, 4)), draw(st.integers(9, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    windows = rng.integers(-40, 40, (3, length, axes)).astype(np.int16)
    windows[1] = rng.choice([SAMPLE.minimum, SAMPLE.maximum], windows.shape[1:])
    windows[2] = rng.integers(SAMPLE.minimum, SAMPLE.maximum + 1, windows.shape[1:])
    hop, levels = draw(st.integers(1, 50)), draw(st.integers(0, 9))
    front = front_for("kernels", length, hop, "abcd"[:axes], count=11, levels=levels)
    return replace(front, kernels=learned_kernels(front, windows, draw(st.integers(0, 9)))), windows


@given(fronts())
def test_every_feature_is_that_of_its_definition(case: tuple[Front, np.ndarray]) -> None:
    front, windows = case
    check_front(front)
    assert front.kernels is not None
    expected = [
        [count for group in front.kernels.groups for count in by_definition(window, group)]
        for window in windows.tolist()
    ]
    found = features_of(front, windows)
    np.testing.assert_array_equal(found[:, :11], expected)
    levels = front.kernels.levels
    terms = front.length // max(levels, 1)
    for part in range(levels):
        first = part * front.length // levels
        exact = windows[:, first : first + terms].astype(float).mean(axis=1)
        means = found[:, 11 + part * front.axes :][:, : front.axes] / 16
        # A mean is rounded to 1/16, and 1/n has 16 significant bits.
        assert (np.abs(means - exact) <= 1 / 32 + np.abs(exact) / 2**16).all()
    names = feature_names(front, "abcd"[: front.axes])
    assert feature_count(front) == len({*names}) == 11 + levels * front.axes == found.shape[1]
    assert front_bytes(front) == 2 * front.length * front.axes


@given(fronts())
@settings(max_examples=10)
def test_onnx_has_the_features(case: tuple[Front, np.ndarray]) -> None:
    front, windows = case
    np.testing.assert_array_equal(features_in_onnx(front, windows), features_of(front, windows))


def test_kernels_are_learned_from_the_seed_and_suit_the_windows() -> None:
    front = front_for("kernels", 100, 50, ("ax", "ay", "az"), count=200, levels=0)
    rng = np.random.default_rng(1)
    windows = rng.normal(0, 1000, (20, 100, 3)).astype(np.int16)
    kernels = learned_kernels(front, windows, 5)
    assert kernels == learned_kernels(front, windows, 5)
    assert kernels != learned_kernels(front, windows, 6)
    learned = replace(front, kernels=kernels)
    assert learned.learned and not front.learned
    assert {1, 12} <= {group.dilation for group in kernels.groups} <= {*range(1, 13)}
    assert {len(group.axes) for group in kernels.groups} == {1, 2, 3}
    for group in kernels.groups:  # no kernel occurs twice in a group
        assert len({*zip(*map(group.column, range(3)), strict=True)}) == len(group.biases)
    shares = features_of(learned, windows) / 16
    assert 0.2 < (shares.mean(axis=0) / 100).mean() < 0.5  # fewer places fit for a long dilation
    assert (shares.std(axis=0) > 0).mean() > 0.98  # a bias may be the largest output
    # A constant that is added to the samples changes nothing, because the weights add up to 0.
    np.testing.assert_array_equal(
        features_of(learned, windows), features_of(learned, windows + np.int16(700))
    )


def test_a_request_has_a_number_of_kernels_and_levels() -> None:
    assert FrontRequest.parse("kernels") == FrontRequest("kernels")
    found = FrontRequest.parse("kernels:count=30").of_windows(20, 7, ("ax", "ay", "az"))
    assert (found.kernels, found.vectors, found.parts) == (Kernels(30, levels=8), (), 20)
    other = FrontRequest.parse("kernels:levels=3,count=2").of_windows(20, 7, ("a",))
    assert other.kernels == Kernels(2, levels=3)
    assert FrontRequest.parse("kernels").of_windows(20, 7, ("a",)).kernels == Kernels(levels=8)
    none = FrontRequest.parse("kernels:levels=0").of_windows(20, 7, ("a",))
    assert none.kernels == Kernels()


@pytest.mark.parametrize("text", ["count=0", "count=1025", "count=x", "levels=65"])
def test_what_is_no_number_of_kernels_is_refused(text: str) -> None:
    name, _, _ = text.partition("=")
    with pytest.raises(OptionError, match=f"has '{text}', but {name} must be an integer from"):
        FrontRequest.parse(f"kernels:{text}")


def test_an_unknown_parameter_is_refused_with_the_known_ones() -> None:
    with pytest.raises(OptionError, match="has 'size=3', but its parameters are count, an int"):
        FrontRequest.parse("kernels:size=3")


def test_a_window_has_no_more_levels_than_samples() -> None:
    request = FrontRequest.parse("kernels:levels=40")
    with pytest.raises(OptionError, match="frontend has levels=40, but a window of 20 samples"):
        request.of_windows(20, 7, ("a",))
    with pytest.raises(InputError, match="needs windows of 9 samples or more, not 5"):
        request.of_windows(5, 5, ("a",))


@pytest.mark.parametrize("text", ["count=3,count=4", "levels=3, levels=3"])
def test_a_parameter_of_kernels_that_is_given_twice_is_refused(text: str) -> None:
    with pytest.raises(OptionError, match="twice"):
        FrontRequest.parse(f"kernels:{text}")


def test_a_colon_without_parameters_is_refused() -> None:
    for text in ("kernels:", "statistics: ", "auto:"):
        with pytest.raises(OptionError, match="has no parameters after its colon"):
            FrontRequest.parse(text)


LARGEST = 18 * 3 * 2**15  # bias with three axes
GOOD = KernelGroup(1, (0, 2), (0, 1, 8, 3, 4, 5), (-7, LARGEST))


@pytest.mark.parametrize(
    ("front", "sentence"),
    [
        (Front("kernels", 20, 5, 3), "kernels needs kernels"),
        (Front("kernels", 20, 5, 3, ((0, 1, 2),), kernels=Kernels()), "kernels has no vectors"),
        (
            Front("kernels", 20, 5, 3, filters=Filters(), kernels=Kernels()),
            "kernels has no filters",
        ),
        (Front("kernels", 8, 5, 3, kernels=Kernels()), "windows of 9 samples or more, not 8"),
        (Front("kernels", 20, 5, 3, kernels=Kernels(0)), "count=0, but it must be 1 to 1024"),
        (
            Front("kernels", 20, 5, 3, kernels=Kernels(levels=21)),
            "levels=21, but for windows of 20",
        ),
        (Front("kernels", 99, 5, 3, kernels=Kernels(levels=65)), "it must be 0 to 64"),
        (Front("kernels", 99, 5, 3, kernels=Kernels(levels=-1)), "it must be 0 to 64"),
        (Front("statistics", 20, 5, 3, kernels=Kernels()), "statistics has no kernels"),
        (Front("patches", 8, 8, 8, filters=Filters(), kernels=Kernels()), "patches has no kernels"),
        *(
            (Front("kernels", 20, 5, 3, kernels=Kernels(2, (group,))), "do not suit the windows")
            for group in (
                replace(GOOD, dilation=3),
                replace(GOOD, dilation=0),
                replace(GOOD, axes=()),
                replace(GOOD, axes=(2, 0)),
                replace(GOOD, axes=(0, 0)),
                replace(GOOD, axes=(-1, 0)),
                replace(GOOD, axes=(0, 3)),
                replace(GOOD, chosen=(0, 1, 9, 3, 4, 5)),
                replace(GOOD, chosen=(0, 1, 8)),
                replace(GOOD, biases=(0, LARGEST + 1)),
                replace(GOOD, biases=(0, 1, 2), chosen=(*GOOD.chosen, 1, 2, 3)),
            )
        ),
    ],
)
def test_kernels_that_no_device_can_have_are_refused(front: Front, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        check_front(front)


def test_good_kernels_are_accepted() -> None:
    check_front(Front("kernels", 20, 5, 3, kernels=Kernels(2, (GOOD,))))
