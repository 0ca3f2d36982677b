"""Charts have the numbers that they show, also as tables and as plain data."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ska_edge.report.chart import Bars, Histogram, Line, Lines, Matrix, block_means
from ska_edge.report.table import short_names

VALUES = st.lists(st.none() | st.floats(-1e6, 1e6), min_size=1, max_size=60)


@given(VALUES, st.integers(1, 20))
def test_means_of_blocks_cover_all_values(values: list[float | None], most: int) -> None:
    reals = np.array([math.nan if each is None else each for each in values])
    ends, means, size = block_means(reals, most)
    assert len(ends) == len(means) <= most
    assert ends[-1] == len(values)
    first = 0
    for end, mean in zip(ends, means, strict=True):
        known = [each for each in values[first : int(end)] if each is not None]
        assert 0 < end - first <= size
        assert mean is None if not known else mean == pytest.approx(sum(known) / len(known))
        first = int(end)


def test_without_values_there_are_no_means() -> None:
    assert block_means(np.array([]), 5) == ((), (), 1)


def test_tables_of_charts() -> None:
    line = Line("a", (1.0, 2.0), (0.5, None))
    assert Lines("n", "t", "", "rows", "right, %", (line,)).table().rows == (
        ("a", "1", "0.5"),
        ("a", "2", "-"),
    )
    assert Bars("n", "t", "", "recall, %", {"a": 0.5, "b": None}).table().rows == (
        ("a", "50.00%"),
        ("b", "-"),
    )
    assert Matrix("n", "t", "", ("a", "b"), ((1, 2), (3, 4))).table().rows == (
        ("a", 1, 2),
        ("b", 3, 4),
    )
    counts = {"weights": (0, 3)}
    chart = Histogram("n", "t", "", "w", (-1.0, 0.0, 1.0), counts, (-1.0, 0.9), "Q0.7")
    assert chart.table().rows == (("0", "1", 3),)
    assert json.loads(json.dumps(chart.as_dict()))["counts"] == {"weights": [0, 3]}


def test_the_table_of_a_large_matrix_has_the_confusions() -> None:
    counts = np.diag(np.arange(31))
    counts[0, 1], counts[2, 0] = 5, 7
    names = tuple(f"c{number}" for number in range(31))
    matrix = Matrix("n", "t", "", names, tuple(map(tuple, counts.tolist())))
    assert matrix.table().rows == (("c2", "c0", 7), ("c0", "c1", 5))


@given(st.lists(st.text(min_size=1, max_size=30), min_size=1, max_size=8, unique=True))
def test_short_names_stay_different(names: list[str]) -> None:
    short = short_names(names, 6)
    assert len(set(short)) == len(names)
    assert all(len(each) <= len(name) for each, name in zip(short, names, strict=True))


def test_names_are_shortened_in_the_middle() -> None:
    assert short_names(["a very long name", "b"], 6) == ["a …ame", "b"]
