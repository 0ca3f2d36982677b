"""Rows are divided by class, by group, by file or in blocks, as suits the data."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ska_edge.data.arrays import from_arrays
from ska_edge.data.dataset import Dataset
from ska_edge.data.load import load
from ska_edge.data.split.division import Division, divide, divide_few
from ska_edge.data.split.kind import choose
from ska_edge.data.split.plain import split
from ska_edge.errors import InputError
from ska_edge.training.options import Options
from ska_edge.training.train import train

SEEDS = range(20)


def rows(*counts: int, seed: int = 0) -> Dataset:
    """Return rows in a random order; `counts` has the number of rows of each class."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.repeat(np.arange(len(counts)), counts))
    labels = tuple(f"class {index}" for index in range(len(counts)))
    return Dataset("made", np.arange(len(y), dtype=np.float64)[:, np.newaxis] % 7, y, labels)


def in_groups(*groups: str) -> Dataset:
    """Return two rows for each letter of each group; the letters are the classes."""
    letters = "".join(letter * 2 for letter in "".join(groups))
    labels, y = np.unique(list(letters), return_inverse=True)
    group = np.repeat(np.arange(len(groups)), [2 * len(group) for group in groups])
    x = np.arange(len(y), dtype=np.float64)[:, np.newaxis] % 3
    return Dataset("made", x, y.astype(np.int64), tuple(map(str, labels)), group)


def recording(rng: np.random.Generator, bouts: int = 3) -> Dataset:
    """Return one raw log of one person, who does four activities in turn, several times each.

    The sensor hangs a little differently every time, and this moves its values more than the
    activity does.
    """
    activities = np.random.default_rng(0).normal(0, 0.5, (4, 6))
    bout = activities[np.arange(4 * bouts) % 4] + rng.normal(0, 1.5, (4 * bouts, 6))
    x = np.repeat(bout, 40, axis=0) + rng.normal(0, 0.1, (160 * bouts, 6))
    return from_arrays(x, np.repeat(np.arange(4 * bouts) % 4, 40))


def numbers(part: Dataset) -> NDArray[np.int64]:
    """Return the number that each row of a part had in the data before the division."""
    assert part.places is not None
    return part.places


def parts_are_apart(division: Division, count: int) -> None:
    train, test = set(numbers(division.train)), set(numbers(division.test))
    assert len(train) + len(test) + division.left_out == count
    assert not train & test


@given(
    counts=st.lists(st.integers(2, 30), min_size=2, max_size=5),
    fraction=st.floats(0.01, 0.7),
    seed=st.integers(0, 99),
)
def test_each_class_has_its_share_in_both_parts(
    counts: list[int], fraction: float, seed: int
) -> None:
    division = divide(rows(*counts), fraction, seed, "random")
    parts_are_apart(division, sum(counts))
    tested = np.bincount(division.test.y, minlength=len(counts))
    for count, held_out in zip(counts, tested, strict=True):
        assert 1 <= held_out <= count - 1
        assert abs(held_out - fraction * count) <= 1


def test_two_rare_rows_are_never_both_held_out() -> None:
    data = rows(200, 2)
    assert choose(data) == ("random", "")
    for seed in SEEDS:
        division = divide(data, 0.2, seed)
        assert np.bincount(division.train.y)[1] == np.bincount(division.test.y)[1] == 1
    assert any(np.bincount(split(data, 0.2, seed)[1].y, minlength=2)[1] != 1 for seed in SEEDS)


@pytest.mark.parametrize("kind", ["random", "blocked"])
def test_groups_in_both_parts_are_a_caution(kind: str) -> None:
    data = in_groups("ab" * 6, "ba" * 6, "ab" * 6)
    caution = divide(data, 0.3, 0, kind).cautions["shared groups"]
    assert "both learned and test rows" in caution and caution[0] in "123"
    assert "shared groups" not in divide(data, 0.3, 0).cautions
    assert "shared groups" not in divide(data.of_group(0), 0.3, 0, kind).cautions  # only one group


def test_rare_classes_are_named() -> None:
    cautions = divide(rows(9, 4, 5, 2), 0.2, 0).cautions
    assert set(cautions) == {"few rows"}
    assert "2 classes with fewer than 5 rows: class 1 (4), class 3 (2);" in cautions["few rows"]
    assert divide(rows(9, 5), 0.2, 0).cautions == {}
    assert "1 class with no test row" in divide(rows(9, 1), 0.2, 0).cautions["not tested"]


def test_the_seed_determines_rows_and_order() -> None:
    data = rows(40, 40)
    once, again, other = (divide(data, 0.2, seed).test for seed in (1, 1, 2))
    assert numbers(once).tolist() == numbers(again).tolist() != sorted(numbers(once))
    assert set(numbers(once)) != set(numbers(other))


