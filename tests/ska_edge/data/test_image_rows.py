"""A model takes features, or the raw data from which its front end computes them."""

from __future__ import annotations

import numpy as np
import pytest

from ska_edge.data.image_rows import raw_features
from ska_edge.errors import InputError
from ska_edge.frontend.front import Filters, Front
from ska_edge.frontend.frontends import feature_count, features_of
from ska_edge.model.model_file import Model
from tests.agreement.test_front import FRONTS
from tests.agreement.test_raw_windows import model_of

RNG = np.random.default_rng(3)
SQUARE = Front("patches", 4, 4, 4, filters=Filters(4, 1, 1, 2, (9, -8, 7, -6)))


def raw_of(model: Model, rows: int = 5) -> np.ndarray:
    front = model.plan.front
    assert front is not None
    most = 256 if front.image else 2**15
    return RNG.integers(0 if front.image else -most, most, (rows, front.length, front.axes))


@pytest.mark.parametrize("name", ["half", "image"])
@pytest.mark.parametrize("kind", [np.int64, np.int16, np.float64, list])
def test_raw_data_and_their_features_have_the_same_decisions(name: str, kind: type) -> None:
    model = model_of(name)
    raw = raw_of(model)
    features = features_of(FRONTS[name], raw)
    given = raw.tolist() if kind is list else raw.astype(kind)
    expected = model.decisions(features)
    np.testing.assert_array_equal(model.decisions(given), expected)
    assert len(np.unique(expected)) > 2
    if FRONTS[name].image:
        pixels = raw.reshape(len(raw), -1)
        np.testing.assert_array_equal(model.decisions(pixels), expected)


def test_pixels_of_a_frame_are_found_by_name() -> None:
    pandas = pytest.importorskip("pandas")
    model = model_of("image")
    pixels = raw_of(model).reshape(5, -1)
    names = [f"pixel {number}" for number in range(pixels.shape[1])]
    model.notes |= {"columns": names, "features": [f"f{i}" for i in range(model.plan.inputs)]}
    frame = pandas.DataFrame(pixels, columns=names)
    expected = model.decisions(pixels)
    np.testing.assert_array_equal(model.decisions(frame[names[::-1]]), expected)
    with pytest.raises(InputError, match="pixel 3"):
        model.decisions(frame.drop(columns="pixel 3"))


def test_a_row_with_as_many_pixels_as_features_has_features() -> None:
    assert feature_count(SQUARE) == 16
    images = RNG.integers(0, 256, (3, 4, 4))
    assert raw_features(images.reshape(3, 16), SQUARE) is None
    np.testing.assert_array_equal(raw_features(images, SQUARE), features_of(SQUARE, images))


@pytest.mark.parametrize(
    ("name", "shape", "value", "sentence"),
    [
        ("image", (9, 7), 256, "row 2 of x has the number 256, but a pixel is an integer from 0"),
        ("image", (7, 9), 1, "x has images of 7x9, but the model takes images of 9x7"),
        ("half", (20, 4), 2**15, "a sample that is not an integer from -32768 to 32767"),
        ("half", (20, 4), 0.5, "a sample that is not an integer"),
        ("half", (20, 4), np.nan, "a sample that is not an integer"),
        ("half", (19, 4), 1, "x has windows of 19x4, but the model takes windows of 20x4"),
    ],
)
def test_raw_data_that_no_sensor_gives_are_refused(
    name: str, shape: tuple[int, int], value: float, sentence: str
) -> None:
    raw = np.zeros((3, *shape))
    raw[1, 2, 3] = value
    with pytest.raises(InputError, match=sentence):
        model_of(name).predict(raw)


@pytest.mark.parametrize("x", [[[1, 2], [3]], [["a", "b"]], np.ma.array([[1, 2]], mask=[[0, 1]])])
def test_other_data_are_left_to_the_check_of_features(x: object) -> None:
    assert raw_features(x, SQUARE) is None  # type: ignore[arg-type]
