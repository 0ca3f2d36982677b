"""The features of images are those of their definition, in exact integers."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ska_edge.errors import InputError, OptionError
from ska_edge.frontend.filter_learning import learned_weights
from ska_edge.frontend.front import FEATURE, SAMPLE, WEIGHT, Filters, Front
from ska_edge.frontend.frontends import (
    check_front,
    feature_count,
    feature_names,
    features_of,
)
from ska_edge.frontend.request import FrontRequest
from tests.feature_graph import features_in_onnx


def by_definition(image: list[list[int]], filters: Filters) -> list[int]:
    """Return the features of an image, without the package's code."""
    size, stride, area = filters.size, filters.stride, filters.size**2
    pixels = [[min(max(value, 0), 255) for value in row] for row in image]
    down, right = ((len(edge) - size) // stride + 1 for edge in (pixels, pixels[0]))

    def response(number: int, y: int, x: int) -> int:
        weights = filters.weights[number * area : (number + 1) * area]
        products = (
            weights[i * size + j] * pixels[y * stride + i][x * stride + j]
            for i in range(size)
            for j in range(size)
        )
        return max(sum(products), 0)

    found = []
    rows, columns = (
        list(pairwise(cell * places // filters.cells for cell in range(filters.cells + 1)))
        for places in (down, right)
    )
    for top, below in rows:
        for left, after in columns:
            for number in range(filters.count):
                total = sum(
                    response(number, y, x) for y in range(top, below) for x in range(left, after)
                )
                shift = WEIGHT.frac - FEATURE.frac
                found.append(math.floor(Fraction(total, 2**shift) + Fraction(1, 2)))
    return found


@st.composite
def fronts(draw: st.DrawFn) -> tuple[Front, np.ndarray]:
    """A front end of images, and images (n, rows, columns); some values are not those of pixels."""
    size, stride = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    rows, columns = draw(st.integers(max(size, 2), 9)), draw(st.integers(size, 9))
    places = (min(rows, columns) - size) // stride + 1
    filters = Filters(draw(st.integers(1, 3)), size, stride, draw(st.integers(1, places)))
    seed = draw(st.integers(0, 2**32))
    rng = np.random.default_rng(seed)
    weights = rng.integers(-128, 128, filters.count * size**2)
    extreme = rng.random(weights.shape) < 0.2
    weights[extreme] = rng.choice([-128, 127], int(extreme.sum()))
    filters = Filters(filters.count, size, stride, filters.cells, tuple(weights.tolist()))
    images = rng.integers(-20, 300, (2, rows, columns)).astype(np.int16)
    images[1, rng.random(images.shape[1:]) < 0.3] = SAMPLE.maximum
    return Front("patches", rows, rows, columns, filters=filters), images


@given(fronts())
def test_every_feature_is_that_of_its_definition(case: tuple[Front, np.ndarray]) -> None:
    front, images = case
    check_front(front)
    assert front.filters is not None
    expected = [by_definition(image, front.filters) for image in images.tolist()]
    np.testing.assert_array_equal(features_of(front, images), expected)
    assert len(expected[0]) == feature_count(front) == len(set(feature_names(front, ())))


@given(fronts())
@settings(max_examples=15)
def test_onnx_has_the_features(case: tuple[Front, np.ndarray]) -> None:
    front, images = case
    np.testing.assert_array_equal(features_in_onnx(front, images), features_of(front, images))


def stripes(seed: int) -> np.ndarray:
    """Images (60, 12, 12) with horizontal or vertical stripes, and noise."""
    rng = np.random.default_rng(seed)
    lines = rng.integers(0, 2, (60, 12, 1)) * 200
    images = np.where(rng.random((60, 1, 1)) < 0.5, lines, lines.transpose(0, 2, 1))
    return images + rng.integers(0, 20, images.shape)


def test_filters_are_learned_from_the_seed_and_look_like_the_images() -> None:
    filters = Filters(count=4, size=3)
    weights = np.array(learned_weights(filters, stripes(0), 5)).reshape(4, 3, 3)
    again = learned_weights(filters, stripes(0), 5)
    assert tuple(weights.ravel().tolist()) == again
    assert learned_weights(filters, stripes(0), 6) != again
    # A filter has length 1, almost no mean, and is constant along the stripes.
    np.testing.assert_allclose((weights**2).sum(axis=(1, 2)), 128**2, rtol=0.03)
    assert np.abs(weights.sum(axis=(1, 2))).max() <= 9
    spread = np.minimum(np.ptp(weights, axis=1).max(axis=1), np.ptp(weights, axis=2).max(axis=1))
    assert np.median(spread) < 25


def test_images_without_contrast_teach_no_filters() -> None:
    with pytest.raises(InputError, match="only 0 different patches with contrast"):
        learned_weights(Filters(), np.full((20, 28, 28), 9), 0)


def test_a_request_has_parameters_in_any_order() -> None:
    found = FrontRequest.parse("patches:shape=8x10,filters=6,cells=2,size=3,stride=1")
    given = {"shape": (8, 10), "filters": 6, "cells": 2, "size": 3, "stride": 1}
    assert found == FrontRequest("patches", tuple(given.items()))
    front = found.front(80)
    assert (front.length, front.hop, front.axes, feature_count(front)) == (8, 8, 10, 24)
    assert FrontRequest.parse("patches").front(784).axes == 28
    assert FrontRequest.parse("statistics") == FrontRequest("statistics")


def test_a_front_end_is_named_by_text() -> None:
    with pytest.raises(OptionError, match="give the name of a front end"):
        FrontRequest.parse(3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "edge", "filters"),
    [
        ("patches", 28, Filters(16, 5, 2, 4)),
        ("patches", 11, Filters(16, 5, 2, 4)),
        ("patches", 10, Filters(16, 3, 1, 4)),
        ("patches", 8, Filters(16, 3, 1, 4)),
        ("patches", 6, Filters(16, 3, 1, 4)),
        ("patches", 4, Filters(16, 3, 1, 2)),
        ("patches:size=7", 8, Filters(16, 7, 1, 2)),
        ("patches:stride=3,filters=2", 8, Filters(2, 3, 3, 2)),
        ("patches:stride=9", 28, Filters(16, 5, 9, 3)),
        ("patches:cells=3,size=2", 8, Filters(16, 2, 1, 3)),
    ],
)
def test_what_is_not_given_suits_the_image(text: str, edge: int, filters: Filters) -> None:
    assert FrontRequest.parse(text).front(edge**2).filters == filters


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("patch", "frontend is 'patch', but must be one of statistics"),
        ("statistics:size=3", "statistics of frontend has 'size=3', but it has no parameters"),
        ("none:units=8", "none of frontend has 'units=8', but it has no parameters"),
        ("patches:", "has no parameters after its colon"),
        ("patches:size", "of frontend has 'size', but size must be an integer from 1 to 9"),
        ("patches:size=-3", "has 'size=-3', but size must be an integer from 1 to 9"),
        ("patches:filters=x", "has 'filters=x', but filters must be an integer from 1 to 64"),
        ("patches:stride=0", "has 'stride=0', but stride must be an integer from"),
        ("patches:shape=28", "has 'shape=28', but shape must be rows x columns, such as"),
        ("patches:weights=3", "patches of frontend has 'weights=3', but its parameters are"),
        ("patches:size=3, size=3", "the front end patches of frontend has size twice"),
        ("patches:shape=28x28,shape=14x56", "has shape twice"),
        ("patches:shape=28x29", "784 columns, which are no image of 28x29 pixels"),
        ("patches:cells=13", "size=5 and stride=2 has 12 places .* give cells=1 to 12, or a"),
        ("patches:shape=98x8", "at most 64x64 pixels"),
    ],
)
def test_what_suits_no_image_is_refused(text: str, sentence: str) -> None:
    with pytest.raises((InputError, OptionError), match=sentence):
        FrontRequest.parse(text).front(784)


@pytest.mark.parametrize(
    ("front", "sentence"),
    [
        (Front("patches", 8, 4, 8, filters=Filters()), "needs images and filters"),
        (Front("patches", 8, 8, 8), "needs images and filters"),
        (Front("statistics", 8, 8, 3, filters=Filters()), "statistics has no filters"),
        (Front("patches", 8, 8, 8, filters=Filters(1, 3, 1, 2, (1,) * 8)), "weights of the filter"),
        (Front("patches", 8, 8, 8, filters=Filters(1, 1, 1, 2, (128,))), "weights of the filter"),
        (
            Front("patches", 64, 64, 64, filters=Filters(1, 9, 1, 1, (127,) * 81)),
            "a sum has more than 32 bits",
        ),
    ],
)
def test_filters_that_no_device_can_have_are_refused(front: Front, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        check_front(front)
