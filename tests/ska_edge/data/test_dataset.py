"""A data set is saved, loaded and split, has a digest, and matches its classes by name."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ska_edge.data.dataset import Dataset, save
from ska_edge.data.load import load
from ska_edge.data.split.plain import few, split
from ska_edge.errors import InputError
from tests.ska_edge.data.samples import small


@pytest.mark.parametrize("group", [True, False])
def test_save_and_load(tmp_path: Path, group: bool) -> None:
    path = tmp_path / "small.npz"
    save(small(group), path)
    loaded = load(str(path))
    want = small(group)
    assert (loaded.name, loaded.labels) == (want.name, want.labels)
    np.testing.assert_array_equal(loaded.x, want.x)
    np.testing.assert_array_equal(loaded.y, want.y)
    assert (loaded.group is None) == (want.group is None)
    if loaded.group is not None and want.group is not None:
        np.testing.assert_array_equal(loaded.group, want.group)


def test_saved_bytes_depend_on_the_data_only(tmp_path: Path) -> None:
    save(small(), tmp_path / "a.npz")
    fortran = small()
    object.__setattr__(fortran, "x", np.asfortranarray(fortran.x))
    save(fortran, tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        entries = archive.infolist()
    assert [entry.filename for entry in entries] == ["x.npy", "y.npy", "labels.npy", "group.npy"]
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert {entry.create_system for entry in entries} == {3}


def test_a_part_keeps_classes_without_samples(tmp_path: Path) -> None:
    path = tmp_path / "part.npz"
    save(small().take([2, 0]), path)
    loaded = load(str(path))
    assert loaded.classes == 3
    assert loaded.y.tolist() == [2, 0]


def test_save_refuses_what_it_cannot_write(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"must end in \.npz"):
        save(small(), tmp_path / "small.csv")
    with pytest.raises(InputError, match=r"cannot write .*: No such file"):
        save(small(), tmp_path / "none" / "small.npz")


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
    save(small(), tmp_path / "other.npz")
    assert load(str(tmp_path / "other.npz")).digest == small().digest


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
    train, test = split(numbered(count), fraction, seed=1)
    assert (len(train.x), len(test.x)) == (count - tests, tests)
    assert sorted([*train.x[:, 0], *test.x[:, 0]]) == list(range(count))


def test_split_keeps_rows_together_and_depends_on_the_seed() -> None:
    train, test = split(numbered(40), 0.25, seed=7)
    order = np.random.default_rng(7).permutation(40)
    np.testing.assert_array_equal(test.x[:, 0], order[:10])
    np.testing.assert_array_equal(train.x[:, 0], order[10:])
    for part in (train, test):
        np.testing.assert_array_equal(part.y, part.x[:, 0] % 2)
        assert (part.name, part.labels, part.group) == ("numbered", ("0", "1"), None)
    other, _ = split(numbered(40), 0.25, seed=8)
    assert other.x.tolist() != train.x.tolist()


@pytest.mark.parametrize("fraction", [1.0, -0.1, float("nan"), 0.99])
@pytest.mark.parametrize("dataset", [numbered(10), grouped(10, 2)], ids=["rows", "groups"])
def test_split_refuses_fractions_that_leave_nothing(dataset: Dataset, fraction: float) -> None:
    with pytest.raises(InputError, match="test fraction"):
        split(dataset, fraction, seed=0)


@pytest.mark.parametrize(
    ("count", "group_size", "fraction", "held_out"),
    [(100, 10, 0.2, 2), (100, 10, 0.25, 3), (100, 10, 0.01, 1), (100, 1, 0.07, 7), (7, 4, 0.5, 1)],
)
def test_split_holds_out_whole_groups(
    count: int, group_size: int, fraction: float, held_out: int
) -> None:
    train, test = split(grouped(count, group_size), fraction, seed=3)
    assert train.group is not None and test.group is not None
    assert len(np.unique(test.group)) == held_out
    assert not set(test.group) & set(train.group)
    assert sorted([*train.x[:, 0], *test.x[:, 0]]) == list(range(count))
    for part in (train, test):
        np.testing.assert_array_equal(part.group, 100 + part.x[:, 0] // group_size)
        np.testing.assert_array_equal(part.y, part.x[:, 0] % 2)


def test_groups_are_drawn_by_the_seed_and_their_rows_are_shuffled() -> None:
    dataset = grouped(60, 10)
    train, test = split(dataset, 0.3, seed=5)
    drawn = np.random.default_rng(5).permutation(np.arange(100, 106))[:2]
    assert test.group is not None and set(test.group) == set(drawn)
    for part in (train, test):
        assert sorted(part.x[:, 0]) != part.x[:, 0].tolist()
    again, _ = split(dataset, 0.3, seed=5)
    assert again.x.tolist() == train.x.tolist()
    held_out = [tuple(np.unique(split(dataset, 0.3, seed)[1].x)) for seed in range(8)]
    assert len(set(held_out)) > 1


def test_one_group_cannot_be_split() -> None:
    one = grouped(4, 4)
    with pytest.raises(InputError, match=r"'numbered' has only one group, 100, .*fraction of 0"):
        split(one, 0.25, seed=0)
    train, test = split(one, 0.0, seed=0)
    assert (len(train.y), len(test.y)) == (4, 0)


def test_few_of_every_class_and_the_rest() -> None:
    dataset = grouped(41, 3)
    chosen, rest = few(dataset, 3, seed=4)
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
    assert few(dataset, 3, seed=5)[0].x.tolist() != chosen.x.tolist()


def test_few_leaves_at_least_one_of_every_class() -> None:
    dataset = numbered(7)  # 4 rows of class 0, 3 of class 1
    _, rest = few(dataset, 2, seed=0)
    assert np.bincount(rest.y).tolist() == [2, 1]
    with pytest.raises(InputError, match=r"has 3 samples of the class '1'; .*it needs 4"):
        few(dataset, 3, seed=0)
    with pytest.raises(InputError, match="has 0 samples of the class '0'"):
        few(dataset.take(dataset.y == 1), 1, seed=0)
    with pytest.raises(InputError, match="at least 1 sample"):
        few(dataset, 0, seed=0)


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


def named(*labels: str) -> Dataset:
    count = len(labels)
    return Dataset("named", np.zeros((count, 1)), np.arange(count), labels)


def test_classes_are_matched_by_name() -> None:
    again = named("b", "c").with_classes(("a", "c", "b"))
    assert again.labels == ("a", "c", "b")
    assert again.y.tolist() == [2, 1]
    assert named("a", "b").with_classes(("a", "b")).y.tolist() == [0, 1]


def test_numbers_are_never_taken_for_names() -> None:
    with pytest.raises(InputError, match=r"the class '0'.* cat, dog; give the names"):
        named("0", "1").with_classes(("cat", "dog"))
    with pytest.raises(InputError, match=r"the class 'cat', which .* it knows 0, 1$"):
        named("cat", "dog").with_classes(("0", "1"))
    assert named("1", "0").with_classes(("0", "1", "2")).y.tolist() == [1, 0]


def test_a_class_without_rows_need_not_be_known() -> None:
    data = named("cat", "wolf").take([0])
    assert data.with_classes(("dog", "cat")).y.tolist() == [1]


def test_features_are_matched_by_name() -> None:
    data = replace(named("cat", "dog"), x=np.array([[1.0, 2.0, 3.0]] * 2), features=("a", "b", "c"))
    assert data.with_features(("c", "a")).x.tolist() == [[3, 1]] * 2
    assert data.with_features(("c", "a")).features == ("c", "a")
    assert data.with_features(None).x.tolist() == data.x.tolist()
    assert replace(data, features=None).with_features(("c", "a", "b")).x.tolist() == data.x.tolist()
    with pytest.raises(InputError, match="lacks 2 inputs of the model: d, e; its columns are a, b"):
        data.with_features(("a", "d", "e"))


def test_classes_that_the_model_lacks_are_refused() -> None:
    with pytest.raises(InputError, match="the class 'wolf', which the model does not know"):
        named("cat", "wolf").with_classes(("cat", "dog", "fox"))
    with pytest.raises(InputError, match="the class '2', which the model does not know; it"):
        named("0", "1", "2").with_classes(("0", "1"))
