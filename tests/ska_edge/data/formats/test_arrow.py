"""Parquet and Arrow files are read with the types of their columns; faulty files are refused."""

from __future__ import annotations

import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import feather, parquet

from ska_edge.data.formats.table_file import read_table
from ska_edge.data.tables.columns import Columns
from ska_edge.errors import InputError, ToolError


def written(folder: Path, columns: dict[str, Any], suffix: str = ".parquet") -> Path:
    path = folder / f"a{suffix}"
    write = parquet.write_table if suffix == ".parquet" else feather.write_feather
    write(pa.table(columns), path)
    return path


@pytest.mark.parametrize("suffix", [".parquet", ".feather"])
def test_types_of_columns(tmp_path: Path, suffix: str) -> None:
    columns = {
        "__index_level_0__": [5, 6],
        "a": pa.array([1, 2], pa.uint8()),
        "b": pa.array([True, False]),
        "c": pa.array([Decimal("1.5"), Decimal("2.5")]),
        "d": pa.array([0.5, 0.25], pa.float32()),
        "k": pa.array([b"x", b"y"]),
        "nested": [[1], [2, 3]],
        "who": pa.array(["eva", "tom"]).dictionary_encode(),
    }
    chosen = Columns(label="k", group="who", drop=("nested",))
    table = read_table(written(tmp_path, columns, suffix), chosen)
    assert table.features == ("a", "b", "c", "d")
    assert table.x.tolist() == [[1, 1, 1.5, 0.5], [2, 0, 2.5, 0.25]]
    assert (table.labels, table.groups) == (["x", "y"], ["eva", "tom"])


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ([1, None], r"row 2, column 1 \(a\) is missing; inputs must be finite numbers"),
        ([1.0, None], r"row 2, column 1 \(a\) is missing; inputs must be finite numbers"),
        ([1.0, float("inf")], r"row 2, column 1 \(a\) is 'inf'; inputs must be finite numbers"),
        ([1.0, 1e200], r"row 2, column 1 \(a\) is '1e\+200'; inputs must be between"),
        (["u", "v"], r"row 1, column 1 \(a\) is 'u'; inputs must be finite numbers; drop"),
    ],
)
def test_values_that_are_not_inputs_are_refused(
    tmp_path: Path, values: list[Any], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        read_table(written(tmp_path, {"a": values, "label": ["x", "y"]}))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for name in ("a.parquet", "a.arrow"):
        (tmp_path / name).write_bytes(b"no such file")
        with pytest.raises(InputError, match=f"{name} cannot be read: "):
            read_table(tmp_path / name)
    with pytest.raises(InputError, match="has no samples"):
        read_table(written(tmp_path, {"a": pa.array([], pa.int8()), "y": pa.array([], pa.int8())}))
    path = written(tmp_path, {"a": [0.5] * 200_000, "y": [1, 2] * 100_000})
    with pytest.raises(InputError, match="but 1 MB are allowed"):
        read_table(path, max_memory=1)


def test_a_missing_pyarrow_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, {"a": [1, 2], "y": [0, 1]})
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ToolError, match=r"needs the package pyarrow: pip install '\.\[parq"):
        read_table(path)
