"""The separator and the decimal sign of a CSV file are found in its first lines."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ska_edge.data.formats.csv_table import read_csv
from ska_edge.data.formats.dialect import Dialect, decimal_of, read_dialect, separator_of, sniff
from ska_edge.data.tables.columns import ALL_COLUMNS, Columns
from ska_edge.data.tables.table import Table
from ska_edge.errors import InputError


def table(
    folder: Path, text: str, columns: Columns = ALL_COLUMNS, encoding: str = "utf-8"
) -> Table:
    path = folder / "rows.csv"
    path.write_bytes(text.encode(encoding))
    return read_csv(path, columns)


ROWS = [[1.5, 2.0], [-3.0, 0.25]]
SEMICOLONS = "columns separated by semicolons, decimals with commas"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b,kind\n1.5,2,x\n-3,.25,y\n", ""),
        (
            "a;b;kind\n1,5;2,0;x\n-3;0,25;y\n",
            "columns separated by semicolons, decimals with commas",
        ),
        ("1,5;2,0;x\n-3;0,25;y\n", SEMICOLONS),
        ("a;b;kind\n1.5;2;x\n-3;.25;y\n", "columns separated by semicolons"),
        ("a\tb\tkind\n1.5\t2\tx, slow\n-3\t.25\ty, fast\n", "columns separated by tabs"),
        ("a|b|kind\n1.5|2|x\n-3|.25|y\n", "columns separated by bars"),
        ("a b kind\n1.5   2  x\n -3 .25 y\n", "columns separated by spaces"),
        ('a,b,kind\n"1,5","2,0",x\n"-3","0,25",y\n', "decimals with commas"),
        ("a;b;kind;\n1.5;2;x;\n-3;.25;y;\n", "columns separated by semicolons"),
        ("a,b,kind\n1.5,2,x,\n-3,.25,y,,\n", ""),
        ("a,b,kind,\n1.5,2,x\n-3,.25,y\n", ""),
        ("a,b,kind\n1.5,2,x\n,,\n-3,.25,y\n,,\n", ""),
        ("# made by a logger\na,b,kind\n1.5,2,x\n# paused\n-3,.25,y\n", ""),
        ("# a logger\n# a,b,kind\n1.5,2,x\n-3,.25,y\n", ""),
        ("#a;b;kind\n1.5;2;x\n-3;.25;y\n", "columns separated by semicolons"),
        ('a, b, "kind"\n1.5, 2, "x, slow"\n-3, .25, "y, fast"\n', ""),
        ("a,b,kind\n1.5,2,a;b\n-3,.25,c;d\n", ""),
        ("a,b,kind\n1.5,2,walk slow\n-3,.25,walk fast\n", ""),
    ],
)
def test_the_dialect_of_a_file_is_found(tmp_path: Path, text: str, said: str) -> None:
    found = table(tmp_path, text)
    assert found.x.tolist() == ROWS
    assert found.dialect == said
    assert len(found.labels) == 2 and all(found.labels)
    assert found.features in (None, ("a", "b"))
    assert (said in found.origin) if said else ("separated" not in found.origin)


def test_a_given_dialect_is_not_questioned(tmp_path: Path) -> None:
    text = "a;b,c;y\n1;2,3;0\n"
    assert table(tmp_path, text, Columns(separator=";", decimal=",")).x.tolist() == [[1, 2.3]]
    with pytest.raises(InputError, match="'2,3', not a number; if the decimal sign is a comma"):
        table(tmp_path, text, Columns(separator=";", decimal="."))


def test_excel_writes_unicode_text_with_tabs(tmp_path: Path) -> None:
    assert table(tmp_path, "a\tb\ty\n1.5\t2\tä\n-3\t.25\tö\n", encoding="utf-16").x.tolist() == ROWS


def test_labels_and_groups_may_have_decimal_commas(tmp_path: Path) -> None:
    found = table(tmp_path, "a;who;y\n1,5;2,0;1,0\n2,5;3,0;2,0\n", Columns(group="who"))
    assert (found.labels, found.groups) == (["1.0", "2.0"], ["2.0", "3.0"])


def test_dropped_columns_hold_times(tmp_path: Path) -> None:
    text = "t;a;b;y\n2026-01-01T10:00:00,25+01:00;1,5;2;x\n2026-01-01 10:00:01;-3;0,25;y\n"
    assert table(tmp_path, text, Columns(drop=("t",))).x.tolist() == ROWS


def test_lines_are_counted_with_comments_and_quoted_line_ends(tmp_path: Path) -> None:
    found = table(tmp_path, '# head\na,kind\n1,"two\nlines"\n\n# more\n2,one\n')
    assert found.lines == [4, 7]


@pytest.mark.parametrize("text", ["", "ab", "1", "a", '"', "#", ".", "-", "\n", "tabs"])
def test_characters_that_cannot_separate_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="cannot separate columns; give one character"):
        separator_of(text)


@pytest.mark.parametrize(("text", "separator"), [("tab", "\t"), ("Semicolon", ";"), (":", ":")])
def test_a_separator_may_be_given_by_name(text: str, separator: str) -> None:
    assert separator_of(text) == separator


def test_the_decimal_sign_may_be_given_by_name() -> None:
    assert [decimal_of(text) for text in ("comma", ",", "Point", ".")] == [",", ",", ".", "."]
    with pytest.raises(InputError, match="the decimal sign 'dot' is unknown; it is a point or a"):
        decimal_of("dot")


def test_a_sample_without_a_table_has_the_usual_dialect() -> None:
    assert sniff([], None, None) == Dialect()
    assert sniff(["x" * 200_000], None, None).separator == ","


NUMBERS = st.floats(-1e9, 1e9, width=32)


@given(
    st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), min_size=2, max_size=8),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from([".", ","]),
)
def test_the_dialect_of_what_csv_writes_is_found(
    rows: list[tuple[float, ...]], separator: str, decimal: str
) -> None:
    """Each row has a fraction, so that the decimal sign can be found."""
    rows = [(*row, 0.5) for row in rows]
    file = io.StringIO()
    writer = csv.writer(file, delimiter=separator)
    writer.writerow(["a", "b", "c", "d", "label"])
    for number, row in enumerate(rows):
        writer.writerow([*(repr(value).replace(".", decimal) for value in row), f"k{number}"])
    lines = file.getvalue().splitlines(keepends=True)
    found = sniff(lines, None, None)
    assert (found.separator, found.decimal, found.width) == (separator, decimal, 5)


def outcomes(folder: Path, text: str, columns: Columns) -> list[object]:
    """Return what the fast way and the exact way make of a file: a table, or an error sentence."""
    path = folder / "either.csv"
    path.write_bytes(text.encode())

    def outcome() -> object:
        try:
            found = read_csv(path, columns)
        except InputError as error:
            return str(error)
        return found.x.tolist(), found.labels, found.lines

    fast = outcome()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ska_edge.data.formats.csv_table._Reading._plain", lambda *_: None)
        return [fast, outcome()]


CELLS = st.one_of(
    st.floats(-1e9, 1e9).map(repr),
    st.sampled_from(["", " 7 ", "1_0", "1,5", "1.5", "nan", "-inf", "1e99", "1e101", "x", "x;y"]),
    st.sampled_from(['a"b', '"', '""', "two\nlines", "#", " ", "1e", "0x1", "+.5", "5.", "\u0661"]),
)


@given(
    st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=4),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from([",", ";"]),
    st.sampled_from([".", ","]),
)
def test_the_fast_way_reads_what_the_exact_way_reads(
    tmp_path_factory, rows: list[tuple[str, ...]], quoting: int, separator: str, decimal: str
) -> None:
    """`_plain` is the fast way. Without it, each cell is converted by itself; the outcome must be
    the same.
    """
    file = io.StringIO()
    writer = csv.writer(file, delimiter=separator, quoting=quoting, lineterminator="\n")
    writer.writerow(["a", "label", "b"])
    writer.writerows(rows)
    columns = Columns("label", features=("b", "a"), separator=separator, decimal=decimal)
    fast, exact = outcomes(tmp_path_factory.getbasetemp(), file.getvalue(), columns)
    assert fast == exact


# Cells as they are in a file: a quote may lack its partner, or be in the middle of a cell.
RAW = st.one_of(st.sampled_from(["1", '"1"']), st.text('1",', max_size=4), st.just('\u00f7"1"'))


@settings(max_examples=200)
@given(
    st.lists(st.lists(RAW, min_size=2, max_size=3), min_size=1, max_size=2),
    st.sampled_from([",", ";", "\u00b7"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
)
@example([['1"', "x", '"3']], ";", "\n")
@example([['"1,1"', "1"]], ",", "\n")
@example([["1", '"1,1"']], ",", "\n")
@example([["1", "1", '\u00f7"1"']], "\u00b7", "\n")
def test_the_fast_way_takes_the_quotes_that_the_exact_way_takes(
    tmp_path_factory, rows: list[list[str]], separator: str, end: str
) -> None:
    lines = [separator.join(row) for row in [["a", "b", "label"], *rows]]
    text = "".join(line + end for line in lines)
    columns = Columns("label", features=("a",), separator=separator, decimal=".")
    fast, exact = outcomes(tmp_path_factory.getbasetemp(), text, columns)
    assert fast == exact


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ('"1,x","2"', "line 3 has 2 columns, but line 1 has 3"),
        ('1",x,"3', "line 3 is no valid CSV"),
    ],
)
def test_quotes_that_hide_a_missing_column_are_noticed(
    tmp_path: Path, row: str, sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        table(tmp_path, f'a,label,b\n1,x,"3"\n{row}\n')


@given(
    st.lists(
        st.tuples(*[st.tuples(st.booleans(), st.floats(-1e9, 1e9))] * 2, st.booleans()), min_size=1
    ),
    st.sampled_from([",", ";", "\t"]),
)
def test_quotes_do_not_change_what_is_read(tmp_path_factory, rows: list, separator: str) -> None:
    def text(quote: str) -> str:
        lines = [["a", "b", "label"]]
        for (a, first), (b, second), c in rows:
            cells = zip((a, b, c), (repr(first), repr(second), "caf\u00e9"), strict=True)
            lines.append([quote * quoted + cell + quote * quoted for quoted, cell in cells])
        return "".join(separator.join(line) + "\n" for line in lines)

    folder = tmp_path_factory.getbasetemp()
    columns = Columns("label", separator=separator)
    quoted, plain = (outcomes(folder, text(quote), columns)[0] for quote in ('"', ""))
    assert quoted == plain and not isinstance(plain, str)


@pytest.mark.parametrize(
    ("first", "separator"), [("sep=;\r\n", ";"), ("SEP=\t\n", "\t"), ('"sep=|"\n', "|")]
)
def test_a_first_line_may_name_the_separator(first: str, separator: str) -> None:
    lines = [first, f"1,5{separator}2,5{separator}rest\n"]
    rest, dialect = read_dialect(Path("a.csv"), lines, None, None)
    assert rest == ["\n", lines[1]] and dialect == Dialect(separator, ",", 3)
    assert read_dialect(Path("a.csv"), lines, "bar", None)[1].separator == "|"


def test_a_comma_that_may_separate_thousands_is_refused() -> None:
    thousands, decimals = '"1,234",5,rest\n', '"0,234",5,rest\n'
    with pytest.raises(InputError, match="has the number '1,234', whose comma may separate"):
        read_dialect(Path("a.csv"), [thousands], None, None)
    assert read_dialect(Path("a.csv"), [thousands], None, "comma")[1].decimal == ","
    assert read_dialect(Path("a.csv"), [thousands, decimals], None, None)[1].decimal == ","
    assert read_dialect(Path("a.csv"), ["1,234;5;rest\n"], None, None)[1].separator == ";"
