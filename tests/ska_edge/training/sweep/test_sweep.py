"""A sweep combines options, and continues from the runs that are recorded."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ska_edge.data.dataset import Dataset
from ska_edge.errors import InputError
from ska_edge.progress import silent
from ska_edge.training.options import Options, flag
from ska_edge.training.sweep.experiment import COLUMNS, Record, run
from ska_edge.training.sweep.sweep import Grid, sweep
from ska_edge.training.sweep.table import rows
from ska_edge.training.train import train
from tests.ska_edge.training.sweep.runs import GRID, in_turn, lines


def unwanted(dataset: Dataset, options: Sequence[Options]) -> Iterator[Record]:
    raise AssertionError("there was nothing to do")


def test_every_combination_once_with_its_seeds_side_by_side() -> None:
    lists = {"hidden": ((64,), (), (64,)), "rate": (0.5, 0.25), "batch": (1, 8)}
    grid = Grid(lists, Options(epochs=7), seeds=3)
    options = grid.options()
    assert len(options) == len(set(options)) == 2 * 2 * 2 * 3
    assert [each.seed for each in options] == [0, 1, 2] * 8
    assert {each.epochs for each in options} == {7}
    assert {(each.hidden, each.rate, each.batch) for each in options} == {
        (hidden, rate, batch) for hidden in [(64,), ()] for rate in [0.5, 0.25] for batch in [1, 8]
    }


@pytest.mark.parametrize("rate", [0.0, -0.5, float("nan"), float("inf")])
def test_an_impossible_rate_is_refused(rate: float) -> None:
    with pytest.raises(InputError, match="finite number above 0"):
        Grid({"rate": (0.5, rate)}).options()


@pytest.mark.parametrize(("inputs", "rate"), [(4, 0.125), (512, 0.015625)])
def test_a_sweep_has_the_default_rate_of_train(inputs: int, rate: float) -> None:
    rng = np.random.default_rng(0)
    wide = Dataset("wide", rng.normal(size=(12, inputs)), np.arange(12) % 2, ("a", "b"))
    options = Grid({"hidden": ((2,),)}, Options(epochs=1), seeds=1).options()[0]
    assert run(wide, options)["options"]["rate"] == rate
    assert train(wide, Options(hidden=(2,), epochs=1)).options.rate == rate


def test_a_run_is_what_train_makes(data: Dataset) -> None:
    options = GRID.options()[0]
    trained, record = train(data, options), run(data, options)
    assert record["accuracy"] == trained.accuracy
    assert record["parameters"] == trained.model.plan.parameter_count
    assert record["digest"] == trained.model.plan.digest
    assert record["data_digest"] == data.digest
    assert record["options"]["hidden"] == [3] and record["options"]["seed"] == 0
    assert json.loads(json.dumps(record)) == record


def test_a_failed_run_has_its_error_sentence(data: Dataset) -> None:
    record = run(data, replace(GRID.options()[0], batch=500))
    assert "a batch of 500 is larger" in record["error"]
    assert "accuracy" not in record


def test_runs_have_the_order_of_the_grid(data: Dataset, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []

    def backwards(dataset: Dataset, options: Sequence[Options]) -> Iterator[Record]:
        return in_turn(dataset, options[::-1])

    path = tmp_path / "runs.jsonl"
    swept = sweep(data, GRID, path, backwards, lambda *at: seen.append(at))
    assert swept.runs == [run(data, options) for options in GRID.options()] == lines(path)[::-1]
    assert (swept.skipped, swept.dropped) == (0, False)
    assert seen == [(done, 4) for done in range(5)]


def test_recorded_runs_are_skipped(data: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    first = sweep(data, GRID, path, in_turn, silent)
    content = path.read_text()
    again = sweep(data, GRID, path, unwanted, silent)
    assert (again.runs, again.skipped) == (first.runs, 4)
    assert path.read_text() == content
    more = sweep(data, replace(GRID, seeds=3), path, in_turn, silent)
    assert (len(more.runs), more.skipped) == (6, 4)
    assert path.read_text().startswith(content) and len(lines(path)) == 6
    fewer = sweep(data, replace(GRID, seeds=1), path, unwanted, silent)
    assert [record["options"]["seed"] for record in fewer.runs] == [0, 0]


def test_the_file_may_have_runs_of_other_data_and_options(data: Dataset, tmp_path: Path) -> None:
    path, other = tmp_path / "runs.jsonl", replace(data, name="other", x=-data.x)
    sweep(other, GRID, path, in_turn, silent)
    sweep(data, replace(GRID, base=Options(epochs=2)), path, in_turn, silent)
    swept = sweep(data, GRID, path, in_turn, silent)
    assert (len(swept.runs), swept.skipped) == (4, 0)
    assert {record["data_digest"] for record in swept.runs} == {data.digest}
    assert {record["options"]["epochs"] for record in swept.runs} == {1}
    assert len(lines(path)) == 12


def test_an_interrupted_sweep_continues_to_the_same_end(data: Dataset, tmp_path: Path) -> None:
    def interrupted(dataset: Dataset, options: Sequence[Options]) -> Iterator[Record]:
        yield from in_turn(dataset, options[:3])
        raise KeyboardInterrupt

    path = tmp_path / "runs.jsonl"
    with pytest.raises(KeyboardInterrupt):
        sweep(data, GRID, path, interrupted, silent)
    path.write_text(path.read_text()[:-30])
    swept = sweep(data, GRID, path, in_turn, silent)
    assert (swept.skipped, swept.dropped) == (2, True)
    assert swept.runs == [run(data, options) for options in GRID.options()]


def test_a_run_that_fails_does_not_stop_the_rest(data: Dataset, tmp_path: Path) -> None:
    path, grid = tmp_path / "runs.jsonl", replace(GRID, lists={**GRID.lists, "batch": (500, 1)})
    swept = sweep(data, grid, path, in_turn, silent)
    assert [("error" in r) for r in swept.runs] == [True, True, False, False] * 2
    assert [row.options["batch"] for row in rows(swept.runs)] == [1, 1]
    assert sweep(data, grid, path, unwanted, silent).runs == swept.runs


def test_the_page_lists_the_options_that_a_sweep_takes_as_lists() -> None:
    page = Path(__file__).parents[4] / "docs" / "LEARNING.md"
    text = " ".join(page.read_text(encoding="utf-8").split())
    _, _, rest = text.partition("`sweep` takes lists of")
    said = re.findall(r"`(--[a-z-]+)`", rest.partition(".")[0])
    assert said == [flag(name) for name in COLUMNS]
