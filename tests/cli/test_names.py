"""A model keeps the names of its inputs, and finds the columns with these names in later files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import ska_edge as api

QUICK = ("--hidden", "4", "--epochs", "3", "--arithmetic", "fixed")
ROWS = 60


def write(name: str, columns: str, seed: int = 0) -> Path:
    """Write rows of two classes that differ only in the column ay; the column t counts the rows."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, ROWS)
    values = {
        "ax": rng.normal(size=ROWS).round(3),
        "ay": (rng.normal(size=ROWS) + 6 * label).round(3),
        "az": rng.normal(size=ROWS).round(3) * 100,
        "label": np.array(["rest", "wave"])[label],
        "number": label,
        "t": np.arange(ROWS),
    }
    wanted = columns.split(",")
    lines = [",".join(str(values[each][row]) for each in wanted) for row in range(ROWS)]
    Path(name).write_text("\n".join([columns, *lines]) + "\n")
    return Path(name)


@pytest.fixture
def model(ska_edge) -> str:
    write("train.csv", "ax,ay,az,label")
    assert ska_edge("train", "train.csv", "-o", "m.ska", *QUICK, "--hidden", "").code == 0
    return "m.ska"


def accuracy(ska_edge, model: str, data: str, *options: str) -> float:
    outcome = ska_edge("eval", model, data, "--json", *options)
    assert outcome.code == 0, outcome.err
    return float(json.loads(outcome.out)["accuracy"]["fixed"]["test"])


def test_columns_in_another_order_are_matched_by_name(ska_edge, model) -> None:
    write("same.csv", "ax,ay,az,label", seed=1)
    write("other.csv", "t,az,label,ax,ay", seed=1)
    right = accuracy(ska_edge, model, "same.csv")
    assert right > 0.9
    assert accuracy(ska_edge, model, "other.csv") == right
    assert api.load(model).evaluate("other.csv").accuracy == right
    outcome = ska_edge("predict", model, "other.csv")
    assert outcome.out == ska_edge("predict", model, "same.csv").out
    assert "other.csv: 3 inputs (ax, ay, az); labels from label" in outcome.err


def test_a_file_without_names_is_matched_by_position_and_says_so(ska_edge, model) -> None:
    lines = write("named.csv", "ax,ay,az,label", seed=1).read_text().splitlines(keepends=True)
    Path("bare.csv").write_text("".join(lines[1:]))
    outcome = ska_edge("eval", model, "bare.csv")
    assert outcome.code == 0
    assert "in the order of the model's inputs because the file names no columns" in " ".join(
        outcome.err.split()
    )
    assert accuracy(ska_edge, model, "bare.csv") == accuracy(ska_edge, model, "named.csv")


@pytest.mark.parametrize("command", ["eval", "monitor", "verify", "predict"])
def test_a_missing_input_is_named(command: str, ska_edge, model) -> None:
    write("less.csv", "az,ax,label")
    sentence = ska_edge(command, model, "less.csv").refusal(2)
    assert "less.csv lacks 1 input of the model: ay; its columns are az, ax, label" in sentence


@pytest.mark.parametrize("command", ["eval", "monitor", "verify"])
def test_class_numbers_are_not_taken_for_names(command: str, ska_edge, model) -> None:
    write("numbers.csv", "ax,ay,az,number")
    sentence = ska_edge(command, model, "numbers.csv").refusal(2)
    assert "knows rest, wave; give the names of the classes, not their numbers" in sentence


def test_unlabeled_rows_may_have_further_columns(ska_edge, model) -> None:
    write("more.csv", "t,ax,ay,az")
    outcome = ska_edge("predict", model, "more.csv")
    assert outcome.code == 0 and "right" not in outcome.err
    assert outcome.out.splitlines()[0] == "row,class,confidence"
    write("numbers.csv", "ax,ay,az,number")
    outcome = ska_edge("predict", model, "numbers.csv", "--label", "number")
    assert outcome.code == 0 and "right" not in outcome.err
    assert "the labels of numbers are numbers" in outcome.err
    assert outcome.out.splitlines()[0] == "row,class,confidence"


def test_columns_are_chosen(ska_edge) -> None:
    write("all.csv", "t,number,ax,ay,az,label")
    told = ska_edge("train", "all.csv", "-o", "a.ska", "--drop", "t,number", *QUICK)
    assert told.code == 0 and "all.csv: 3 inputs (ax, ay, az); labels from label" in told.err
    assert api.load("a.ska").features == ("ax", "ay", "az")
    chosen = ("--features", "az,ax", "--label", "number")
    assert ska_edge("train", "all.csv", "-o", "b.ska", *chosen, *QUICK).code == 0
    assert api.load("b.ska").features == ("az", "ax")
    assert api.load("b.ska").plan.labels == ("0", "1")
    told = ska_edge("train", "all.csv", "-o", "c.ska", *QUICK)
    assert "warning: t of all.csv only rises, like a row number or a time" in told.err


def test_groups_of_a_column_are_never_divided(ska_edge) -> None:
    write("all.csv", "ax,ay,az,label,number")
    options = ("--group-column", "number", "--test-fraction", "0.5")
    told = ska_edge("train", "all.csv", "-o", "a.ska", *options, *QUICK)
    assert told.code == 0 and "test rows are the group" in told.out


def test_names_travel_with_the_model(ska_edge, model) -> None:
    assert ska_edge("export", model, "-o", "m.onnx").code == 0
    assert api.load("m.onnx").features == ("ax", "ay", "az")
    assert ska_edge("firmware", model, "-o", "fw").code == 0
    assert json.loads(Path("fw/ska-project.json").read_text())["input"]["features"] == [
        "ax",
        "ay",
        "az",
    ]
    assert " *   x[1] 'ay'\n" in Path("fw/src/ska_plan.h").read_text()
    assert json.loads(ska_edge("inspect", model, "--json").out)["features"] == ["ax", "ay", "az"]


def test_a_model_learns_data_of_one_class(ska_edge, model) -> None:
    lines = write("both.csv", "ax,ay,az,label").read_text().splitlines()
    wave = [line for line in lines if line.endswith("wave")]
    Path("one.csv").write_text("\n".join([lines[0], *wave]) + "\n")
    assert accuracy(ska_edge, model, "one.csv") > 0.9
    assert ska_edge("train", "one.csv", "--from", model, "-o", "again.ska").code == 0
    Path("row.csv").write_text("\n".join([lines[0], wave[0]]) + "\n")
    assert ska_edge("eval", model, "row.csv").code == 0
    assert "has only one class, 'wave'" in ska_edge("train", "one.csv", "-o", "x.ska").refusal(2)
