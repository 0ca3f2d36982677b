"""`ska-edge predict` classifies rows, labeled or not, on the host or a device, as CSV or JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ska_edge.data.load import load
from ska_edge.model.model_file import Model
from tests.trainer_device import TrainerDevice

HEADER = ["row", "class", "confidence", "truth"]


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture
def unlabeled(iris: Model) -> Path:
    lines = [",".join(map(repr, row)) for row in load("iris").x.tolist()]
    Path("unlabeled.csv").write_text("\n".join(lines))
    return Path("unlabeled.csv")


@pytest.fixture
def board(iris: Model) -> Iterator[TrainerDevice]:
    with TrainerDevice(iris.state.flashed()) as found:
        yield found


def test_labeled_rows_are_predicted_with_their_truth(
    ska_edge, iris_file: Path, iris: Model
) -> None:
    outcome = ska_edge("predict", iris_file, "iris")
    assert outcome.code == 0
    lines, data = table(outcome.out), load("iris")
    assert list(lines[0]) == HEADER
    assert [line["row"] for line in lines] == [str(row) for row in range(150)]
    assert [line["class"] for line in lines] == iris.predict(data.x).tolist()
    assert [line["truth"] for line in lines] == [data.labels[index] for index in data.y]
    largest = np.sort(iris.decisions(data.x), axis=1)
    gaps = (largest[:, -1] - largest[:, -2]) / 32768
    assert np.abs(np.array([float(line["confidence"]) for line in lines]) - gaps).max() <= 5.1e-5
    right = sum(line["class"] == line["truth"] for line in lines)
    assert f"{right} of 150 labeled rows right" in outcome.err


def test_rows_without_labels_give_the_same_classes(
    ska_edge, iris_file: Path, unlabeled: Path
) -> None:
    outcome = ska_edge("predict", iris_file, unlabeled)
    assert (outcome.code, outcome.err) == (0, "")
    lines = table(outcome.out)
    assert list(lines[0]) == HEADER[:3]
    labeled = table(ska_edge("predict", iris_file, "iris").out)
    assert lines == [{name: line[name] for name in HEADER[:3]} for line in labeled]


def test_json_is_the_same_as_csv(ska_edge, iris_file: Path, iris: Model, unlabeled: Path) -> None:
    lines = table(ska_edge("predict", iris_file, "iris").out)
    outcome = ska_edge("predict", iris_file, "iris", "--json")
    document = outcome.document()
    assert document["rows"] == 150
    assert document["digest"] == iris.plan.digest
    assert (document["model"], document["port"], document["output"]) == (str(iris_file), None, None)
    assert [{k: str(v) for k, v in line.items()} for line in document["predictions"]] == lines
    right = sum(line["class"] == line["truth"] for line in lines)
    assert document["accuracy"] == right / 150
    bare = ska_edge("predict", iris_file, unlabeled, "--json").document()
    assert bare["accuracy"] is None
    assert "truth" not in bare["predictions"][0]


def test_a_file_gets_the_csv(ska_edge, iris_file: Path, unlabeled: Path) -> None:
    printed = ska_edge("predict", iris_file, unlabeled).out
    outcome = ska_edge("predict", iris_file, unlabeled, "-o", "classes.csv")
    assert outcome.out == "wrote classes.csv: 150 rows\n"
    assert Path("classes.csv").read_text() == printed
    both = ska_edge("predict", iris_file, unlabeled, "-o", "both.csv", "--json")
    assert both.document()["output"] == "both.csv"
    assert Path("both.csv").read_text() == printed


def test_a_device_decides_with_what_it_has_learned_and_learns_nothing(
    ska_edge, iris_file: Path, iris: Model, unlabeled: Path, board: TrainerDevice
) -> None:
    data = load("iris")
    fresh = ska_edge("predict", iris_file, unlabeled, "--port", board.port)
    assert fresh.out == ska_edge("predict", iris_file, unlabeled).out
    iris.learn(data.x, np.array(data.labels)[data.y])
    board.network = iris.state
    before = iris.state.to_bytes()
    outcome = ska_edge("predict", iris_file, unlabeled, "--port", board.port, "--json")
    document = outcome.document()
    assert document["port"] == board.port
    assert [line["class"] for line in document["predictions"]] == iris.predict(data.x).tolist()
    assert "has learned 150 samples, and classifies 150 rows" in outcome.err
    assert board.network.to_bytes() == before


def test_a_board_is_built_and_asked(
    ska_edge, iris_file: Path, unlabeled: Path, require_board: Any
) -> None:
    require_board("host")
    outcome = ska_edge("predict", iris_file, unlabeled, "--board", "host")
    assert outcome.code == 0
    assert outcome.out == ska_edge("predict", iris_file, unlabeled).out


def test_the_labels_of_a_model_need_not_be_those_of_the_rows(ska_edge, iris_file: Path) -> None:
    Path("other.csv").write_text("5.1,3.5,1.4,0.2,rose\n5.1,3.5,1.4,0.2,\n")
    outcome = ska_edge("predict", iris_file, "other.csv")
    assert [line["truth"] for line in table(outcome.out)] == ["rose", ""]
    text = "1 row with labels that the model does not know (rose); they count as wrong"
    assert f"warning: {text}" in outcome.err.splitlines()
    document = ska_edge("predict", iris_file, "other.csv", "--json").document()
    assert document["warnings"] == [{"sign": "unknown labels", "layer": None, "text": text}]
    assert ska_edge("predict", iris_file, "iris", "--json").document()["warnings"] == []
    assert "0 of 1 labeled row right (0.00%)" in outcome.err


def test_a_label_cannot_act_on_a_terminal(ska_edge, iris_file: Path) -> None:
    Path("other.csv").write_text("5.1,3.5,1.4,0.2,\x1b[2Jrose\n")
    outcome = ska_edge("predict", iris_file, "other.csv")
    assert outcome.out.splitlines()[1].endswith(",\\x1b[2Jrose")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nope.ska", "iris"], "there is no model file nope.ska"),
        (["MODEL", "nope"], "'nope' is neither a file nor built-in data"),
        (["MODEL", "wine"], "wine has 13 features, but the model has 4 inputs"),
        (["MODEL", "iris", "-o", "none/x.csv"], "there is no folder none"),
        (["MODEL", "short.csv", "-o", "short.csv"], "short.csv is read by this command"),
        (["MODEL", "iris", "--board", "host", "--port", "x"], "give --board or --port, not both"),
        (["PUBLISHED", "iris"], "the rule published learns without labels"),
    ],
)
def test_rows_that_cannot_be_classified_are_refused(
    ska_edge, iris_file: Path, arguments: list[str], sentence: str
) -> None:
    Path("short.csv").write_text("1,2,3,4\n")
    if arguments[0] == "PUBLISHED":
        ska_edge("train", "iris", "-o", "p.ska", "--rule", "published", "--steps", "2")
    names = {"MODEL": iris_file, "PUBLISHED": "p.ska"}
    outcome = ska_edge("predict", *(names.get(argument, argument) for argument in arguments))
    assert sentence in outcome.refusal(2)
    assert outcome.out == ""


def test_a_device_with_another_plan_is_refused(
    ska_edge, unlabeled: Path, board: TrainerDevice
) -> None:
    ska_edge("train", "iris", "-o", "other.ska", "--hidden", "3", "--epochs", "1")
    outcome = ska_edge("predict", "other.ska", unlabeled, "--port", board.port)
    assert "runs the plan" in outcome.refusal(3)
