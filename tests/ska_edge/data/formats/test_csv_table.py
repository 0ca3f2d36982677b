"""CSV files are read with or without a header; errors name the place in the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ska_edge.data.formats.csv_table import read_csv
from ska_edge.data.tables.columns import Columns
from ska_edge.errors import InputError


def written(folder: Path, text: str) -> Path:
    path = folder / "samples.csv"
    path.write_bytes(text.encode("utf-8"))
    return path


def test_header_and_last_column(tmp_path: Path) -> None:
    table = read_csv(written(tmp_path, "a,b,kind\n1,2.5,cat\n-3e-1, 4 ,dog\n"))
    np.testing.assert_array_equal(table.x, [[1.0, 2.5], [-0.3, 4.0]])
    assert table.labels == ["cat", "dog"]
    assert table.lines == [2, 3]
    assert table.label_column == 3


@pytest.mark.parametrize(
    ("header", "column"),
    [
        ("y,a,b", 1),
        ("a,Label,b", 2),
        ("y,a,label", 3),  # the name label takes precedence over y
        ("a,CLASS,b", 2),
        ("target,b,c", 1),
        ("0,1,label", 3),  # unnamed columns as pandas writes them
        ("label,1,2", 1),
        ("label,2,3", 1),
    ],
)
def test_label_column_by_name(tmp_path: Path, header: str, column: int) -> None:
    table = read_csv(written(tmp_path, header + "\n7,8,9\n"))
    assert table.label_column == column
    assert table.labels == ["789"[column - 1]]
    assert table.x.tolist() == [[v for at, v in enumerate((7.0, 8.0, 9.0), 1) if at != column]]


@pytest.mark.parametrize(
    ("first", "label"), [("5,0.5,1", "1"), ("5.1,3.5,y", "y"), ("0.5,0.25,walk", "walk")]
)
def test_a_first_line_with_numbers_is_a_sample(tmp_path: Path, first: str, label: str) -> None:
    path = written(tmp_path, f"{first}\n6,7,8\n")
    table = read_csv(path)
    assert table.labels == [label, "8"]
    assert table.lines == [1, 2]
    assert table.label_column == 3


def test_a_first_sample_with_nan_is_not_a_header(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="line 1, column 1 is 'nan'"):
        read_csv(written(tmp_path, "nan,nan,walk\n6,7,run\n"))


@pytest.mark.parametrize(
    ("header", "wanted", "column"),
    [
        ("a,b,c\n", "b", 2),
        ("a,b,c\n", "2", 2),
        ("", "1", 1),
        ("3,b,1\n", "b", 2),
        ("y,Y,c\n", "Y", 2),
    ],
)
def test_the_named_column_has_the_labels(
    tmp_path: Path, header: str, wanted: str, column: int
) -> None:
    table = read_csv(written(tmp_path, header + "7,8,9\n"), Columns(wanted))
    assert table.label_column == column
    assert len(table.labels) == 1


def test_blank_lines_byte_order_mark_and_line_ends(tmp_path: Path) -> None:
    table = read_csv(written(tmp_path, "\ufeffy,a\r\n\r\n1,2\r\n   \r\n\r\n0,3\r\n"))
    assert table.label_column == 1
    assert table.lines == [3, 6]
    assert table.x.tolist() == [[2.0], [3.0]]


def test_quoted_labels_with_commas(tmp_path: Path) -> None:
    table = read_csv(written(tmp_path, 'a,kind\n1,"slow, left"\n2,fast\n'))
    assert table.labels == ["slow, left", "fast"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty; it needs"),
        ("\n\n", "is empty; it needs"),
        ("a,b,y\n", "has a header but no samples"),
        ("y\n1\n", "has one column only"),
        ("a_b\n1\n", "separated by commas"),
        ("# 1\n#2\n", r"is empty; it needs .* \(2 lines with # at the start are comments\)$"),
        ("a,b,y\n#1,2,0\n", r"no samples; .* \(1 line with # at the start are comments\)$"),
        ("a,b,y\n1,'2,5',0\n1,\"2,5\",0\n1.5,2,0\n1.5,2,0\n", "line 2 has 4 columns"),
        ('a,b,y\n1.5,2.5,0\n1,"2,5",0\n', r"column 2 \(b\) is '2,5', not a number; if the decimal"),
        ("a;b;y\n1,5;2,5;0\n1.5;2;0\n", r"line 3, column 1 \(a\) is '1.5', but other decimals"),
        ("a;b;y\n1,5;2,5;0\n1,5;1,5,2;0\n", r"line 3, column 2 \(b\) is '1,5,2', not a number"),
        ("a;b;y\n1,5;2,5;0\n1,5;inf;0\n", r"column 2 \(b\) is 'inf'; inputs must be finite"),
        ("a;b;y\n1,5;2,5;0\n1,5;1,5e200;0\n", r"is '1,5e200'; inputs must be between"),
        ("a,b,y\n1,2,0\n1,zwei,0\n", r"line 3, column 2 \(b\) is 'zwei', not a number; .*column 3"),
        ("y,a\n0,1\n0,abc\n", r"line 3, column 2 \(a\) is 'abc'"),
        ("1,2,0\n1,oops,0\n", "line 2, column 2 is 'oops', not a number"),
        ("a,b,y\n1,NaN,0\n", r"line 2, column 2 \(b\) is 'NaN'; inputs must be finite"),
        ("a,b,y\n\n-inf,1,0\n", r"line 3, column 1 \(a\) is '-inf'; inputs must be finite"),
        ("a,b,y\n1e999,1,0\n", "inputs must be finite"),
        ("a,b,y\n1,1e300,0\n", r"column 2 \(b\) is '1e300'; inputs must be between -1e\+100 and"),
        ("a,b,y\n-1.1e100,1,0\n", "is '-1.1e100'; inputs must be between"),
        ("a,b,y\n1_000,1,0\n", "'1_000', not a number"),
        ("a,b,y\n1,,0\n", r"line 2, column 2 \(b\) is empty"),
        ("a,b,y\n1,2,0\n1,2\n", "line 3 has 2 columns, but line 1 has 3"),
        ("a,b,y\n1,2,0\n1,2,3,4\n", "line 3 has 4 columns, but line 1 has 3"),
        ("y,a,Y\n1,2,0\n", "columns 1 and 3 are both called 'y'"),
        ('a,y\n1,"cat\n', "line 2 is no valid CSV"),
        ('a,y\n"1"2,0\n', "line 2 is no valid CSV: a cell goes on after its closing quotation"),
    ],
)
def test_errors_name_the_place_in_the_file(tmp_path: Path, text: str, message: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(InputError, match=message) as caught:
        read_csv(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "wanted", "message"),
    [
        ("a,b,y\n1,2,0\n", "kind", "no label column 'kind'; its columns are a, b, y$"),
        ("a,b,y\n1,2,0\n", "4", "no label column '4'"),
        ("a,b,y\n1,2,0\n", "0", "no label column '0'"),
        ("1,2,0\n", "kind", "no label column 'kind'; it has no header, .* 1 to 3$"),
        ("a,b,c,d,e,f,g,h,i\n", "kind", r"g, h \.\.\.$"),
    ],
)
def test_a_missing_label_column_is_refused(
    tmp_path: Path, text: str, wanted: str, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        read_csv(written(tmp_path, text), Columns(wanted))


def test_the_largest_inputs_are_read(tmp_path: Path) -> None:
    assert read_csv(written(tmp_path, "a,b,y\n1e100,-1e100,0\n")).x.tolist() == [[1e100, -1e100]]


def test_a_large_integer_is_a_label(tmp_path: Path) -> None:
    assert read_csv(written(tmp_path, "a,y\n1,1e300\n")).labels == ["1e300"]


def test_text_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "latin.csv"
    path.write_bytes("größe,y\n1,0\n".encode("latin-1"))
    with pytest.raises(InputError, match="not UTF-8"):
        read_csv(path)


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.csv cannot be read: No such file"):
        read_csv(tmp_path / "none.csv")
