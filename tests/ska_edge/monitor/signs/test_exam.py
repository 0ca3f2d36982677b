"""An exam counts what a device knows, and reports a class whose recall falls, once."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from ska_edge.monitor.signs.exam import CLOSEST, FARTHEST, Exam

LABELS = np.repeat(np.arange(3), (10, 4, 2))


def sat(*right: tuple[int, int, int]) -> tuple[Exam, list[list[str]]]:
    """Hold one exam per tuple; a tuple has the number of right rows of each class. Return the exam
    and what it reported each time.
    """
    exam, reports = Exam(np.arange(16)[:, None], LABELS, ("a", "b {x}", "c")), []
    for counts in right:
        known = [
            row for c, count in enumerate(counts) for row in np.flatnonzero(c == LABELS)[:count]
        ]
        decided = [label if row in known else (label + 1) % 3 for row, label in enumerate(LABELS)]

        def infer(x: list[int], decided: list[int] = decided) -> Any:
            return SimpleNamespace(predicted=decided[x[0]])

        exam.sit(cast(Any, SimpleNamespace(infer=infer)))
        reports.append(list(exam.fallen()))
    return exam, reports


def test_the_result_has_the_counts_of_each_class() -> None:
    exam, reports = sat((9, 2, 0), (10, 4, 1))
    assert (exam.first, exam.size, exam.result) == (11, 16, ((10, 10), (4, 4), (1, 2)))
    assert reports == [[], []]


@pytest.mark.parametrize(
    ("before", "after", "falls"),
    [
        ((10, 4, 2), (6, 4, 2), True),
        ((10, 4, 2), (7, 4, 2), False),  # less than a third
        ((6, 4, 2), (4, 4, 2), False),  # two rows may be chance
        ((6, 4, 2), (3, 4, 2), True),
        ((10, 4, 2), (10, 4, 0), False),
        ((3, 1, 0), (10, 4, 2), False),
    ],
)
def test_a_fall_is_reported(
    before: tuple[int, int, int], after: tuple[int, int, int], falls: bool
) -> None:
    assert bool(sat(before, after)[1][1]) == falls


def test_each_class_is_reported_once() -> None:
    _, reports = sat((10, 4, 2), (0, 4, 2), (10, 4, 2), (0, 0, 2))
    assert reports == [
        [],
        ["of 10 held-out rows of the class 'a', 10 were right, and now 0"],
        [],
        ["of 4 held-out rows of the class 'b {x}', 4 were right, and now 0"],
    ]


def test_exams_are_few() -> None:
    exam, _ = sat((0, 0, 0))
    assert [exam.every(rows) for rows in (1, 600, 10**6)] == [CLOSEST, 120, FARTHEST]
