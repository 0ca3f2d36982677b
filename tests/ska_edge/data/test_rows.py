"""Rows to be classified come from every kind of data, with or without labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ska_edge.data.load import load
from ska_edge.data.rows import load_rows
from ska_edge.data.tables.columns import Columns
from ska_edge.data.tables.inputs import Inputs
from ska_edge.errors import InputError


def written(folder: Path, text: str) -> str:
    (folder / "rows.csv").write_text(text, encoding="utf-8")
    return str(folder / "rows.csv")


@pytest.mark.parametrize(
    ("text", "truth"),
    [
        ("5,6\n7,8\n", None),
        ("a,b\n5,6\n7,8\n", None),
        ("x,y\n5,6\n7,8\n", None),  # x and y are two axes of a sensor
        ("5,6,cat\n7,8,dog\n", ("cat", "dog")),
        ("a,label,b\n5,cat,6\n7,,8\n", ("cat", "")),
        ("a,b,class\n5,6,7.0\n7,8,-1\n", ("7", "-1")),  # the labels need not be the model's
        ("5,6,9\n7,8,9\n", ("9", "9")),
    ],
)
def test_a_csv_file_of_as_many_columns_as_inputs_has_no_labels(
    tmp_path: Path, text: str, truth: Any
) -> None:
    rows = load_rows(written(tmp_path, text), Inputs(2))
    assert rows.x.tolist() == [[5, 6], [7, 8]]
    assert rows.truth == truth
    assert rows.name == "rows"


def test_a_column_of_labels_that_is_named_is_taken(tmp_path: Path) -> None:
    rows = load_rows(written(tmp_path, "7,1,2\n"), Inputs(2), Columns("1"))
    assert (rows.x.tolist(), rows.truth) == ([[1, 2]], ("7",))


def test_one_column_is_enough_for_one_input(tmp_path: Path) -> None:
    assert load_rows(written(tmp_path, "1\n2\n"), Inputs(1)).x.tolist() == [[1], [2]]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("1,2,3,4\n", "rows has 3 features, but the model has 2 inputs; name data with"),
        ("1,2,3,4\n", r".* \(the file has 4 columns; it needs 2, or 3 with labels\)$"),
        (
            "a,label\n1,2\n",
            "rows has 1 feature, but the model has 2 inputs",
        ),  # the label is not an input
        ("a,b\n1,cat\n", r".*: line 2, column 2 \(b\) is 'cat', not a number; give the column of"),
        ("5,\n", ".*: line 1, column 2 is empty; every input needs a number"),
        ("1,nan\n", ".*: line 1, column 2 is 'nan'; inputs must be finite numbers"),
        ("a,b\n", ".* has a header but no samples"),
        ("", ".* is empty"),
    ],
)
def test_rows_that_cannot_be_classified_are_refused(
    tmp_path: Path, text: str, sentence: str
) -> None:
    with pytest.raises(InputError, match=f"^{sentence}"):
        load_rows(written(tmp_path, text), Inputs(2))


@pytest.mark.parametrize(
    ("arrays", "truth"),
    [
        ({}, None),
        ({"y": np.array([5, 5])}, ("5", "5")),
        ({"y": np.array(["a", "b"])}, ("a", "b")),
        ({"y": np.array([1, 7]), "labels": np.array(["a", "b"])}, ("b", "7")),
    ],
)
def test_an_npz_file_needs_no_labels(tmp_path: Path, arrays: dict[str, Any], truth: Any) -> None:
    np.savez(tmp_path / "rows.npz", x=np.eye(2), **arrays)
    rows = load_rows(str(tmp_path / "rows.npz"), Inputs(2))
    assert (rows.x.tolist(), rows.truth) == ([[1, 0], [0, 1]], truth)


def test_an_npz_file_with_too_few_labels_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "rows.npz", x=np.eye(2), y=np.array([1]))
    with pytest.raises(InputError, match=r"y has shape \(1,\), but must have \(2,\) for 2 rows"):
        load_rows(str(tmp_path / "rows.npz"), Inputs(2))


def test_built_in_data_have_their_names() -> None:
    pytest.importorskip("sklearn")
    rows = load_rows("iris", Inputs(4))
    assert rows.truth is not None
    assert (rows.truth[0], rows.truth[-1]) == ("setosa", "virginica")
    with pytest.raises(InputError, match="iris has 4 features, but the model has 5 inputs"):
        load_rows("iris", Inputs(5))


def test_unknown_data_are_refused(tmp_path: Path) -> None:
    for name in (tmp_path / "nope.csv", tmp_path / "nope.npz", "nope"):
        with pytest.raises(InputError, match="is neither a file nor built-in data"):
            load_rows(str(name), Inputs(2))


@pytest.mark.parametrize("source", ["days", "days/*.csv", "days/a.csv,days/b.csv"])
def test_several_files_have_the_name_of_their_folder(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("days").mkdir()
    for name in "ab":
        Path(f"days/{name}.csv").write_text("x,y,label\n1,2,on\n3,4,off\n", encoding="utf-8")
    assert load_rows(source, Inputs(2)).name == load(source).name == "days"
