"""Files of time series become rows: channel after channel, then the label."""

from __future__ import annotations

from pathlib import Path

import pytest

from ska_edge.data.formats.table_file import read_table
from ska_edge.data.tables.inputs import Inputs
from ska_edge.errors import InputError

HEAD = "# about\n@problemName p\n@timeStamps false\n@classLabel true a b\n@data\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "p.ts"
    path.write_text(text)
    return path


def test_channels_follow_each_other(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, HEAD + "1,2:3,4:a\n5, 6:7,8: b\n"))
    assert table.x.tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]
    assert table.labels == ["a", "b"] and table.features is None
    assert "series of 2 channels x 2 steps are rows of 4 inputs" in table.origin


def test_series_without_classes_can_be_classified(tmp_path: Path) -> None:
    path = written(tmp_path, "@classLabel false\n@data\n1,2\n3,4\n")
    table = read_table(path, model=Inputs(2, labeled=False))
    assert (table.x.tolist(), table.label_column) == ([[1, 2], [3, 4]], 0)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "has no series; it needs @data"),
        ("1,2:a\n", "is no .ts file: line 1 comes before @data"),
        (HEAD, "has no series"),
        (HEAD + "a\n", "line 6 has no series before its label"),
        (HEAD + "1,2:a\n1:b\n", "line 7 has a series of length 1, but .* length 2, and .* cut"),
        (HEAD + "1,2:1:a\n1,2:1,2:b\n", "line 7 has a series of length 2, .* length 2, 1, and"),
        (HEAD + "1:1:a\n1:b\n", "line 7 has 1 channel, but the first series has 2; give"),
        (HEAD + "1,q:a\n", "line 6 has a value that is no number: .*'q'"),
        (HEAD + "1,?:a\n", r"line 6, column 2 \(column 2\) is missing; inputs must be finite"),
        (HEAD.replace("Stamps false", "Stamps true") + "(0,1):a\n", "has time stamps; write"),
        ("@targetLabel true\n@data\n1,2:0.5\n", r"has numbers to predict \(@targetLabel\)"),
    ],
)
def test_faulty_files_are_refused(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        read_table(written(tmp_path, text))