def test_classes_are_spread_over_the_groups_of_both_parts() -> None:
    data = in_groups(*["ab"] * 8, "abc", "abc")
    firsts = set()
    for seed in SEEDS:
        division = divide(data, 0.2, seed)
        assert division.kind == "group" and division.cautions.keys() == {"few rows"}
        assert division.test.group is not None and len(set(division.test.group)) == 2
        assert not set(division.test.group) & set(division.train.group)  # type: ignore[arg-type]
        assert set(division.test.y) == set(division.train.y) == {0, 1, 2}
        firsts.add(division.sentence)
    assert len(firsts) > 3
    assert "test rows are the groups " in firsts.pop()


def test_the_only_group_of_a_class_is_learned() -> None:
    data = in_groups("ab", "ab", "ab", "abc", "ab")
    for seed in SEEDS:
        division = divide(data, 0.4, seed)
        assert 2 in division.train.y and 2 not in division.test.y
        assert division.cautions["not tested"] == (
            "1 class with no test row, so its recall is unknown: c; record such classes in several"
            " groups, or hold out blocks (--split blocked)"
        )


def test_groups_are_never_divided_even_if_a_class_is_then_not_learned() -> None:
    division = divide(in_groups("a", "b"), 0.2, 0)
    assert set(division.train.group) != set(division.test.group)  # type: ignore[arg-type]
    assert "1 class with no row to learn" in division.cautions["not learned"]


def in_files(*files: str) -> Dataset:
    data = in_groups(*files)
    names = tuple(f"{number}.csv" for number in range(len(files)))
    return replace(data, group=None, file=data.group, file_names=names)


