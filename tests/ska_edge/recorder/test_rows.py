"""Rows are found in the lines that boards print, and bad lines are counted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ska_edge.errors import OptionError
from ska_edge.recorder.rows import Rows


def rows_of(*lines: str, asked: tuple[str, ...] = ()) -> tuple[Rows, list[tuple[str, ...]]]:
    rows = Rows(asked)
    found = [rows.take(line, at / 100) for at, line in enumerate(lines)]
    return rows, [row.values for row in found if row is not None]


@pytest.mark.parametrize(
    ("lines", "names"),
    [
        (("1,2", "3,4", "5,6"), ("x1", "x2")),
        (("ax,ay", "1,2", "3,4", "5,6"), ("ax", "ay")),
        (("ax\tay", "1\t2\t", "3\t4\t", "5\t6\t"), ("ax", "ay")),
        (("ax:1,ay:2", "ax:3, ay:4", "ay=6, ax=5"), ("ax", "ay")),
        (("ax: 1 ay: 2", "ax: 3 ay: 4", "ax: 5 ay: 6"), ("ax", "ay")),
        (("MPU ready", "1,2", "3,4", "5,6"), ("x1", "x2")),
        (("1;2", "3;4", "5;6"), ("x1", "x2")),
        (("1 2", "3 4", "", "5   6"), ("x1", "x2")),
        (("MPU ready", "1 2", "3 4", "5 6"), ("x1", "x2")),
        (("Hello world", "ax,ay", "1,2", "3,4", "5,6"), ("ax", "ay")),
    ],
)
def test_lines_of_numbers_are_rows(lines: tuple[str, ...], names: tuple[str, ...]) -> None:
    rows, found = rows_of(*lines)
    assert rows.names == names and rows.bad == 0
    assert found == [("5", "6")]  # two lines of one form tell the names


def test_numbers_keep_their_printed_form() -> None:
    _, found = rows_of("1,2", "1,2", "-0.50,+1e3")
    assert found == [("-0.50", "+1e3")]


def test_names_can_be_asked_for() -> None:
    assert rows_of("1,2", "3,4", asked=("t", "ax"))[0].names == ("t", "ax")
    with pytest.raises(OptionError, match="axes names 1 value, but the board prints 2: '3,4'"):
        rows_of("1,2", "3,4", asked=("ax",))


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("1,2,3", "it has 3 values, not 2"),
        ("1,,", "a value is missing"),
        ("1,nan", "'nan' is no number"),
        ("1,1e999", "'1e999' is no number"),
        ("ax:1,ay:2", "its values are not x1, x2"),
        ("ax:1,ax:2", "a name occurs twice"),
        ("restart", "'restart' is no number"),
    ],
)
def test_a_bad_line_is_counted_and_named(line: str, why: str) -> None:
    rows, found = rows_of("1,2", "3,4", line, "5,6", line)
    assert found == [("5", "6")]
    assert (rows.lines, rows.bad, rows.first_bad) == (5, 2, f"'{line}': {why}")


@pytest.mark.parametrize(
    "lines",
    [
        ("ax,ay", "1,2", "3,4", "ax,ay", "5,6"),
        ("1,2", "3,4", "ax,ay", "5,6", "ax,ay"),  # the port was opened after the first heading
        ("ax ay", "1 2", "3 4", "ax ay", "5 6"),
    ],
)
def test_a_repeated_heading_is_skipped(lines: tuple[str, ...]) -> None:
    rows, found = rows_of(*lines)
    assert found == [("5", "6")] and rows.bad == 0


def test_the_whole_heading_takes_the_place_of_a_part_of_it() -> None:
    rows = Rows()
    assert rows.take("x,ay", 0.0, whole=False) is None
    for text in ("ax,ay", "1,2", "3,4"):
        rows.take(text, 0.0)
    assert rows.names == ("ax", "ay") and rows.bad == 0


@pytest.mark.parametrize("line", ["nan,ovf", "restart"])
def test_a_line_without_values_is_no_heading(line: str) -> None:
    rows, _ = rows_of("ax,ay", "1,2", "3,4", line)
    assert rows.bad == 1


def test_a_single_word_is_no_name() -> None:
    assert rows_of("ready", "1", "2")[0].names == ("x1",)


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("0,5;-1,25", ("0.5", "-1.25")),
        ("0,5\t-1,25", ("0.5", "-1.25")),
        ("0,5 -1,25", ("0.5", "-1.25")),
        ("ax:0,5;ay:1", ("0.5", "1")),
        ("ax=0,5 ay=1,5", ("0.5", "1.5")),
        ("0,5", ("0", "5")),
        ("0, 5", ("0", "5")),
        ("1,2 ,3", ("1", "2", "3")),
    ],
)
def test_a_decimal_comma_becomes_a_point(line: str, values: tuple[str, ...]) -> None:
    _, found = rows_of(line, line, line)
    assert found == [values]


def test_a_decimal_comma_of_teleplot_becomes_a_point() -> None:
    _, found = teleplot([(f">{name}:1,5", at / 10) for at, name in enumerate("xy" * 4)])
    assert set(found) == {("1.5", "1.5")}


def test_values_of_more_than_16_bits_are_rows() -> None:
    _, found = rows_of(*["70000,-3000000000"] * 3)
    assert found == [("70000", "-3000000000")]


# --- Teleplot -------------------------------------------------------------------------------------


def teleplot(lines: list[tuple[str, float]]) -> tuple[Rows, list[tuple[str, ...]]]:
    rows = Rows()
    found = [rows.take(line, at) for line, at in lines]
    return rows, [row.values for row in found if row is not None]


def test_a_row_of_teleplot_begins_after_the_pause() -> None:
    """The port is opened between x and y of a sample; no row mixes two samples."""
    lines = [(f">{name}:{number}§g|g", number + at / 100) for number in range(6) for at, name in
             enumerate("xyz")]  # fmt: skip
    rows, found = teleplot(lines[1:])
    assert rows.names == ("x", "y", "z") and rows.bad == 0
    assert found and all(len({*row}) == 1 for row in found)
    assert found[-1] == ("5", "5", "5")


def test_a_lost_line_of_teleplot_loses_one_row() -> None:
    lines = [(f">{name}:{number}", 0.0) for number in range(9) for name in "xyz"]
    del lines[19]  # y of sample 6
    rows, found = teleplot(lines)
    assert rows.bad == 1 and "a value" in rows.first_bad
    assert [row[0] for row in found][-3:] == ["5", "7", "8"]
    assert all(len({*row}) == 1 for row in found)


def test_the_stamps_of_teleplot_are_a_time() -> None:
    lines = [(f">{name}:{number * 20}:{number}", 0.0) for number in range(6) for name in "xy"]
    rows, found = teleplot(lines[1:])
    assert rows.names == ("t_ms", "x", "y")
    assert found[-1] == ("80", "4", "4")


# --- anything -------------------------------------------------------------------------------------


@given(st.lists(st.text(alphabet=">:=,;§| \tab.-1e2x\x00", max_size=12)))
def test_any_text_gives_rows_of_numbers_or_is_counted(lines: list[str]) -> None:
    rows, found = rows_of(*lines)
    assert all(len(row) == len(rows.names) for row in found)
    for row in found:
        assert all(float(value) == float(value) for value in row)
    assert len(found) + rows.bad <= rows.lines <= len(lines)
    assert bool(rows.bad) == bool(rows.first_bad)
