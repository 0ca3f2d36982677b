"""Commands train and evaluate a regression, predict values, and refuse what needs classes."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from ska_edge.cli.main import main

NAMES = ["a", "b", "c", "power", "heat"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with data and a model of two targets, which are linear in the inputs."""
    at = tmp_path_factory.mktemp("regression")
    rng = np.random.default_rng(0)
    x = rng.normal(5, 2, (200, 3))
    y = np.column_stack([100 * x[:, 0] - 30 * x[:, 1], 7 - x[:, 2]])
    with (at / "data.csv").open("w", newline="") as file:
        csv.writer(file).writerows([NAMES, *np.hstack([x, y]).tolist()])
    options = ["--task", "regression", "--label", "power,heat", "--hidden", "", "--epochs", "5"]
    done = run("train", at / "data.csv", "-o", at / "model.ska", *options, "--json")
    (at / "train.json").write_text(done)
    return at


def run(*arguments: object, code: int = 0) -> str:
    done = CliRunner().invoke(main, [str(each) for each in arguments])
    assert done.exit_code == code, done.output
    return done.stdout if code == 0 else done.output


def test_train_reports_each_target(folder: Path) -> None:
    found = json.loads((folder / "train.json").read_text())
    assert "accuracy" not in found
    for arithmetic in ("float", "fixed"):
        assert set(found["r2"][arithmetic]["test"]) == {"power", "heat"}
        assert min(found["r2"][arithmetic]["test"].values()) > 0.95
    assert found["mae"]["fixed"]["test"]["power"] > 5 * found["mae"]["fixed"]["test"]["heat"]


def test_eval_finds_the_targets_by_name(folder: Path) -> None:
    found = json.loads(run("eval", folder / "model.ska", folder / "data.csv", "--json"))
    trained = json.loads((folder / "train.json").read_text())
    assert (found["r2"], found["mae"]) == (trained["r2"], trained["mae"])
    assert found["held_out"] is True


def test_predict_gives_values_in_the_unit_of_the_data(folder: Path) -> None:
    out = folder / "values.csv"
    run("predict", folder / "model.ska", folder / "data.csv", "-o", out)
    with out.open() as file:
        rows = list(csv.DictReader(file))
    errors = [float(row["power"]) - float(row["truth power"]) for row in rows]
    assert len(rows) == 200
    assert np.abs(errors).mean() < 40  # the standard deviation of power is about 200


def test_inspect_names_the_task(folder: Path) -> None:
    found = json.loads(run("inspect", folder / "model.ska", "--json"))
    assert (found["task"], found["labels"]) == ("regression", ["power", "heat"])
    assert len(found["units"]["mean"]) == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--stored", "3"], "--stored stores samples of each class"),
        (["--rule", "code"], "--rule code has a code for each class"),
        (["--label", "nothing"], "has no target column 'nothing'"),
    ],
)
def test_options_that_need_classes_are_refused(folder: Path, options: list[str], said: str) -> None:
    given = ["--task", "regression", *options]
    assert said in run("train", folder / "data.csv", "-o", folder / "x.ska", *given, code=2)


def test_data_with_classes_are_refused(folder: Path) -> None:
    given = ["-o", folder / "x.ska", "--task", "regression"]
    assert "iris has classes" in run("train", "iris", *given, code=2)


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("abc", "line 4, column 5 (heat) is 'abc', not a number; a target is a number"),
        ("nan", "line 4, column 5 (heat) is 'nan'; targets must be finite numbers"),
        ("inf", "line 4, column 5 (heat) is 'inf'; targets must be finite numbers"),
        ("", "line 4, column 5 (heat) is empty; every target needs a number"),
        ("1e298", "line 4, column 5 (heat) is '1e298'; targets must be between"),
    ],
)
def test_a_bad_target_is_called_a_target(
    folder: Path, tmp_path: Path, cell: str, said: str
) -> None:
    lines = (folder / "data.csv").read_text().splitlines()
    lines[3] = f"{lines[3].rpartition(',')[0]},{cell}"
    (tmp_path / "bad.csv").write_text("\n".join(lines))
    given = ["-o", tmp_path / "x.ska", "--task", "regression", "--label", "power,heat"]
    assert said in run("train", tmp_path / "bad.csv", *given, code=2)


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("power,power", "power is twice in the list of targets"),
        (",".join(NAMES), "has no inputs beside the named columns"),
    ],
)
def test_wrong_lists_of_targets_are_refused(folder: Path, label: str, said: str) -> None:
    given = ["-o", folder / "x.ska", "--task", "regression", "--label", label]
    assert said in run("train", folder / "data.csv", *given, code=2)


