"""Data are loaded from any kind of file; data that cannot be used are refused."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ska_edge.data.builtin.catalog import builtin_names
from ska_edge.data.dataset import save
from ska_edge.data.load import load
from ska_edge.data.tables.columns import Columns
from ska_edge.errors import InputError
from tests.ska_edge.data.samples import small


@pytest.mark.parametrize(
    ("source", "meant"),
    [
        ("digts", " (did you mean 'digits'?)"),
        ("missing.csv", ""),
        ("folder/missing.npz", ""),
    ],
)
def test_neither_file_nor_builtin(source: str, meant: str) -> None:
    with pytest.raises(InputError) as caught:
        load(source)
    assert str(caught.value) == (
        f"'{source}' is neither a file nor built-in data{meant};"
        f" built in are {', '.join(builtin_names())}"
    )


def test_sources_that_are_not_data_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a file"):
        load(str(tmp_path))
    other = tmp_path / "samples.txt"
    other.write_text("1,2\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"must end in \.csv, \.npz, -images-idx3-"):
        load(str(other))
    for source in ("a\0b", "x" * 5000):
        with pytest.raises(InputError):
            load(source)


def csv_file(folder: Path, text: str) -> str:
    path = folder / "samples.csv"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_csv_with_integer_labels(tmp_path: Path) -> None:
    loaded = load(csv_file(tmp_path, "y,a,b\n1,2,3\n0,4,5\n2.0,6,7\n"))
    assert loaded.name == "samples"
    assert loaded.y.tolist() == [1, 0, 2] and loaded.y.dtype == np.int64
    assert loaded.labels == ("0", "1", "2")
    assert loaded.x.tolist() == [[2, 3], [4, 5], [6, 7]]


def test_csv_with_text_labels(tmp_path: Path) -> None:
    source = csv_file(tmp_path, "kind,a,b\nwalk,2,3\nrun,4,5\nwalk,6,7\n")
    loaded = load(source, Columns("kind"))
    assert loaded.labels == ("run", "walk")
    assert loaded.y.tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("0 1 1.5", "line 4, column 2: the label '1.5' cannot be used"),
        ("0 1 nan", "line 4, column 2: the label 'nan' cannot be used"),
        (
            "0 x 1",
            "line 3, column 2: the label 'x' is text, but '0' .line 2, column 2. is a number",
        ),
        (
            "a b 1",
            "line 2, column 2: the label 'a' is text, but '1' .line 4, column 2. is a number",
        ),
    ],
)
def test_labels_that_cannot_be_used(tmp_path: Path, labels: str, message: str) -> None:
    lines = "".join(f"{row},{label}\n" for row, label in enumerate(labels.split()))
    source = csv_file(tmp_path, "a,label\n" + lines)
    with pytest.raises(InputError, match=message) as caught:
        load(source)
    assert str(caught.value).startswith(source)


@pytest.mark.parametrize(
    ("labels", "names", "y"),
    [
        ("0 2 3", ("0", "2", "3"), [0, 1, 2]),
        ("1 2 3", ("1", "2", "3"), [0, 1, 2]),
        ("10 9 9", ("9", "10"), [1, 0, 0]),
        ("1 -1 1.0", ("-1", "1"), [1, 0, 1]),
        ("9007199254740993 9007199254740992", ("9007199254740992", "9007199254740993"), [1, 0]),
        ("0 1 1000000000000000000000", ("0", "1", "1000000000000000000000"), [0, 1, 2]),
        ("1 1 1", ("1",), [0, 0, 0]),
        ("True False", ("False", "True"), [1, 0]),
    ],
)
def test_distinct_labels_are_the_classes(
    tmp_path: Path, labels: str, names: tuple[str, ...], y: list[int]
) -> None:
    lines = "".join(f"{row},{label}\n" for row, label in enumerate(labels.split()))
    loaded = load(csv_file(tmp_path, "a,label\n" + lines))
    assert (loaded.labels, loaded.y.tolist()) == (names, y)


def test_an_empty_label_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="line 3, column 1: the label is empty"):
        load(csv_file(tmp_path, "label,a\nx,1\n,2\n"))


def npz_file(folder: Path, **arrays: Any) -> str:
    path = folder / "samples.npz"
    np.savez_compressed(path, **arrays)
    return str(path)


def test_npz_without_labels_and_in_other_types(tmp_path: Path) -> None:
    x = np.arange(6, dtype=np.float32).reshape(3, 2)
    loaded = load(npz_file(tmp_path, X=x, y=np.array([2, 0, 1], dtype=np.uint8)))
    assert loaded.x.dtype == np.float64 and loaded.x.tolist() == x.tolist()
    assert loaded.y.dtype == np.int64 and loaded.y.tolist() == [2, 0, 1]
    assert loaded.labels == ("0", "1", "2")


def test_npz_with_text_for_y(tmp_path: Path) -> None:
    loaded = load(npz_file(tmp_path, x=np.ones((3, 1)), y=np.array(["b", "a", "b"])))
    assert loaded.labels == ("a", "b")
    assert loaded.y.tolist() == [1, 0, 1]


X = np.ones((3, 2))
Y = np.array([0, 1, 1])


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": X}, r"no array 'y' \(it holds x\)"),
        ({"y": Y}, r"no array 'x' \(it holds y\)"),
        ({"other": Y}, r"no array 'x' \(it holds other\)"),
        ({"x": X[0], "y": Y}, r"x must be numbers of shape .* not float64 of shape \(2,\)"),
        ({"x": X[:, :0], "y": Y}, r"not float64 of shape \(3, 0\)"),
        ({"x": X[:0], "y": Y[:0]}, r"not float64 of shape \(0, 2\)"),
        ({"x": X.astype(str), "y": Y}, "x must be numbers"),
        ({"x": X * 1j, "y": Y}, "x must be numbers"),
        ({"x": X.astype(object), "y": Y}, "or has pickled objects"),
        ({"x": np.array([[1.0, 2.0], [3.0, np.nan], [0, 0]]), "y": Y}, r"x\[1, 1\] is nan"),
        ({"x": np.array([[1.0, 2.0], [-np.inf, 2], [0, 0]]), "y": Y}, r"x\[1, 0\] is -inf"),
        ({"x": X * 1e101, "y": Y}, r"x\[0, 0\] is 1e\+101; inputs must be between -1e\+100 and"),
        ({"x": X, "y": Y[:2]}, "x has 3 rows and y has 2 labels; every row needs one label"),
        ({"x": X, "y": np.ones((3, 2))}, r"y has shape \(3, 2\) and must have \(rows,\)"),
        ({"x": X, "y": Y + 0.5}, r"y\[0\] is 0.5; labels are integers or text"),
        ({"x": X, "y": np.array(["a", "", "b"])}, r"y\[1\] is an empty text"),
        ({"x": X, "y": Y, "labels": np.array(["a"])}, r"y\[1\] is 1, but labels names"),
        ({"x": X, "y": Y, "feature_names": np.array(["a"])}, "feature_names must be different"),
        (
            {"x": X, "y": Y, "feature_names": np.array(["a", "a"])},
            "'a' occurs twice",
        ),
        ({"x": X, "y": Y, "feature_names": np.array(["a", ""])}, r"feature_names\[1\] is empty"),
        ({"x": X, "y": Y, "feature_names": np.array([1, 2])}, "feature_names must be different"),
        ({"x": X, "y": Y, "labels": np.array([], dtype="<U1")}, "labels is empty"),
        ({"x": X, "y": Y, "labels": np.array(["a", "a"])}, "labels must be different texts"),
        ({"x": X, "y": Y, "labels": np.array([["a", "b"]])}, "labels must be different texts"),
        ({"x": X, "y": Y, "labels": np.array([1, 2])}, "labels must be different texts"),
        ({"x": X, "y": Y + 1, "labels": np.array(["a", "b"])}, r"y\[1\] is 2, but labels names"),
        ({"x": X, "y": Y - 1, "labels": np.array(["a", "b"])}, r"y\[0\] is -1, but labels names"),
        ({"x": X, "y": Y, "group": Y[:1]}, r"group must be integers of shape \(3,\)"),
        ({"x": X, "y": Y, "group": Y * 1.0}, "group must be integers"),
        ({"x": X, "y": Y, "group": np.full(3, 2**63, dtype=np.uint64)}, "does not fit 64 bits"),
    ],
)
def test_npz_that_cannot_be_used(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    source = npz_file(tmp_path, **arrays)
    with pytest.raises(InputError, match=message) as caught:
        load(source)
    assert str(caught.value).startswith(source)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("y", "names", "indices"),
    [
        (np.array([[1], [0], [1]]), ("0", "1"), [1, 0, 1]),
        (np.array([3.0, 1.0, 3.0]), ("1", "3"), [1, 0, 1]),
        (np.array([True, False, True]), ("False", "True"), [1, 0, 1]),
        (np.array([b"on", b"off", b"on"]), ("off", "on"), [1, 0, 1]),
        (np.array([[0, 1], [1, 0], [0, 1]]), ("0", "1"), [1, 0, 1]),
        (np.array([0, -1, 7]), ("-1", "0", "7"), [1, 0, 2]),
        (np.array([2**53 + 1, 2**53, 5]), ("5", str(2**53), str(2**53 + 1)), [2, 1, 0]),
        (np.array([4, 4, 4]), ("4",), [0, 0, 0]),
    ],
)
def test_labels_as_other_programs_write_them(
    tmp_path: Path, y: Any, names: tuple[str, ...], indices: list[int]
) -> None:
    loaded = load(npz_file(tmp_path, x=X, y=y))
    assert (loaded.labels, loaded.y.tolist()) == (names, indices)


def test_npz_with_names_of_features(tmp_path: Path) -> None:
    source = npz_file(tmp_path, x=X, y=Y, feature_names=np.array(["ax", "ay"]))
    loaded = load(source)
    assert loaded.features == ("ax", "ay")
    save(loaded, source)
    assert load(source).features == ("ax", "ay")


def test_groups_may_be_text(tmp_path: Path) -> None:
    rows = [("s2", 0), ("s10", 1), ("s2", 1)]
    text = "a,who,label\n" + "".join(f"{n},{who},{label}\n" for n, (who, label) in enumerate(rows))
    loaded = load(csv_file(tmp_path, text), Columns(group="who"))
    assert loaded.group is not None and loaded.group.tolist() == [1, 0, 1]
    assert [loaded.group_name(number) for number in (0, 1)] == ["s10 (0)", "s2 (1)"]
    with pytest.raises(InputError, match=r"no group 7; its groups are s10 \(0\), s2 \(1\)"):
        loaded.of_group(7)
    for bad, why in (("", "the group is empty"), ("3.5", "the group '3.5' cannot be used; groups")):
        with pytest.raises(InputError, match=why):
            load(csv_file(tmp_path, text.replace("s10", bad)), Columns(group="who"))


def test_only_csv_files_have_columns_to_choose(tmp_path: Path) -> None:
    source = npz_file(tmp_path, x=X, y=Y)
    for name in (source, "iris"):
        with pytest.raises(InputError, match=f"^{name} has no columns to choose from"):
            load(name, Columns(drop=("1",)))


IMAGES = np.arange(12, dtype=np.uint8).reshape(3, 2, 2)
PARTS = {"x_train": X[:2], "y_train": Y[:2], "x_test": X[2:], "y_test": Y[2:]}


@pytest.mark.parametrize(
    ("arrays", "origin"),
    [
        ({"X": X, "Y": Y}, ""),
        ({"data": X, "target": Y}, "inputs from data; labels from target"),
        ({"features": X, "labels": Y}, "inputs from features; labels from labels"),
        ({"arr_0": X, "arr_1": Y}, "inputs from arr_0; labels from arr_1"),
        ({"x": X, "y": Y, "X": X + 1, "data": X + 2}, ""),
        ({"x": IMAGES, "y": Y}, "images of 2 x 2 are rows of 4 inputs"),
        ({"x": X.astype(np.float16), "y": Y}, ""),
        ({"x": X.astype(">f8"), "y": Y.astype(">i4")}, ""),
        ({"x": np.asfortranarray(X), "y": Y}, ""),
        (PARTS, "rows to learn and test rows as the file has them"),
        ({f"{name[2:]}_{name[0].upper()}": each for name, each in PARTS.items()}, "rows to learn"),
    ],
)
def test_npz_as_other_programs_write_it(
    tmp_path: Path, arrays: dict[str, Any], origin: str
) -> None:
    loaded = load(npz_file(tmp_path, **arrays))
    want = IMAGES.reshape(3, 4) if loaded.x.shape[1] == 4 else X
    assert loaded.x.tolist() == want.tolist() and loaded.x.flags.c_contiguous
    assert loaded.y.tolist() == Y.tolist()
    assert origin in loaded.origin and bool(origin) == bool(loaded.origin)
    tested = [False, False, True] if "rows to learn" in origin else None
    assert (None if loaded.tested is None else loaded.tested.tolist()) == tested


def test_classes_of_a_bunch_have_names(tmp_path: Path) -> None:
    names = np.array(["no", "yes"])
    assert load(npz_file(tmp_path, data=X, target=Y, target_names=names)).labels == ("no", "yes")


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("y_test", r"no array 'y_test' \(it holds x_test, x_train, y_train\)"),
        ("y_train", r"no array 'y_train' \(it holds x_test, x_train, y_test\)"),
    ],
)
def test_a_split_without_a_part(tmp_path: Path, missing: str, message: str) -> None:
    arrays = {name: each for name, each in PARTS.items() if name != missing}
    with pytest.raises(InputError, match=message):
        load(npz_file(tmp_path, **arrays))


def test_a_split_of_unlike_parts(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"x_train and x_test have the shapes .*; all rows need"):
        load(npz_file(tmp_path, **{**PARTS, "x_test": X[2:, :1]}))


def test_groups_as_text_and_a_split_are_saved(tmp_path: Path) -> None:
    source = npz_file(tmp_path, **PARTS, group=np.array(["eva", "tom", "eva"]))
    for _ in range(2):
        loaded = load(source)
        assert loaded.group is not None and loaded.group.tolist() == [0, 1, 0]
        assert loaded.group_names == ("eva", "tom")
        assert loaded.tested is not None and loaded.tested.tolist() == [False, False, True]
        save(loaded, source)
    with pytest.raises(InputError, match=r"tested must be booleans of shape \(3,\), not int64"):
        load(npz_file(tmp_path, x=X, y=Y, tested=Y))


def test_npz_that_is_something_else(tmp_path: Path) -> None:
    path = tmp_path / "samples.npz"
    for content in (b"", b"PK", b"\x80\x04N.", b"not an npz file at all"):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"is damaged, is not an npz file"):
            load(str(path))
    with path.open("wb") as file:
        np.save(file, X)
    with pytest.raises(InputError, match="is a single array"):
        load(str(path))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x", b"text")
        archive.writestr("y", b"text")
    with pytest.raises(InputError, match="'x' is not an array"):
        load(str(path))


def test_npz_damaged_at_any_byte_is_refused_or_reads_the_same(tmp_path: Path) -> None:
    path = tmp_path / "small.npz"
    save(small(), path)
    good = path.read_bytes()
    want = small()
    refused = 0
    for position in range(len(good)):
        path.write_bytes(good[:position] + bytes([good[position] ^ 0x21]) + good[position + 1 :])
        try:
            loaded = load(str(path))
        except InputError:
            refused += 1
        else:
            np.testing.assert_array_equal(loaded.x, want.x)
            np.testing.assert_array_equal(loaded.y, want.y)
    # Some damage may pass: dates and flags in the zip directory, and the name of an optional array.
    assert refused > 0.7 * len(good)


def test_npz_cut_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "small.npz"
    save(small(), path)
    good = path.read_bytes()
    for length in range(0, len(good), 7):
        path.write_bytes(good[:length])
        with pytest.raises(InputError):
            load(str(path))
