"""Columns of data frames are numbers if all their values are, whatever type holds them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ska_edge.data.formats.frame import Frame, frame_table
from ska_edge.data.memory import MAX_MEMORY
from ska_edge.data.tables.columns import ALL_COLUMNS
from ska_edge.data.tables.table import Table
from ska_edge.errors import InputError


def table_of(values: list[object]) -> Table:
    columns = [np.array(values, dtype=object), np.array(["a"] * len(values), dtype=object)]
    lines = range(1, len(values) + 1)
    frame = Frame(Path("f.arrow"), 2, ("x", "label"), columns.__getitem__, lines)
    return frame_table(frame, ALL_COLUMNS, None, MAX_MEMORY)


def test_objects_that_are_numbers_are_inputs() -> None:
    assert table_of([1, 2.5, True]).x.ravel().tolist() == [1.0, 2.5, 1.0]


def test_an_object_that_is_no_number_is_named() -> None:
    with pytest.raises(InputError, match=r"line 2, column 1 \(x\) is missing"):
        table_of([1, None])


def test_a_frame_without_rows_is_refused() -> None:
    with pytest.raises(InputError, match=r"f.arrow has no samples"):
        table_of([])