@pytest.fixture(scope="module")
def single(folder: Path) -> Path:
    rows = [line.rpartition(",")[0] for line in (folder / "data.csv").read_text().splitlines()]
    (folder / "single.csv").write_text("\n".join(rows))
    return folder / "single.csv"


def test_eval_says_which_target_the_data_lack(folder: Path, single: Path) -> None:
    said = run("eval", folder / "model.ska", single, code=2)
    assert "single.csv lacks 1 target of the model: heat; its columns are a, b, c, power" in said


def test_predict_needs_no_targets(folder: Path, single: Path) -> None:
    rows = run("predict", folder / "model.ska", single).splitlines()
    assert "row,power,heat" in rows


@pytest.mark.parametrize("command", ["predict", "eval"])
def test_a_part_of_the_targets_is_refused(folder: Path, command: str) -> None:
    given = [folder / "model.ska", folder / "data.csv", "--label", "heat"]
    assert "has learned power, heat, and the named target is heat" in run(command, *given, code=2)


def test_named_targets_have_the_order_of_the_model(folder: Path) -> None:
    given = ["predict", folder / "model.ska", folder / "data.csv", "--json"]
    assert run(*given, "--label", "heat,power") == run(*given)


def test_predict_distinguishes_values_that_are_large(tmp_path: Path) -> None:
    rows = [[each, 1e12 + 100 * each] for each in range(50)]
    with (tmp_path / "large.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["a", "y"], *rows])
    model, given = tmp_path / "large.ska", ["--task", "regression", "--hidden", "", "--epochs", "5"]
    run("train", tmp_path / "large.csv", "-o", model, *given)
    found = json.loads(run("predict", model, tmp_path / "large.csv", "--json"))["predictions"]
    values = [line["y"] for line in found]
    assert len(set(values)) == len(values)
    # 13 digits, a point, and at most two decimals.
    assert max(len(repr(value)) for value in values) <= 16


def continued(folder: Path, data: Path, *given: str, code: int = 0) -> str:
    output = folder / "continued.ska"
    options = ["--from", folder / "model.ska", "--epochs", "1", "--label", "power,heat", *given]
    return run("train", data, "-o", output, *options, code=code)


def test_a_continued_model_tells_the_task(folder: Path) -> None:
    found = json.loads(continued(folder, folder / "data.csv", "--json"))
    assert found["r2"]["fixed"]["test"]["power"] > 0.9
    assert found["warnings"] == []


def test_a_model_is_not_continued_with_another_target(folder: Path, tmp_path: Path) -> None:
    text = (folder / "data.csv").read_text().replace("heat", "cold", 1)
    (tmp_path / "cold.csv").write_text(text)
    said = continued(folder, tmp_path / "cold.csv", "--label", "power,cold", code=2)
    assert "has the target 'cold', which the model does not know; it knows power, heat" in said


def test_targets_beyond_a_continued_model_cause_a_warning(folder: Path, tmp_path: Path) -> None:
    rows = [line.split(",") for line in (folder / "data.csv").read_text().splitlines()]
    far = [rows[0], *([*row[:4], "5000"] for row in rows[1:])]
    (tmp_path / "far.csv").write_text("\n".join(map(",".join, far)))
    (warning,) = json.loads(continued(folder, tmp_path / "far.csv", "--json"))["warnings"]
    assert "rows have a target heat beyond the values of the continued model" in warning["text"]
