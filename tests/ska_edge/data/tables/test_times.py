"""A column of times is recognized; row numbers and measurements are not taken for times."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ska_edge.data.arrays import from_arrays
from ska_edge.data.load import load
from ska_edge.data.split.kind import choose
from ska_edge.data.tables.columns import Columns
from ska_edge.data.tables.times import is_time

RNG = np.random.default_rng(0)
ROWS = 40


@pytest.mark.parametrize(
    "texts",
    [
        [f"{1700000000000 + 40 * row}" for row in range(ROWS)],
        [f"{row / 50:.2f}" for row in range(ROWS)],
        [f"{row + row // 3}" for row in range(ROWS)],
        [f"{row % 25 * 20}" for row in range(ROWS)],  # a second recording begins
        [f"2024-05-01T10:{row:02}:00Z" for row in range(ROWS)],
        [f"2024-05-01 10:00:00.{row:03}" for row in range(ROWS)],
        [f"10:{row:02}" for row in range(ROWS)],
    ],
)
def test_a_column_of_times_is_recognized(texts: list[str]) -> None:
    assert is_time(texts)
    assert not is_time(texts[:5])
    assert not is_time(RNG.permutation(texts).tolist())


@pytest.mark.parametrize(
    "texts",
    [
        [f"{row}" for row in range(ROWS)],
        [f"{number:.3f}" for number in RNG.normal(size=ROWS)],
        ["7"] * ROWS,
        [f"{row // 20}" for row in range(ROWS)],  # the number of a session
        [f"file {row:02}" for row in range(ROWS)],
        ["", *(f"{2 * row}" for row in range(ROWS))],
        [],
    ],
)
def test_other_columns_are_not_times(texts: list[str]) -> None:
    assert not is_time(texts)


@pytest.mark.parametrize(
    "columns", [Columns(drop=("when", "number", "note")), Columns(label="kind", features=("b",))]
)
def test_rows_in_the_order_of_an_unused_time_are_split_in_blocks(
    tmp_path: Path, columns: Columns
) -> None:
    path = tmp_path / "log.csv"
    lines = [
        f'{row},2024-05-01T10:{row:02},"a, b",{RNG.normal():.2f},{RNG.integers(2)}'
        for row in range(ROWS)
    ]
    path.write_text("\n".join(["number,when,note,b,kind", *lines]))
    dataset = load(path, columns)
    assert dataset.time == "when"
    assert choose(dataset) == ("blocked", "when rises like a time")


def test_a_time_among_the_inputs() -> None:
    x, y = RNG.normal(size=(ROWS, 2)), RNG.integers(0, 2, ROWS)
    assert choose(from_arrays(x, y)) == ("random", "")
    x[:, 1] = np.arange(ROWS)
    assert choose(from_arrays(x, y)) == ("random", "")
    x[:, 1] = np.arange(ROWS) * 0.02
    assert choose(from_arrays(x, y)) == ("blocked", "input 2 rises like a time")
