"""ARFF files are read with numbers, nominal values and quotes; faulty files are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from ska_edge.data.formats.table_file import read_table
from ska_edge.data.tables.columns import Columns
from ska_edge.errors import InputError

HEAD = """% a comment
@RELATION 'r s'
@ATTRIBUTE a numeric
@attribute 'b c' integer
@attribute k {'x y', z}
@DATA
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "a.arff"
    path.write_text(text)
    return path


def test_values_and_names(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, HEAD + "1, 2, 'x y'\n\n% no row\n3.5,4,z\n-1\t5\tz\n"))
    assert table.x.tolist() == [[1, 2], [3.5, 4], [-1, 5]]
    assert table.labels == ["x y", "z", "z"]
    assert table.features == ("a", "b c") and table.lines == [7, 10, 11]


def test_columns_are_chosen(tmp_path: Path) -> None:
    path = written(tmp_path, HEAD + "1,2,'x y'\n3,4,z\n")
    table = read_table(path, Columns(label="b c", group="k"))
    assert (table.x.tolist(), table.groups) == ([[1], [3]], ["x y", "z"])
    assert [float(label) for label in table.labels] == [2, 4]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is no ARFF file: it needs @attribute lines, then @data and rows"),
        ("a,b\n1,2\n", "is no ARFF file"),
        ("@data\n1\n", "is no ARFF file"),
        (HEAD, "has no samples"),
        (HEAD + "1,2\n", "line 7 has 2 values, but the file has 3 attributes"),
        (HEAD + "{0 1}\n", "line 7 is a sparse row"),
        (HEAD + "1,q,z\n", r"line 7, column 2 \(b c\) is 'q', not a number"),
        (HEAD + "1,?,z\n", r"line 7, column 2 \(b c\) is missing; inputs must be finite"),
        (HEAD + "1,2,q\n", r"line 7, column 3 \(k\) is 'q', but the attribute does not declare"),
        (HEAD.replace("}", "") + "1,2,z\n", "has no } after the values of the attribute"),
        (HEAD + "1,1e200,z\n", r"line 7, column 2 \(b c\) is '1e\+200'; inputs must be between"),
        (HEAD + "1," + "'" + "9" * 200_000 + "',z\n", "line 7 is no valid row"),
        (HEAD.replace("integer", "relational") + "1,2,z\n", "line 4: attributes of the kind 'rela"),
        (HEAD.replace("'b c' integer", "b") + "1,2,z\n", "line 4 is no attribute"),
    ],
)
def test_faulty_files_are_refused(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        read_table(written(tmp_path, text))
