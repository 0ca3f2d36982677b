"""The statistics of windows are those of their definition, in exact integers."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ska_edge.errors import InputError
from ska_edge.frontend.front import FEATURE, SAMPLE, Front
from ska_edge.frontend.frontends import (
    LONGEST,
    check_front,
    feature_count,
    feature_names,
    features_of,
    front_for,
)
from ska_edge.frontend.statistics import vectors_of

AXES = ("ax", "ay", "az", "t")


def divided(total: int, terms: int) -> int:
    """Multiply by the reciprocal with 16 significant bits; round half up to a feature."""
    frac = 16 + terms.bit_length() - 1
    factor = math.floor(Fraction(2**frac, terms) + Fraction(1, 2))
    return math.floor(Fraction(total * factor, 2 ** (frac - FEATURE.frac)) + Fraction(1, 2))


def by_definition(window: list[list[int]], vectors: tuple[tuple[int, ...], ...]) -> list[int]:
    """Return the features of a window (length, axes), without the package's code."""
    rows = [
        [*row, *(min(math.isqrt(sum(row[a] ** 2 for a in v)), SAMPLE.maximum) for v in vectors)]
        for row in window
    ]
    columns, n = list(zip(*rows, strict=True)), len(rows)
    spreads = [n * sum(v * v for v in c) - sum(c) ** 2 for c in columns]
    changes = [sum(abs(b - a) for a, b in pairwise(c)) for c in columns]
    return [
        *(divided(sum(c), n) for c in columns),
        *(divided(math.isqrt(spread), n) for spread in spreads),
        *(min(c) << FEATURE.frac for c in columns),
        *(max(c) << FEATURE.frac for c in columns),
        *(divided(change, n - 1) for change in changes),
    ]


@st.composite
def windows(draw: st.DrawFn) -> np.ndarray:
    """Windows (n, length, 4) with many extreme samples."""
    shape = draw(st.integers(1, 3)), draw(st.integers(2, 12)), len(AXES)
    values = st.one_of(
        st.sampled_from([SAMPLE.minimum, SAMPLE.maximum, 0, 1, -1]),
        st.integers(SAMPLE.minimum, SAMPLE.maximum),
    )
    return draw(arrays(np.int16, shape, elements=values))


@given(windows())
def test_every_feature_is_that_of_its_definition(samples: np.ndarray) -> None:
    front = front_for("statistics", samples.shape[1], 1, AXES)
    expected = [by_definition(window, front.vectors) for window in samples.tolist()]
    np.testing.assert_array_equal(features_of(front, samples), expected)


def test_the_longest_window_is_exact() -> None:
    front = front_for("statistics", LONGEST, LONGEST // 2, AXES)
    rng = np.random.default_rng(0)
    samples = rng.choice([SAMPLE.minimum, SAMPLE.maximum, 3], (1, LONGEST, len(AXES)))
    expected = by_definition(samples[0].tolist(), front.vectors)
    assert features_of(front, samples)[0].tolist() == expected


def test_features_are_close_to_the_real_statistics() -> None:
    samples = np.random.default_rng(1).normal(100, 900, (40, 200, 4)).astype(np.int16)
    front = front_for("statistics", 200, 100, AXES)
    real = samples.astype(np.float64)
    lengths = np.sqrt((real[:, :, :3] ** 2).sum(axis=2, keepdims=True))
    real = np.concatenate([real, lengths], axis=2)
    changes = np.abs(np.diff(real, axis=1)).mean(axis=1)
    exact = [real.mean(axis=1), real.std(axis=1), real.min(axis=1), real.max(axis=1), changes]
    got = features_of(front, samples) * 2.0**-FEATURE.frac
    assert np.abs(got - np.concatenate(exact, axis=1)).max() < 1.0


def test_features_have_names() -> None:
    front = front_for("statistics", 10, 5, AXES)
    names = feature_names(front, AXES)
    assert len(names) == len(set(names)) == feature_count(front) == 25
    assert names[:6] == ("mean ax", "mean ay", "mean az", "mean t", "mean |ax ay az|", names[5])


@pytest.mark.parametrize(
    ("axes", "vectors"),
    [
        (("x", "y", "z"), ((0, 1, 2),)),
        (("gz", "gx", "gy", "Acc_X", "acc_y", "ACC_Z"), ((1, 2, 0), (3, 4, 5))),
        (("ax (g)", "ay (g)", "az (g)"), ((0, 1, 2),)),
        (("ax", "ay", "bz"), ()),
        (("light", "sound"), ()),
    ],
)
def test_axes_that_differ_in_xyz_are_a_vector(
    axes: tuple[str, ...], vectors: tuple[tuple[int, ...], ...]
) -> None:
    assert vectors_of(axes) == vectors


@pytest.mark.parametrize(
    ("front", "sentence"),
    [
        (Front("nothing", 10, 5, 3), "no front end 'nothing'"),
        (Front("statistics", 1, 1, 3), "windows of 1 sample suit no front end"),
        (Front("statistics", LONGEST + 1, 1, 3), f"windows of {LONGEST + 1} samples suit no"),
        (Front("statistics", 10, 0, 3), "a hop of 0 samples"),
        (
            Front("statistics", 100, 33, 3),
            "has 100 parts of 1 sample, .*; give hop 30 or hop 40",
        ),
        (Front("statistics", 101, 33, 3), "has 101 parts of 1 sample, .*; give hop 101"),
        (Front("statistics", 10, 5, 0), "samples of 0 axes suit no front end"),
        (Front("statistics", 10, 5, 2, ((0, 1, 2),)), "an axis that no sample has"),
        (Front("statistics", 10, 5, 2, frames=2), "the front end statistics has no frames"),
    ],
)
def test_windows_that_no_device_can_have_are_refused(front: Front, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        check_front(front)