def test_several_files_are_split_by_file() -> None:
    data = in_files("ab", "ba", "ab", "ab", "ba")
    division = divide(data, 0.2, 3)
    assert division.test.file is not None
    (number,) = set(division.test.file)
    assert division.train.file is not None and number not in division.train.file
    assert (division.kind, division.sentence) == ("file", f"test rows are the file {number}.csv")
    assert data.digest != replace(data, file=None).digest
    by_group = replace(data, group=np.arange(len(data.y)) // 2)
    assert choose(by_group)[0] == "group"
    assert divide(by_group, 0.2, 3, "file").sentence == division.sentence


def test_each_class_has_files_in_both_parts() -> None:
    for seed in SEEDS:
        division = divide(in_files(*"aaabbbccc"), 0.2, seed)
        assert np.bincount(division.test.y).tolist() == [2, 2, 2]
        assert division.cautions.keys() <= {"few rows"}


@given(
    files=st.lists(st.integers(1, 6), min_size=1, max_size=12).flatmap(
        lambda counts: st.permutations([each for at, n in enumerate(counts) for each in [at] * n])
    ),
    fraction=st.floats(0.01, 0.6),
    seed=st.integers(0, 99),
)
def test_each_class_with_several_files_is_learned_and_tested(
    files: list[int], fraction: float, seed: int
) -> None:
    counts = np.bincount(files)
    wanted = math.ceil(round(fraction * len(files), 9))
    assume((counts > 1).any() and wanted < len(files))
    division = divide(in_files(*(chr(ord("a") + each) for each in files)), fraction, seed, "file")
    learned, tested = division.train, division.test
    assert learned.file is not None and tested.file is not None
    assert not set(learned.file) & set(tested.file)
    assert set(learned.y) == set(range(len(counts)))
    assert set(tested.y) == set(np.flatnonzero(counts > 1))
    assert len(set(tested.file)) <= max(wanted, int(np.count_nonzero(counts > 1)))


def test_files_of_several_classes_are_drawn_as_near_to_the_fraction_as_possible() -> None:
    for seed in SEEDS:
        division = divide(in_files("ab", "ab", "cd", "cd", "ef", "ef"), 0.2, seed)
        assert set(division.test.y) == set(division.train.y) == set(range(6))
        assert division.test.file is not None and len(set(division.test.file)) == 3


def test_the_advice_for_a_class_without_rows_suits_the_split() -> None:
    assert (
        divide(rows(9, 1), 0.2, 0)
        .cautions["not tested"]
        .endswith("class 1; collect more rows of such classes")
    )
    own = replace(rows(9, 9), tested=rows(9, 9).y == 1)
    assert (
        divide(own, 0.2, 0)
        .cautions["not learned"]
        .endswith(
            "class 1; add such rows to that part of the data, or choose another split (--split)"
        )
    )
    assert (
        divide(rows(90, 1), 0.2, 0, "plain")
        .cautions["not tested"]
        .endswith("or hold out rows of each (--split random)")
    )
    assert "no test row" not in str(divide(rows(90, 2), 0.2, 0, "random").cautions)
    files = in_files("ab", "ab", "abc")
    assert "in several files, or" in divide(files, 0.2, 0).cautions["not tested"]
    assert "not tested" not in divide(files, 0.2, 0, "blocked").cautions


def test_a_file_for_each_class_gives_blocks() -> None:
    data = replace(rows(20, 20), y=np.repeat([0, 1], 20))
    data = replace(data, file=data.y, file_names=("walk.csv", "run.csv"))
    division = divide(data, 0.2, 0)
    assert division.kind == "blocked" and set(division.test.y) == set(division.train.y) == {0, 1}
    assert "because every file has a class that no other file has" in division.sentence


@pytest.mark.parametrize("kind", ["group", "file", "own"])
def test_data_without_groups_or_files_are_refused(kind: str) -> None:
    with pytest.raises(InputError, match="choose another split"):
        divide(rows(9, 9), 0.2, 0, kind)


def test_data_that_name_their_test_rows() -> None:
    tested = np.arange(18) % 5 == 2
    division = divide(replace(rows(9, 9), tested=tested), 0.2, 0)
    assert sorted(numbers(division.test)) == np.flatnonzero(tested).tolist()
    parts_are_apart(division, 18)
    with pytest.raises(InputError, match="none is left"):
        divide(replace(rows(9, 9), tested=np.ones(18, dtype=bool)), 0.2, 0)


def test_one_recording_is_split_in_blocks_of_whole_runs() -> None:
    data = recording(np.random.default_rng(0))
    division = divide(data, 0.2, 0)
    assert (division.kind, division.left_out, division.cautions) == ("blocked", 0, {})
    assert division.sentence == (
        "test rows are blocks of neighboring rows, because the labels come in runs"
    )
    runs = numbers(division.test) // 40
    assert np.bincount(runs)[np.unique(runs)].tolist() == [40] * 4
    assert set(division.test.y) == set(division.train.y) == {0, 1, 2, 3}


def test_a_single_run_of_a_class_gives_a_block_with_a_gap() -> None:
    data = replace(rows(50, 50), y=np.repeat([0, 1], 50))
    for seed in SEEDS:
        division = divide(data, 0.2, seed)
        assert np.bincount(division.test.y).tolist() == [10, 10]
        for label in (0, 1):
            block = np.sort(numbers(division.test)[division.test.y == label])
            assert block.tolist() == list(range(block[0], block[0] + 10))
            learned = numbers(division.train)[division.train.y == label]
            assert np.abs(learned[:, np.newaxis] - block).min() == 2
        parts_are_apart(division, 100)
    assert "beside them are in neither part" in division.sentence
    assert "2 classes in a single run (class 0, class 1)" in division.cautions["one run"]


def test_data_with_similar_neighbors_are_split_in_blocks() -> None:
    rng = np.random.default_rng(0)
    x = np.cumsum(rng.normal(size=(300, 3)), axis=0)
    y = rng.integers(0, 3, 300)
    assert choose(from_arrays(x, y)) == ("blocked", "neighboring rows are alike")
    assert choose(from_arrays(rng.permutation(x), y)) == ("random", "")
    for seed in SEEDS:
        division = divide(from_arrays(x, y), 0.2, seed)
        assert set(division.train.y) == set(division.test.y) == {0, 1, 2}
        learned, tested = numbers(division.train), numbers(division.test)
        steps = np.abs(learned[:, np.newaxis] - tested).min(axis=0)
        # At most the two ends of each of the five tested blocks are next to a learned row.
        assert (steps == 1).sum() <= 2 * 5
        parts_are_apart(division, 300)


@pytest.mark.parametrize("name", ["digits", "breast_cancer"])
def test_unordered_rows_are_split_at_random(name: str) -> None:
    assert choose(replace(load(name), default_split="")) == ("random", "")


def test_a_random_split_of_a_recording_is_warned_about() -> None:
    cautions = divide(recording(np.random.default_rng(0)), 0.2, 0, "random").cautions
    assert cautions["random split"].startswith("the labels come in runs, so ")


def test_a_blocked_split_of_a_recording_is_not_100_percent_right() -> None:
    rng = np.random.default_rng(2)
    first, later = recording(rng), recording(rng)
    constant: dict[str, Any] = {"rate": 0.125, "decay": 0, "hidden_halvings": 0, "spread": 0}
    options = Options(hidden=(32,), arithmetic="fixed", epochs=4, **constant)
    at_random = train(first, replace(options, split="random"))
    by_default = train(first, options)
    assert at_random.accuracy["fixed"]["test"] == 1.0  # but the accuracy of a later session is low
    assert at_random.model.evaluate(later).accuracy < 0.6
    found = by_default.accuracy["fixed"]["test"]
    assert found is not None and found < 0.7


def test_built_in_data_keep_their_split() -> None:
    iris = load("iris")
    train, test = split(iris, 0.2, 4)
    division = divide(iris, 0.2, 4)
    assert division.kind == "plain"
    assert numbers(division.train).tolist() == numbers(train).tolist()
    assert numbers(division.test).tolist() == numbers(test).tolist()
    assert choose(replace(iris, default_split=""))[0] == "blocked"  # class after class


def test_nothing_is_held_out_of_a_fraction_of_0() -> None:
    division = divide(recording(np.random.default_rng(0)), 0.0, 0)
    assert (len(division.train.y), len(division.test.y), division.sentence) == (480, 0, "")


def test_a_number_of_rows_of_each_class() -> None:
    division = divide_few(rows(9, 9), 3, 0)
    assert np.bincount(division.train.y).tolist() == [3, 3]
    assert division.kind is None and division.as_dict()["test"] == 12
