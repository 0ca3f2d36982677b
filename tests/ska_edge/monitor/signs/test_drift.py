"""Inputs beyond their format and a falling recall are reported; chance differences are not."""

from __future__ import annotations

import numpy as np
import pytest

from ska_edge.arithmetic.fixedpoint import QFormat
from ska_edge.monitor.signs.drift import EARLIER, GUARD, LAST, NEW_ROWS, ROWS_OUTSIDE, WINDOW, Drift
from ska_edge.plan.resolve import make_plan

FORMAT = QFormat(8, 4)


def drift() -> Drift:
    return Drift(make_plan((4, 2), input_format=FORMAT, labels=("a", "b {x}")))


@pytest.mark.parametrize("limit", [FORMAT.minimum, FORMAT.maximum])
def test_inputs_at_a_limit_are_reported_once(limit: int) -> None:
    found = drift()
    for _ in range(ROWS_OUTSIDE - 1):
        found.add((0, limit, 0, 0), 0, True)
        assert found.outside() is None
    found.add((0, limit, 0, 0), 0, True)
    share = "25.0% of the inputs are at a limit of their format"
    assert found.outside() == f"in the last 10 rows, {share}"
    found.add((0, limit, 0, 0), 0, True)
    assert found.outside() is None


def test_single_rows_far_away_are_not_reported() -> None:
    found = drift()
    for row in range(3 * WINDOW):
        far = row % 25 == 0  # 8 of the last 200 rows
        found.add((FORMAT.maximum if far else FORMAT.maximum - 1,) * 4, 0, True)
        assert found.outside() is None


def test_the_share_that_calibration_allows_is_not_reported() -> None:
    found, rng = drift(), np.random.default_rng(0)
    for x in np.where(rng.random((2000, 64)) < 0.002, FORMAT.minimum, 5).tolist():
        found.add(x, 0, True)
        assert found.outside() is None


def feed(found: Drift, label: int, share: float, rows: int, seed: int = 0) -> list[str]:
    """Add rows of a class, each of them right with probability `share`; return what is reported."""
    said = []
    for right in np.random.default_rng(seed).random(rows) < share:
        found.add((0,), label, bool(right))
        said += found.fallen()
    return said


def test_a_class_whose_recall_falls_is_reported_once() -> None:
    found = drift()
    assert feed(found, 1, 1.0, EARLIER + LAST) == []
    assert feed(found, 0, 1.0, EARLIER + LAST) == []
    (said,) = feed(found, 1, 0.0, 2 * LAST)
    assert said == (
        "of 60 earlier rows of the class 'b {x}', 100% were right, and of its last 30 rows 67%"
    )
    assert len(feed(found, 0, 0.0, 2 * LAST)) == 1


def test_the_first_rows_of_a_class_do_not_count_as_a_fall() -> None:
    found = drift()
    assert feed(found, 0, 1.0, EARLIER + 2) == []
    assert feed(found, 1, 0.0, EARLIER + 3 * LAST) == []
    assert feed(found, 1, 1.0, 3 * LAST) == []


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.97, 1.0])
def test_chance_is_not_reported(share: float) -> None:
    assert [said for seed in range(10) for said in feed(drift(), 0, share, 600, seed)] == []


@pytest.mark.parametrize(("before", "after"), [(0.98, 0.5), (0.8, 0.3), (0.6, 0.1)])
def test_a_large_fall_is_found_soon(before: float, after: float) -> None:
    for seed in range(5):
        found = drift()
        assert feed(found, 0, before, 300, seed) == []
        assert feed(found, 0, after, 3 * LAST, seed + 10)


def test_the_advice_names_a_guard_that_the_plan_lacks_and_can_have() -> None:
    assert drift().advice == GUARD
    assert Drift(make_plan((4, 2), running_normalization=True)).advice == NEW_ROWS
    unlabeled = Drift(make_plan((4, 2), rule="published"))
    assert unlabeled.advice == NEW_ROWS
    assert feed(unlabeled, 0, 1.0, 100) + feed(unlabeled, 0, 0.0, 100) == []
