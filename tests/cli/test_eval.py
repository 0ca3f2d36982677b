"""`eval` calls rows "test" only if the training held them out; its confusion matrix fits the
screen.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ska_edge.cli.screen.accuracy import confusion_table
from ska_edge.cli.screen.console import Output
from ska_edge.model.evaluation import Evaluation

QUICK = ("--hidden", "4", "--epochs", "1")


def table(path: str, rows: int, seed: int, person: bool = False) -> None:
    rng = np.random.default_rng(seed)
    lines = ["a,b,person,label" if person else "a,b,label"]
    for row in range(rows):
        label = int(rng.integers(2))
        a, b = (rng.normal(size=2) + 3 * label).round(3)
        lines.append(f"{a},{b},{f'p{row % 5},' if person else ''}{'yn'[label]}")
    Path(path).write_text("\n".join(lines) + "\n")


@pytest.fixture
def folder() -> str:
    Path("sess").mkdir()
    for number in (1, 2, 3):
        table(f"sess/s{number}.csv", 60, number)
    return "sess"


def test_a_group_has_the_parts_of_the_training(ska_edge, folder: str) -> None:
    trained = ska_edge("train", folder, "-o", "m.ska", *QUICK, "--json").document()
    tested = trained["split"]["text"].removeprefix("test rows are the file ")
    for name in ("s1.csv", "s2.csv", "s3.csv"):
        found = ska_edge("eval", "m.ska", folder, "--group", name)
        test = 60 if name == tested else 0
        assert f"train ({60 - test})" in found.out and f"test ({test})" in found.out, name
        document = ska_edge("eval", "m.ska", folder, "--group", name, "--json").document()
        assert (document["split"]["train"], document["split"]["test"]) == (60 - test, test)
        assert document["held_out"] is True


def test_a_group_that_was_not_learned_is_not_called_a_test(ska_edge, folder: str) -> None:
    train = ("train", folder, "-o", "m.ska", "--group", "s1.csv", "--split", "random", *QUICK)
    assert ska_edge(*train).code == 0
    other = ska_edge("eval", "m.ska", folder, "--group", "s2.csv")
    assert "rows (60)" in other.out and "test (" not in other.out
    assert "took none of these rows, but an earlier one may have" in other.out
    assert "train (48)" in ska_edge("eval", "m.ska", folder, "--group", "s1.csv").out


def test_a_forgotten_column_of_groups_gives_a_warning(ska_edge) -> None:
    table("people.csv", 200, 0, person=True)
    train = ("train", "people.csv", "-o", "p.ska", "--group-column", "person", *QUICK)
    assert ska_edge(*train).code == 0
    forgotten = ska_edge("eval", "p.ska", "people.csv")
    assert "rows (200)" in forgotten.out and "test (" not in forgotten.out
    assert "warning: the data of the model were split by groups" in forgotten.err
    document = ska_edge("eval", "p.ska", "people.csv", "--json").document()
    assert [each["sign"] for each in document["warnings"]] == ["no groups"]
    assert document["held_out"] is None
    known = ska_edge("eval", "p.ska", "people.csv", "--group-column", "person")
    assert "train (160)" in known.out and "test (40)" in known.out and "warning" not in known.err


def test_a_part_of_the_learned_rows_is_not_called_a_test(ska_edge) -> None:
    table("people.csv", 200, 0)
    assert ska_edge("train", "people.csv", "-o", "m.ska", *QUICK).code == 0
    lines = Path("people.csv").read_text().splitlines()[:150]
    Path("half.csv").write_text("\n".join(lines) + "\n")
    half = ska_edge("eval", "m.ska", "half.csv")
    assert "rows (149)" in half.out and "test (" not in half.out
    assert "trained on ('people'), so its split cannot be repeated; this is a test only" in half.out
    assert "test (40)" in ska_edge("eval", "m.ska", "people.csv").out


WAYS = (("walking", "downstairs"), ("running", "upstairs"))


def confusion(counts: np.ndarray, labels: list[str], columns: str, monkeypatch, capsys) -> str:
    monkeypatch.setenv("COLUMNS", columns)
    confusion_table(Output(as_json=False), Evaluation(tuple(labels), counts))
    text: str = capsys.readouterr().out
    assert all(len(line) <= int(columns) for line in text.splitlines() if line[0] in "┏┃┡│└+|")
    return text


def test_a_matrix_that_is_too_wide_is_replaced_by_its_confusions(monkeypatch, capsys) -> None:
    counts = np.diag(np.full(20, 90)) + 1
    counts[3, 17], counts[12, 2] = 55, 44
    labels = [f"activity {number}" for number in range(20)]
    text = confusion(counts, labels, "80", monkeypatch, capsys)
    assert "the confusion matrix of 20 classes is too wide for 80 columns; --json has all" in text
    assert "the most frequent confusions (10 of 380)" in text
    words = [line.replace("│", " ").replace("|", " ").split() for line in text.splitlines()]
    assert ["activity", "3", "activity", "17", "55"] in words
    assert words.index(["activity", "3", "activity", "17", "55"]) < words.index(
        ["activity", "12", "activity", "2", "44"]
    )
    recalls = [line for line in words if line[:1] == ["activity"] and line[-1].endswith("%")]
    assert [line[1] for line in recalls] == [str(number) for number in range(20)]
    wide = confusion(counts, labels, "400", monkeypatch, capsys)
    assert "activity 17" in wide and "55" in wide and "most frequent" not in wide


def test_a_narrow_screen_shortens_the_names_of_recalls_and_confusions(monkeypatch, capsys) -> None:
    names = [f"{way}_{where}_of_the_house_{n}" for n in range(7) for way, where in WAYS]
    counts = np.eye(14, dtype=int) + np.eye(14, k=1, dtype=int)
    text = confusion(counts, names, "46", monkeypatch, capsys)
    cells = [line.split("│") for line in text.splitlines() if line.startswith("│")]
    recalls = [row[1].strip() for row in cells if "%" in row[3]]
    assert len(set(recalls)) == 14
    for name, short in zip(names, recalls, strict=True):
        start, end = short.split("…")
        assert name.startswith(start) and name.endswith(end)
    assert len(cells) == 14 + 10  # no name continues on a second line
    wide = confusion(counts, names, "90", monkeypatch, capsys)
    assert "…" not in wide and all(name in wide for name in names)


def test_the_names_of_a_matrix_are_shortened_in_the_middle(monkeypatch, capsys) -> None:
    labels = [f"activity {number}" for number in range(10, 17)]
    text = confusion(np.diag(np.arange(101, 108)), labels, "80", monkeypatch, capsys)
    assert "confusion (rows: truth" in text and "most frequent" not in text
    assert all(f"…{number}" in text for number in (10, 12, 16))
    assert all(f" {number} " in text for number in range(101, 108))
    assert text.count("100.00%") == 7


def test_a_perfect_matrix_that_is_too_wide(monkeypatch, capsys) -> None:
    text = confusion(np.eye(30, dtype=int), [f"c{n}" for n in range(30)], "80", monkeypatch, capsys)
    assert "no row was taken for another class" in text
