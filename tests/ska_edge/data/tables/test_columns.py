"""Inputs, labels and groups are the columns that the user, the header or the model names."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ska_edge.data.formats.csv_table import read_csv
from ska_edge.data.load import load
from ska_edge.data.tables.columns import (
    ALL_COLUMNS,
    Choice,
    Columns,
    Header,
    Inputs,
    arranged,
    choose,
)
from ska_edge.data.tables.doubts import doubts_about
from ska_edge.errors import InputError

PATH = Path("rows.csv")
MODEL = Inputs(3, ("ax", "ay", "az"))


def chosen(names: str | int, asked: Columns = ALL_COLUMNS, model: Inputs | None = None) -> Choice:
    if isinstance(names, int):
        return choose(Header(PATH, names, None), asked, model)
    header = tuple(names.split(","))
    return choose(Header(PATH, len(header), header), asked, model)


@pytest.mark.parametrize("order", [*itertools.permutations(("ax", "ay", "az", "label"))])
def test_inputs_of_a_model_are_found_by_name(order: tuple[str, ...]) -> None:
    choice = chosen(",".join(order), model=MODEL)
    assert [order[index] for index in choice.features] == ["ax", "ay", "az"]
    assert choice.label == order.index("label") and not choice.by_position


@pytest.mark.parametrize(
    ("names", "asked", "features", "label", "group"),
    [
        ("t,ax,ay,az,label", Columns(), (1, 2, 3), 4, None),
        ("az,ay,ax", Columns(), (2, 1, 0), None, None),
        ("ax,ay,az,what", Columns(), (0, 1, 2), 3, None),
        ("ax,ay,az,t,what", Columns("what"), (0, 1, 2), 4, None),
        ("ax,ay,az,t,what", Columns(drop=("t",)), (0, 1, 2), 4, None),
        ("ax,ay,az,who,what", Columns(group="who"), (0, 1, 2), 4, 3),
        ("ax,ay,az,b,label", Columns(features=("b", "ay", "1")), (3, 1, 0), 4, None),
    ],
)
def test_columns_for_a_model(
    names: str, asked: Columns, features: tuple[int, ...], label: int | None, group: int | None
) -> None:
    choice = chosen(names, asked, MODEL)
    assert (choice.features, choice.label, choice.group) == (features, label, group)


@pytest.mark.parametrize(
    ("names", "asked", "features", "label"),
    [
        ("a,b,what", Columns(), (0, 1), 2),
        ("a,activity,b", Columns(), (0, 2), 1),
        ("x,y,z,activity", Columns(), (0, 1, 2), 3),  # y is an axis here
        ("a,label,number", Columns(), (0, 2), 1),  # the last integer column is not a label here
        ("a,b,label,t", Columns(features=("b",)), (1,), 2),
        ("a,b,c", Columns(features=("b", "a")), (1, 0), 2),
        ("a,b,c", Columns(drop=("c",)), (0,), 1),
        ("a,b,c", Columns("1", drop=("2",)), (2,), 0),
        (3, Columns(), (0, 1), 2),
        (3, Columns(drop=("1",)), (1,), 2),
    ],
)
def test_columns_to_train_on(
    names: str | int, asked: Columns, features: tuple[int, ...], label: int
) -> None:
    choice = chosen(names, asked)
    assert (choice.features, choice.label) == (features, label)


def test_the_spare_column_of_unlabeled_data_is_not_a_label() -> None:
    assert chosen("ax,ay,az,temp", model=replace(MODEL, labeled=False)).label is None
    assert chosen("t,ax,ay,az,date", model=replace(MODEL, labeled=False)).label is None
    assert chosen("t,ax,ay,az,class", model=replace(MODEL, labeled=False)).label == 4


def test_a_column_without_a_name_is_called_by_its_number() -> None:
    header = Header(PATH, 3, ("", "b", "label"))
    assert header.titles == ("column 1", "b", "label")
    model = Inputs(2, ("b", "column 1"))
    assert choose(header, ALL_COLUMNS, model).features == (1, 0)


def test_a_model_without_names_says_that_it_takes_columns_by_position() -> None:
    choice = chosen("c,b,a,label", model=Inputs(3))
    assert choice == Choice((0, 1, 2), 3, None, "the model has no names for them")


def test_without_a_header_inputs_are_found_by_position() -> None:
    choice = chosen(4, model=MODEL)
    assert choice == Choice((0, 1, 2), 3, None, "the file names no columns")


@pytest.mark.parametrize(
    ("names", "asked", "model", "sentence"),
    [
        ("ax,az,label", Columns(), MODEL, "lacks 1 input of the model: ay; its columns are ax, az"),
        ("a,b,c,label", Columns(), MODEL, "lacks 3 inputs of the model: ax, ay, az"),
        ("ax,ay,az,t,what", Columns(), MODEL, "has the columns t, what beside the inputs"),
        ("a,b,label", Columns(drop=("t",)), None, "has no column 't'; its columns are a, b, label"),
        ("a,b,lable", Columns("label"), None, r"\(did you mean 'lable'\?\)$"),
        ("a,b,label", Columns(group="who"), None, "has no group column 'who'"),
        ("a,b,label", Columns(features=("a",), drop=("a",)), None, "a is named for two purposes"),
        ("a,b,label", Columns("b", group="b"), None, "b is named for two purposes"),
        ("a,label", Columns(drop=("a",)), None, "has no inputs beside the named columns"),
        (2, Columns(features=("1", "1")), None, "column 1 is twice in the list of inputs"),
        (
            "a,a,b,label",
            ALL_COLUMNS,
            None,
            "columns 1 and 2 are both called 'a'; rename one",
        ),
        ("ax,ay,az,label", Columns(drop=("ax",)), MODEL, "ax is an input of the model, so it"),
        (2, Columns(features=("3",)), None, "no column '3'; it has no header, .* 1 to 2"),
    ],
)
def test_columns_that_cannot_be_used(
    names: str | int, asked: Columns, model: Inputs | None, sentence: str
) -> None:
    with pytest.raises(InputError, match=f"^rows.csv.*{sentence}"):
        chosen(names, asked, model)


@given(st.permutations(range(5)), st.permutations("abcde"))
def test_arranged_columns_have_the_wanted_names(order: list[int], names: list[str]) -> None:
    x = np.arange(10.0).reshape(2, 5)
    wanted = [names[index] for index in order]
    assert arranged("x", x, names, wanted).tolist() == x[:, order].tolist()


def test_columns_without_a_purpose_may_hold_text(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("time,a,who,label\n2026-01-01T00:00,1,eva,x\nnever,2,tom,y\n,3,eva,y\n")
    loaded = load(path, Columns(group="who", drop=("time",)))
    assert loaded.x.tolist() == [[1], [2], [3]]
    assert loaded.group is not None and loaded.group.tolist() == [0, 1, 0]
    assert loaded.features == ("a",)
    assert loaded.origin == f"{path}: 1 input (a); labels from label; groups from who"


def doubts(folder: Path, text: str) -> list[str]:
    path = folder / "rows.csv"
    path.write_text(text)
    return [doubt.replace(str(path), "FILE") for doubt in doubts_about(read_csv(path))]


def test_row_numbers_times_and_constants_are_doubted(tmp_path: Path) -> None:
    lines = [f"{n},{1000 + 3 * n},{n % 3},5,{n % 2}" for n in range(12)]
    rises = "of FILE only rises, like a row number or a time; if it is no measurement, drop it"
    assert doubts(tmp_path, "\n".join([",t,a,k,label", *lines])) == [
        f"column 1 {rises}",
        f"t {rises}",
        "FILE has 1 constant column, from which nothing can be learned: k",
    ]
    assert doubts(
        tmp_path, "\n".join([",a,label", *(f"{n % 3},{n % 5},1" for n in range(12))])
    ) == ["column 1 of FILE has no name; if it is no measurement, drop it"]
    assert doubts(tmp_path, "\n".join(["a,b,label", *(f"{n % 3},{-n},1" for n in range(12))])) == []
    assert doubts(tmp_path, "\n".join(["a,label", *(f"{n},1" for n in range(9))])) == []


@pytest.mark.timeout(60)
def test_the_work_for_a_wide_table_grows_with_its_width() -> None:
    """If the work grew with the square of the width, this test would exceed its time limit."""
    names = tuple(f"f{number}" for number in range(60_000))
    header = Header(PATH, 60_001, (*names, "label"))
    assert choose(header, ALL_COLUMNS, None).features == tuple(range(60_000))
    backward = Inputs(60_000, names[::-1])
    assert choose(header, ALL_COLUMNS, backward).features == tuple(range(60_000))[::-1]
    assert arranged("x", np.zeros((1, 60_000)), names, names[::-1]).shape == (1, 60_000)
