"""Loading, saving and splitting data, and the errors for data that cannot be used."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ska_edge.data import dataset as data
from ska_edge.data.dataset import Dataset
from ska_edge.errors import InputError


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
        data.load(source)
    assert str(caught.value) == (
        f"'{source}' is neither a file nor built-in data{meant};"
        f" built in are {', '.join(data.builtin_names())}"
    )


def test_sources_that_are_no_data_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a file"):
        data.load(str(tmp_path))
    other = tmp_path / "samples.txt"
    other.write_text("1,2\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"must end in \.csv, \.npz, -images-idx3-"):
        data.load(str(other))
    for source in ("a\0b", "x" * 5000):
        with pytest.raises(InputError):
            data.load(source)


def csv_file(folder: Path, text: str) -> str:
    path = folder / "samples.csv"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_csv_with_integer_labels(tmp_path: Path) -> None:
    loaded = data.load(csv_file(tmp_path, "y,a,b\n1,2,3\n0,4,5\n2.0,6,7\n"))
    assert loaded.name == "samples"
    assert loaded.y.tolist() == [1, 0, 2] and loaded.y.dtype == np.int64
    assert loaded.labels == ("0", "1", "2")
    assert loaded.x.tolist() == [[2, 3], [4, 5], [6, 7]]


def test_csv_with_text_labels(tmp_path: Path) -> None:
    source = csv_file(tmp_path, "kind,a,b\nwalk,2,3\nrun,4,5\nwalk,6,7\n")
    loaded = data.load(source, label_column="kind")
    assert loaded.labels == ("run", "walk")
    assert loaded.y.tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("0 2 3", "must be 0 to 3 with none missing, but no sample has label 1"),
        ("1 2 3", "no sample has label 0"),
        ("0 1 1000000000000000000000", "no sample has label 2"),
        ("0 -1 1", "label -1 is negative"),
        ("0 1 1.5", "line 4, column 2: the label '1.5' is no class"),
        ("0 1 nan", "line 4, column 2: the label 'nan' is no class"),
        (
            "0 x 1",
            "line 3, column 2: the label 'x' is text, but '0' .line 2, column 2. is a number",
        ),
        (
            "a b 1",
            "line 2, column 2: the label 'a' is text, but '1' .line 4, column 2. is a number",
        ),
        ("1 1 1", "only one class, '1'"),
        ("a a a", "only one class, 'a'"),
    ],
)
def test_labels_that_cannot_be_used(tmp_path: Path, labels: str, message: str) -> None:
    lines = "".join(f"{row},{label}\n" for row, label in enumerate(labels.split()))
    source = csv_file(tmp_path, "a,label\n" + lines)
    with pytest.raises(InputError, match=message) as caught:
        data.load(source)
    assert str(caught.value).startswith(source)


def test_an_empty_label(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="line 3, column 1: the label is empty"):
        data.load(csv_file(tmp_path, "label,a\nx,1\n,2\n"))


def small(group: bool = True) -> Dataset:
    x = np.array([[0.5, -1.0], [1e-3, 7.0], [2.0, 3.0], [4.0, 5.0]])
    owners = np.array([1, 1, 2, 9]) if group else None
    return Dataset("small", x, np.array([0, 1, 2, 1]), ("left", "right", "überkopf"), owners)


@pytest.mark.parametrize("group", [True, False])
def test_save_and_load(tmp_path: Path, group: bool) -> None:
    path = tmp_path / "small.npz"
    data.save(small(group), path)
    loaded = data.load(str(path))
    want = small(group)
    assert (loaded.name, loaded.labels) == (want.name, want.labels)
    np.testing.assert_array_equal(loaded.x, want.x)
    np.testing.assert_array_equal(loaded.y, want.y)
    assert (loaded.group is None) == (want.group is None)
    if loaded.group is not None and want.group is not None:
        np.testing.assert_array_equal(loaded.group, want.group)


def test_saved_bytes_depend_on_the_data_only(tmp_path: Path) -> None:
    data.save(small(), tmp_path / "a.npz")
    fortran = small()
    object.__setattr__(fortran, "x", np.asfortranarray(fortran.x))
    data.save(fortran, tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        entries = archive.infolist()
    assert [entry.filename for entry in entries] == ["x.npy", "y.npy", "labels.npy", "group.npy"]
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert {entry.create_system for entry in entries} == {3}


def test_a_part_keeps_classes_it_has_no_samples_of(tmp_path: Path) -> None:
    path = tmp_path / "part.npz"
    data.save(small().take([2, 0]), path)
    loaded = data.load(str(path))
    assert loaded.classes == 3
    assert loaded.y.tolist() == [2, 0]


def test_save_refuses_what_it_cannot_write(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"must end in \.npz"):
        data.save(small(), tmp_path / "small.csv")
    with pytest.raises(InputError, match=r"cannot write .*: No such file"):
        data.save(small(), tmp_path / "none" / "small.npz")


# The sha256 of "left\nright\nüberkopf", then eight float64 and four int64 in little-endian order.
DIGEST = "d187c81041d44f91"


def test_the_digest_names_samples_classes_and_groups(tmp_path: Path) -> None:
    assert small(group=False).digest == DIGEST
    digests = {DIGEST, small().digest}
    for rows in ([0, 1, 2], [1, 0, 2, 3]):
        digests |= {small(group=False).take(rows).digest, small().take(rows).digest}
    digests.add(replace(small(), group=np.array([1, 1, 2, 8])).digest)
    digests.add(replace(small(), labels=("left", "right", "up")).digest)
    assert len(digests) == 8
    data.save(small(), tmp_path / "other.npz")
    assert data.load(str(tmp_path / "other.npz")).digest == small().digest


def npz_file(folder: Path, **arrays: Any) -> str:
    path = folder / "samples.npz"
    np.savez_compressed(path, **arrays)
    return str(path)


def test_npz_without_labels_and_in_other_types(tmp_path: Path) -> None:
    x = np.arange(6, dtype=np.float32).reshape(3, 2)
    loaded = data.load(npz_file(tmp_path, X=x, y=np.array([2, 0, 1], dtype=np.uint8)))
    assert loaded.x.dtype == np.float64 and loaded.x.tolist() == x.tolist()
    assert loaded.y.dtype == np.int64 and loaded.y.tolist() == [2, 0, 1]
    assert loaded.labels == ("0", "1", "2")


def test_npz_with_text_for_y(tmp_path: Path) -> None:
    loaded = data.load(npz_file(tmp_path, x=np.ones((3, 1)), y=np.array(["b", "a", "b"])))
    assert loaded.labels == ("a", "b")
    assert loaded.y.tolist() == [1, 0, 1]


X = np.ones((3, 2))
Y = np.array([0, 1, 1])


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": X}, r"no array 'y' \(it holds x\)"),
        ({"y": Y}, r"no array 'x' \(it holds y\)"),
        ({"other": Y}, r"no array 'x' \(it holds nothing"),
        ({"x": X[0], "y": Y}, r"x must be numbers of shape .* not float64 of shape \(2,\)"),
        ({"x": X[:, :0], "y": Y}, r"not float64 of shape \(3, 0\)"),
        ({"x": X[:0], "y": Y[:0]}, r"not float64 of shape \(0, 2\)"),
        ({"x": X.astype(str), "y": Y}, "x must be numbers"),
        ({"x": X * 1j, "y": Y}, "x must be numbers"),
        ({"x": X.astype(object), "y": Y}, "without pickles"),
        ({"x": np.array([[1.0, 2.0], [3.0, np.nan], [0, 0]]), "y": Y}, r"x\[1, 1\] is nan"),
        ({"x": np.array([[1.0, 2.0], [-np.inf, 2], [0, 0]]), "y": Y}, r"x\[1, 0\] is -inf"),
        ({"x": X * 1e101, "y": Y}, r"x\[0, 0\] is 1e\+101; inputs must be between -1e\+100 and"),
        ({"x": X, "y": Y[:2]}, r"y must be integers or text of shape \(3,\), not int64 of"),
        ({"x": X, "y": Y[:, np.newaxis]}, r"not int64 of shape \(3, 1\)"),
        ({"x": X, "y": Y * 1.0}, "not float64"),
        ({"x": X, "y": np.array([0, 3, 2])}, "but no sample has label 1"),
        ({"x": X, "y": np.array([0, -1, 1])}, "negative"),
        ({"x": X, "y": Y * 0}, "only one class"),
        ({"x": X, "y": np.array(["a", "", "b"])}, r"y\[1\]: the label is empty"),
        ({"x": X, "y": Y, "labels": np.array(["a"])}, "only one class"),
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
        data.load(source)
    assert str(caught.value).startswith(source)
    assert "\n" not in str(caught.value)


def test_npz_that_is_something_else(tmp_path: Path) -> None:
    path = tmp_path / "samples.npz"
    for content in (b"", b"PK", b"\x80\x04N.", b"not an npz file at all"):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"is damaged or no npz file"):
            data.load(str(path))
    with path.open("wb") as file:
        np.save(file, X)
    with pytest.raises(InputError, match="is a single array"):
        data.load(str(path))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x", b"text")
        archive.writestr("y", b"text")
    with pytest.raises(InputError, match="'x' is not an array"):
        data.load(str(path))


def test_npz_damaged_at_any_byte_is_refused_or_reads_the_same(tmp_path: Path) -> None:
    path = tmp_path / "small.npz"
    data.save(small(), path)
    good = path.read_bytes()
    want = small()
    refused = 0
    for position in range(len(good)):
        path.write_bytes(good[:position] + bytes([good[position] ^ 0x21]) + good[position + 1 :])
        try:
            loaded = data.load(str(path))
        except InputError:
            refused += 1
        else:
            np.testing.assert_array_equal(loaded.x, want.x)
            np.testing.assert_array_equal(loaded.y, want.y)
    # Some damage may pass: dates and flags in the zip directory, and the name of an optional array.
    assert refused > 0.7 * len(good)


def test_npz_cut_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "small.npz"
    data.save(small(), path)
    good = path.read_bytes()
    for length in range(0, len(good), 7):
        path.write_bytes(good[:length])
        with pytest.raises(InputError):
            data.load(str(path))


def numbered(count: int) -> Dataset:
    x = np.arange(count, dtype=np.float64)[:, np.newaxis]
    return Dataset("numbered", x, np.arange(count) % 2, ("0", "1"))


def grouped(count: int, group_size: int) -> Dataset:
    """Return numbered rows, with the rows of each group side by side; groups are 100, 101, ..."""
    return replace(numbered(count), group=100 + np.arange(count) // group_size)


@pytest.mark.parametrize(
    ("count", "fraction", "tests"),
    [(1797, 0.2, 360), (100, 0.07, 7), (10, 0.25, 3), (10, 0.0, 0), (5, 0.01, 1), (2, 0.5, 1)],
)
def test_split_sizes(count: int, fraction: float, tests: int) -> None:
    train, test = data.split(numbered(count), fraction, seed=1)
    assert (len(train.x), len(test.x)) == (count - tests, tests)
    assert sorted([*train.x[:, 0], *test.x[:, 0]]) == list(range(count))


def test_split_keeps_rows_together_and_depends_on_the_seed() -> None:
    train, test = data.split(numbered(40), 0.25, seed=7)
    order = np.random.default_rng(7).permutation(40)
    np.testing.assert_array_equal(test.x[:, 0], order[:10])
    np.testing.assert_array_equal(train.x[:, 0], order[10:])
    for part in (train, test):
        np.testing.assert_array_equal(part.y, part.x[:, 0] % 2)
        assert (part.name, part.labels, part.group) == ("numbered", ("0", "1"), None)
    other, _ = data.split(numbered(40), 0.25, seed=8)
    assert other.x.tolist() != train.x.tolist()


@pytest.mark.parametrize("fraction", [1.0, -0.1, float("nan"), 0.99])
@pytest.mark.parametrize("dataset", [numbered(10), grouped(10, 2)], ids=["rows", "groups"])
def test_split_refuses_fractions_that_leave_nothing(dataset: Dataset, fraction: float) -> None:
    with pytest.raises(InputError, match="test fraction"):
        data.split(dataset, fraction, seed=0)


@pytest.mark.parametrize(
    ("count", "group_size", "fraction", "held_out"),
    [(100, 10, 0.2, 2), (100, 10, 0.25, 3), (100, 10, 0.01, 1), (100, 1, 0.07, 7), (7, 4, 0.5, 1)],
)
def test_split_holds_out_whole_groups(
    count: int, group_size: int, fraction: float, held_out: int
) -> None:
    train, test = data.split(grouped(count, group_size), fraction, seed=3)
    assert train.group is not None and test.group is not None
    assert len(np.unique(test.group)) == held_out
    assert not set(test.group) & set(train.group)
    assert sorted([*train.x[:, 0], *test.x[:, 0]]) == list(range(count))
    for part in (train, test):
        np.testing.assert_array_equal(part.group, 100 + part.x[:, 0] // group_size)
        np.testing.assert_array_equal(part.y, part.x[:, 0] % 2)


def test_groups_are_drawn_by_the_seed_and_their_rows_are_shuffled() -> None:
    dataset = grouped(60, 10)
    train, test = data.split(dataset, 0.3, seed=5)
    drawn = np.random.default_rng(5).permutation(np.arange(100, 106))[:2]
    assert test.group is not None and set(test.group) == set(drawn)
    for part in (train, test):
        assert sorted(part.x[:, 0]) != part.x[:, 0].tolist()
    again, _ = data.split(dataset, 0.3, seed=5)
    assert again.x.tolist() == train.x.tolist()
    held_out = [tuple(np.unique(data.split(dataset, 0.3, seed)[1].x)) for seed in range(8)]
    assert len(set(held_out)) > 1


def test_one_group_cannot_be_split() -> None:
    one = grouped(4, 4)
    with pytest.raises(InputError, match=r"'numbered' has only one group, 100, .*fraction of 0"):
        data.split(one, 0.25, seed=0)
    train, test = data.split(one, 0.0, seed=0)
    assert (len(train.y), len(test.y)) == (4, 0)


def test_few_of_every_class_and_the_rest() -> None:
    dataset = grouped(41, 3)
    chosen, rest = data.few(dataset, 3, seed=4)
    assert np.bincount(chosen.y).tolist() == [3, 3]
    assert sorted([*chosen.x[:, 0], *rest.x[:, 0]]) == list(range(41))
    order = np.random.default_rng(4).permutation(41)
    even, odd = (order[order % 2 == index] for index in range(2))
    assert set(chosen.x[:, 0]) == {*even[:3], *odd[:3]}
    for part in (chosen, rest):
        np.testing.assert_array_equal(part.x[:, 0], [n for n in order if n in part.x])
        np.testing.assert_array_equal(part.y, part.x[:, 0] % 2)
        assert part.group is not None
        np.testing.assert_array_equal(part.group, 100 + part.x[:, 0] // 3)
    assert data.few(dataset, 3, seed=5)[0].x.tolist() != chosen.x.tolist()


def test_few_leaves_at_least_one_of_every_class() -> None:
    dataset = numbered(7)  # four even, three odd
    _, rest = data.few(dataset, 2, seed=0)
    assert np.bincount(rest.y).tolist() == [2, 1]
    with pytest.raises(InputError, match=r"has 3 samples of the class '1'; .*it needs 4"):
        data.few(dataset, 3, seed=0)
    with pytest.raises(InputError, match="has 0 samples of the class '0'"):
        data.few(dataset.take(dataset.y == 1), 1, seed=0)
    with pytest.raises(InputError, match="at least 1 sample"):
        data.few(dataset, 0, seed=0)


def test_the_samples_of_one_group() -> None:
    part = grouped(9, 3).of_group(101)
    assert part.x[:, 0].tolist() == [3, 4, 5]
    assert part.group is not None and set(part.group) == {101}
    with pytest.raises(InputError, match=r"has no group 7; its groups are 100, 101, 102$"):
        grouped(9, 3).of_group(7)
    with pytest.raises(InputError, match="'numbered' has no groups"):
        numbered(9).of_group(0)


def test_take_by_indices_mask_and_nothing() -> None:
    dataset = small()
    assert dataset.take([3, 0]).y.tolist() == [1, 0]
    assert dataset.take(dataset.y == 1).x.tolist() == [[1e-3, 7.0], [4.0, 5.0]]
    empty = dataset.take([])
    assert (empty.x.shape, empty.y.shape, empty.classes) == ((0, 2), (0,), 3)


def named(*labels: str) -> data.Dataset:
    count = len(labels)
    return data.Dataset("named", np.zeros((count, 1)), np.arange(count), labels)


def test_classes_are_matched_by_name() -> None:
    again = named("b", "c").with_classes(("a", "c", "b"))
    assert again.labels == ("a", "c", "b")
    assert again.y.tolist() == [2, 1]
    assert named("a", "b").with_classes(("a", "b")).y.tolist() == [0, 1]


def test_classes_without_names_keep_their_numbers() -> None:
    assert named("0", "1").with_classes(("cat", "dog", "fox")).y.tolist() == [0, 1]
    assert named("cat", "dog").with_classes(("0", "1")).y.tolist() == [0, 1]


def test_classes_that_the_model_lacks_are_refused() -> None:
    with pytest.raises(InputError, match="the class 'wolf', which the model does not know"):
        named("cat", "wolf").with_classes(("cat", "dog", "fox"))
    with pytest.raises(InputError, match="3 classes, but the model has 2 outputs"):
        named("0", "1", "2").with_classes(("cat", "dog"))
