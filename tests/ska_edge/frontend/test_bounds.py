"""`inspect` shows the intervals of the integers of a front end."""

from __future__ import annotations

import numpy as np
import pytest

from ska_edge.frontend.bounds import FrontBound, front_bounds
from ska_edge.frontend.front import FEATURE, SAMPLE, Filters, Front
from ska_edge.frontend.frontends import features_of
from ska_edge.report.model_tables import front_table
from tests.agreement.test_front import FRONTS


def bounds_of(front: Front) -> dict[tuple[str, str], FrontBound]:
    return {(bound.function, bound.value): bound for bound in front_bounds(front)}


def test_the_bounds_of_statistics_are_those_of_20_samples() -> None:
    found = bounds_of(FRONTS["half"])
    assert found["mean", "total"] == FrontBound("mean", "total", 0, -655_360, 655_340, 32)
    assert found["deviation", "squares"].hi == 20 * 2**30  # needs 64 bits
    assert found["deviation", "squares"].width == 64
    assert found["change", ""] == FrontBound("change", "", 0, 0, 65_535, 32)
    assert found["extreme", ""] == FrontBound("extreme", "", 4, -(2**19), 2**19 - 16, 32)


def test_the_sum_of_a_cell_is_bounded_by_its_weights() -> None:
    weights = (127,) * 81
    front = Front("patches", 64, 64, 64, filters=Filters(1, 9, 2, 4, weights))
    found = bounds_of(front)
    brightest = features_of(front, np.full((1, 64, 64), SAMPLE.maximum, np.int16))
    assert found["feature", ""].hi == brightest.max()
    assert found["feature", "total"].hi == 7 * 7 * 81 * 127 * 255


@pytest.mark.parametrize("name", FRONTS)
def test_extreme_samples_have_features_within_the_bounds(name: str) -> None:
    front = FRONTS[name]
    rng = np.random.default_rng(1)
    shape = 40, front.length, front.axes
    windows = rng.choice([SAMPLE.minimum, SAMPLE.maximum], shape).astype(np.int16)
    windows[:2] = [[[SAMPLE.minimum]], [[SAMPLE.maximum]]]
    features = features_of(front, windows)
    results = [b for b in front_bounds(front) if not b.value and b.frac == FEATURE.frac]
    assert min(bound.lo for bound in results) <= features.min()
    assert features.max() <= max(bound.hi for bound in results)


def test_the_table_has_a_row_for_each_integer() -> None:
    table = front_table(FRONTS["half"])
    assert table.title == "range proof of the front end statistics"
    assert ("mean, total", 0, -655_360, 655_340, 32) in table.rows
    assert ("mean", 4, -524_290, 524_274, 32) in table.rows
