"""`ska-edge data` describes data; data that no command can use is an error."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ska_edge.data import load
from ska_edge.data.dataset import Dataset, save

QUICK = ("-o", "x.ska", "--hidden", "4", "--epochs", "1")


def test_groups_are_counted(ska_edge) -> None:
    group = np.array([4, 4, 9, 2, 9, 4])
    save(Dataset("people", np.eye(6)[:, :3], group % 2, ("even", "odd"), group), "people.npz")
    assert "people: 6 rows, 3 features, 2 classes, 3 groups\n" in ska_edge("data", "people.npz").out
    assert ska_edge("data", "people.npz", "--json").document()["groups"] == 3


def test_data_without_groups_have_none_in_the_document(ska_edge) -> None:
    outcome = ska_edge("data", "iris", "--json")
    assert outcome.document()["groups"] is None
    assert "iris: 150 rows, 4 features, 3 classes\n" in outcome.err


def test_groups_are_written(ska_edge) -> None:
    outcome = ska_edge("data", "watch", "-o", "watch.npz")
    assert outcome.code == 0 and "10 groups" in outcome.out and outcome.err == ""
    written = ska_edge("data", "watch.npz", "--json").document()
    assert (written["rows"], written["groups"]) == (1149, 10)


def test_mnist_files_are_read_with_their_labels(ska_edge) -> None:
    Path("a-images-idx3-ubyte").write_bytes(bytes([0, 0, 8, 3, *b"\0\0\0\2" * 3, *range(8)]))
    Path("a-labels-idx1-ubyte").write_bytes(bytes([0, 0, 8, 1, *b"\0\0\0\2", 1, 0]))
    assert "2 rows, 4 features, 2 classes" in ska_edge("data", "a-images-idx3-ubyte").out
    Path("a-labels-idx1-ubyte").unlink()
    assert "needs its labels" in ska_edge("train", "a-images-idx3-ubyte", *QUICK).refusal(2)


def test_a_folder_is_listed_once_for_all_outputs(ska_edge, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("days").mkdir()
    for name in ("mon", "tue"):
        Path(f"days/{name}.csv").write_text("a,b,label\n" + "1,2,0\n5,6,1\n" * 4)
    listed, files_of = [], load.files_of

    def listing(source: str) -> list[Path]:
        listed.append(str(source))
        return files_of(source)

    monkeypatch.setattr(load, "files_of", listing)
    outcome = ska_edge("train", "days", *QUICK, "--log", "steps", "--checkpoint", "kept.ska")
    assert outcome.code == 0
    assert listed.count("days") == 2  # once to check the outputs, once to read the rows


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "bad.csv is empty"),
        ("a,b,label\n", "has a header but no samples"),
        ("a,b,label\n1,2,0\n2,3,0\n", "'bad' has only one class, '0'"),
        ("a,b,label\n1,2,0\n2,3,0\n5,6,2\n", "has a single sample of the class '2'"),
        ("a,b,label\n1,2,0\n2,3\n5,6,1\n", "line 3 has 2 columns, but line 1 has 3"),
        ("a,b,label\n1,2,0\n2,nan,1\n", "line 3, column 2 (b) is 'nan'; inputs must be finite"),
        ("a,b,label\n1,2,0\n-inf,3,1\n", "line 3, column 1 (a) is '-inf'; inputs must be finite"),
        ("a,b,label\n1,2,0\n3e200,3,1\n", "line 3, column 1 (a) is '3e200'; inputs must be betw"),
        ("a,b,label\n1,2,0\n,3,1\n", "line 3, column 1 (a) is empty"),
        ("a,b,label\n1,2,0\n3,3,\n", "line 3, column 3: the label is empty"),
    ],
)
def test_files_that_cannot_be_trained_on(content: str, sentence: str, ska_edge) -> None:
    Path("bad.csv").write_text(content)
    assert sentence in ska_edge("train", "bad.csv", *QUICK).refusal(2)
    assert not Path("x.ska").exists()


def test_a_missing_label_column(ska_edge) -> None:
    Path("rows.csv").write_text("a,b,label\n1,2,0\n2,3,1\n")
    outcome = ska_edge("train", "rows.csv", "--label-column", "kind", *QUICK)
    assert "no label column 'kind'; its columns are a, b, label" in outcome.refusal(2)


def test_one_person_cannot_be_held_out(ska_edge) -> None:
    y = np.arange(8) % 2
    save(Dataset("one", np.eye(8), y, ("0", "1"), np.full(8, 5)), "one.npz")
    assert "has only one group, 5" in ska_edge("train", "one.npz", *QUICK).refusal(2)
    assert ska_edge("train", "one.npz", *QUICK, "--test-fraction", "0").code == 0


def poor_data(*rows: str) -> None:
    Path("poor.csv").write_text("\n".join(["a,b,label", *rows]) + "\n")


def test_data_with_one_constant_feature_are_trained_on(ska_edge) -> None:
    poor_data("7,1,0", "7,2,1", "7,3,0", "7,4,1", "7,5,0")
    few = "2 classes with fewer than 5 rows: 0 (3), 1 (2); collect more rows to learn and to"
    for fraction in ("0", "0.2"):
        outcome = ska_edge("train", "poor.csv", *QUICK, "--test-fraction", fraction)
        said = f"poor.csv: 2 inputs (a, b); labels from label\nwarning: {few} measure them\n"
        assert (outcome.code, outcome.err) == (0, said)


def test_nothing_but_constants_is_refused(ska_edge) -> None:
    poor_data("7,1,0", "7,1,1", "7,1,0", "7,1,1")
    assert "all 2 features of 'poor' are constant" in ska_edge("train", "poor.csv", *QUICK).refusal(
        2
    )


def test_a_class_of_one_sample_is_refused(ska_edge) -> None:
    poor_data("1,2,0", "2,3,0", "3,5,0", "4,7,0", "5,8,1")
    refusal = ska_edge("train", "poor.csv", *QUICK).refusal(2)
    assert "a single sample of the class '1'" in refusal
    assert "unless --test-fraction is 0" in refusal
    document = ska_edge("train", "poor.csv", *QUICK, "--test-fraction", "0", "--json").document()
    assert (document["split"]["train"], document["split"]["test"]) == (5, 0)


@pytest.mark.parametrize(
    "command",
    [("monitor",), ("verify", "--board", "host"), ("eval",), ("export", "-o", "m.onnx")],
)
@pytest.mark.parametrize("header", ["", "a,b,c,d\n"])
def test_a_csv_file_without_labels_is_refused(
    ska_edge, iris_file: Path, command: tuple[str, ...], header: str
) -> None:
    Path("bare.csv").write_text(header + "5.1,3.5,1.4,0.2\n4.9,3.0,1.4,0.2\n", encoding="utf-8")
    data = ("--data", "bare.csv") if command[0] == "export" else ("bare.csv",)
    outcome = ska_edge(command[0], iris_file, *data, *command[1:])
    assert outcome.refusal(2) == (
        "ska-edge: bare.csv has no labels: it has 4 columns, as many as the model has inputs;"
        " add a column of labels, or classify its rows with `ska-edge predict`"
    )


def test_missing_columns_are_counted(ska_edge, iris_file: Path) -> None:
    Path("few.csv").write_text("a,b,c\n5.1,3.5,1.4\n", encoding="utf-8")
    assert (
        ska_edge("predict", iris_file, "few.csv")
        .refusal(2)
        .endswith("(the file has 3 columns; it needs 4, or 5 with labels)")
    )
