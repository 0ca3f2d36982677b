"""Rows are shuffled, each is learned or held out once, and an order by classes is noticed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ska_edge.errors import OptionError
from ska_edge.monitor.lesson import FEWEST, MOST, Lesson, class_order, prepare

NAMES = ("a", "b", "c")


def lesson(rows: int, **options: Any) -> Lesson:
    """Return a lesson of rows with different inputs, class after class."""
    chosen = {"samples": None, "order": "shuffled", "seed": 0, "hold_out": None, **options}
    return prepare(np.arange(rows)[:, None], np.arange(rows) * 3 // rows, **chosen)


@given(
    rows=st.integers(1, 60),
    samples=st.none() | st.integers(1, 30),
    hold_out=st.none() | st.integers(0, 5),
    length=st.integers(1, 9),
    hop=st.integers(1, 9),
    seed=st.integers(0, 3),
)
def test_learned_windows_share_no_sample_with_held_out_windows(
    rows: int, samples: int | None, hold_out: int | None, length: int, hop: int, seed: int
) -> None:
    options = {"samples": samples, "hold_out": hold_out, "seed": seed}
    try:
        found = lesson(rows, **options, starts=np.arange(rows) * hop, length=length)
    except OptionError:
        return
    learned, held = found.inputs[:, 0] * hop, found.held_inputs[:, 0] * hop
    assert len(learned)
    assert (np.abs(learned[:, None] - held) >= length).all()
    if hop >= length:
        assert found.digest == lesson(rows, **options).digest


@given(
    rows=st.integers(1, 400),
    samples=st.none() | st.integers(1, 500),
    order=st.sampled_from(["shuffled", "as-is"]),
    seed=st.integers(0, 3),
)
def test_each_row_is_learned_or_held_out_once(
    rows: int, samples: int | None, order: str, seed: int
) -> None:
    found = lesson(rows, samples=samples, order=order, seed=seed)
    learned, held = found.inputs[:, 0], found.held_inputs[:, 0]
    assert np.array_equal(found.labels, learned * 3 // rows)
    assert np.array_equal(found.held_labels, held * 3 // rows)
    together = np.concatenate([learned, held])
    assert len(np.unique(together)) == len(together)
    if samples is None:
        assert len(together) == rows
        assert len(held) == (min(rows // 10, MOST) if rows >= FEWEST else 0)
    else:  # no row to learn is held out
        assert len(learned) == min(samples, rows)
        assert len(held) == min(MOST, rows - len(learned))
    if order == "as-is":
        assert (np.diff(learned) > 0).all()


def test_the_seed_determines_the_order() -> None:
    assert np.array_equal(lesson(300).inputs, lesson(300).inputs)
    assert lesson(300).digest == lesson(300).digest
    digests = {lesson(300, seed=seed).digest for seed in range(5)}
    assert len({*digests, lesson(300, order="as-is").digest, lesson(300).share(0, 2).digest}) == 7


def test_held_out_rows_are_of_all_classes() -> None:
    for options in ({}, {"order": "as-is"}, {"samples": 200}):
        counts = np.bincount(lesson(300, **options).held_labels, minlength=3)
        assert counts.sum() == 30 and counts.min() >= 9


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"hold_out": 10}, "{hold_out} is 10, but DATA has only 10 rows"),
        ({"hold_out": 4, "samples": 7}, "{hold_out} is 4, but {samples} leaves only 3 rows"),
    ],
)
def test_too_many_held_out_rows_are_refused(options: dict[str, int], words: str) -> None:
    with pytest.raises(OptionError) as refused:
        lesson(10, **options)
    assert words in str(refused.value.args[0])
    fewer = {**options, "hold_out": options["hold_out"] - 1}
    assert len(lesson(10, **fewer).held_labels) == fewer["hold_out"]


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ([0] * 40 + [1] * 40 + [2] * 40, "120 rows come class after class, in 3 blocks"),
        (([0] * 10 + [1] * 10) * 4, "80 rows come class after class, in 8 blocks"),
        ([1] * 5, "all rows are of the class 'b'"),
        ([0, 1, 2] * 10, ""),
        ([0, 0, 1, 1] * 10, ""),
        ([0] * 30 + [1] + [0] * 30, ""),  # a rare class says nothing about the order
        ([0, 0, 1, 1], ""),
        ([0], ""),
        ([], ""),
    ],
)
def test_rows_sorted_by_class_are_noticed(labels: list[int], words: str) -> None:
    assert class_order(np.array(labels, dtype=np.int64), NAMES) == words


@given(seed=st.integers(0, 2**32 - 1), rows=st.integers(5, 200), rare=st.floats(0, 0.5))
def test_shuffled_rows_are_not_taken_for_an_order(seed: int, rows: int, rare: float) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.permutation((np.arange(rows) < rare * rows).astype(np.int64))
    if len(np.unique(labels)) == 2:
        assert class_order(labels, NAMES[:2]) == ""
