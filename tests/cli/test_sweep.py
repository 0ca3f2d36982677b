"""`ska-edge sweep` trains combinations of options, and continues a sweep that was interrupted."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ska_edge.cli.commands import sweep as command
from ska_edge.data.dataset import Dataset
from ska_edge.training.options import Options
from ska_edge.training.sweep import experiment, pool
from ska_edge.training.sweep.experiment import COLUMNS, Record, key_options, run
from ska_edge.training.sweep.run_log import RunLog
from tests.signals import heeded

SMALL = ("--hidden", "3", "--epochs", "1", "--seeds", "2")


@pytest.fixture(autouse=True)
def packages() -> None:
    pytest.importorskip("joblib")
    pytest.importorskip("matplotlib")


@pytest.fixture
def data() -> str:
    rng = np.random.default_rng(5)
    with open("three.csv", "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["a", "b", "c", "d", "kind"])
        for number in range(60):
            x = rng.normal(size=4) + 2.0 * np.eye(3, 4)[number % 3]
            rows.writerow([*x, f"kind {number % 3}"])
    return "three.csv"


def in_turn(dataset: Dataset, options: Sequence[Options], **_: Any) -> Iterator[Record]:
    """Train in this process, for tests that are not about workers."""
    return (run(dataset, each) for each in options)


def kept(folder: str) -> list[Record]:
    return [json.loads(line) for line in (Path(folder) / "runs.jsonl").read_text().splitlines()]


def test_a_sweep_and_its_document(ska_edge, data: str) -> None:
    lists = ("--rule", "local,feedback", "--hidden", "3", "--hidden", "4,3", "--hidden", "")
    others = ("--rate", "0.125, 0.5", "--seeds", "2", "--epochs", "2")
    outcome = ska_edge("sweep", data, "-o", "s", *lists, *others, "--json")
    document = outcome.document()
    assert (outcome.code, outcome.out[0]) == (0, "{")
    assert set(document) == {"runs", "table", "output", "plot", "skipped"}
    assert (document["output"], document["plot"], document["skipped"]) == ("s", "s/sweep.png", 0)
    runs, table = document["runs"], document["table"]
    assert len(runs) == 2 * len(table) == 2 * 2 * 3 * 2
    assert sorted(map(json.dumps, runs)) == sorted(map(json.dumps, kept("s")))
    widths = [tuple(row["hidden"]) for row in table]
    assert {width: widths.count(width) for width in widths} == {(3,): 4, (4, 3): 4, (): 4}
    assert {row["rate"] for row in table} == {0.125, 0.5}
    assert all(set(row) == {*COLUMNS, "seeds", "fixed", "float", "gap"} for row in table)
    means = [row["fixed"]["mean"] for row in table]
    assert means == sorted(means, reverse=True) and 0.5 < means[0] <= 1
    assert Path("s/sweep.png").read_bytes().startswith(b"\x89PNG")


def test_a_run_is_that_of_train(ska_edge, data: str) -> None:
    runs = ska_edge("sweep", data, "-o", "s", *SMALL, "--batch", "4", "--json").document()["runs"]
    options = ("--hidden", "3", "--epochs", "1", "--seed", "1", "--batch", "4")
    trained = ska_edge("train", data, "-o", "m.ska", *options, "--json").document()
    (same,) = (record for record in runs if record["options"]["seed"] == 1)
    for name in ("accuracy", "parameters", "digest"):
        assert same[name] == trained[name]


def test_the_number_of_jobs_does_not_change_the_results(ska_edge, data: str) -> None:
    one, two = (
        ska_edge("sweep", data, "-o", f"s{jobs}", *SMALL, "--jobs", jobs, "--json").document()
        for jobs in (1, 2)
    )
    assert (one["runs"], one["table"]) == (two["runs"], two["table"])


def test_the_table_says_once_what_all_rows_share(
    ska_edge, data: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "on_cores", in_turn)
    outcome = ska_edge("sweep", data, "-o", "s", *SMALL, "--rule", "local,code", "--decay", "0")
    assert outcome.code == 0
    assert outcome.err == "three.csv: 4 inputs (a, b, c, d); labels from kind\n"
    title, _, heads, *_ = outcome.out.splitlines()
    shared = "hidden 3, activation sigmoid, rate 0.125, margin 0, w16a8, batch 1, decay 0"
    assert title.strip() == f"three: 1 epoch; {shared}"
    names = [name.strip() for name in heads.strip("┃").split("┃")]
    assert names == ["rule", "seeds", "float test, %", "fixed test, %", "largest gap"]
    assert outcome.out.splitlines()[-1] == "runs: 4, from before: 0; wrote s/sweep.png"
    rows = [line.split("│")[1:-1] for line in outcome.out.splitlines() if "│" in line]
    assert sorted(row[0].strip() for row in rows) == ["code", "local"]
    document = ska_edge("sweep", data, "-o", "s", *SMALL, "--rule", "local,code", "--json")
    for row, cells in zip(document.document()["table"], rows, strict=True):
        for kind, cell in (("float", cells[2]), ("fixed", cells[3])):
            spread = row[kind]
            assert cell.strip() == f"{100 * spread['mean']:.2f} ± {100 * spread['std']:.2f}"
        assert cells[4].strip() == f"{100 * row['gap']:.2f}"


def test_a_table_with_every_column_is_not_cut_in_a_file(
    ska_edge, data: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def alike(dataset: Dataset, options: Sequence[Options], **_: Any) -> Iterator[Record]:
        one = run(dataset, options[0])
        for each in options:
            yield {**one, "options": key_options(dataset, each)}

    monkeypatch.setattr(command, "on_cores", alike)
    lists = ("--rule", "local,feedback", "--hidden", "3", "--hidden", "4", "--rate", "0.25,0.5")
    more = ("--precision", "w16a8,w32a16", "--batch", "1,4", "--decay", "0,1", "--margin", "0,0.25")
    more = (*more, "--activation", "sigmoid,relu")
    outcome = ska_edge("sweep", data, "-o", "s", *lists, *more, "--seeds", "1", "--epochs", "2")
    assert outcome.code == 0 and "…" not in outcome.out
    heads = [name.strip() for name in outcome.out.splitlines()[2].strip("┃").split("┃")]
    assert heads[: len(COLUMNS)] == list(COLUMNS)
    assert len([line for line in outcome.out.splitlines() if "│" in line]) == 2**8


# --- resuming -------------------------------------------------------------------------------------


def test_a_repeated_sweep_trains_nothing_twice(
    ska_edge, data: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "on_cores", in_turn)
    first = ska_edge("sweep", data, "-o", "s", *SMALL, "--json").document()

    def unwanted(*_: Any, **__: Any) -> Iterator[Record]:
        raise AssertionError("there was nothing to do")

    monkeypatch.setattr(command, "on_cores", unwanted)
    again = ska_edge("sweep", data, "-o", "s", *SMALL, "--json")
    assert again.code == 0
    assert again.document() == {**first, "skipped": 2}


def test_half_a_last_line_is_repeated_with_a_note(
    ska_edge, data: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "on_cores", in_turn)
    first = ska_edge("sweep", data, "-o", "s", *SMALL, "--json").document()
    path = Path("s/runs.jsonl")
    path.write_text(path.read_text()[:-40])
    outcome = ska_edge("sweep", data, "-o", "s", *SMALL, "--json")
    assert outcome.document() == {**first, "skipped": 1}
    assert "warning: the last line of s/runs.jsonl was half-written" in outcome.err


def test_ctrl_c_keeps_what_is_done(ska_edge, data: str, monkeypatch: pytest.MonkeyPatch) -> None:
    add = RunLog.add

    def interrupted(log: RunLog, record: Record) -> None:
        add(log, record)
        os.kill(os.getpid(), signal.SIGINT)

    many = ("--hidden", "3", "--epochs", "1", "--seeds", "12")
    with heeded(), monkeypatch.context() as patch:
        patch.setattr(RunLog, "add", interrupted)
        outcome = ska_edge("sweep", data, "-o", "s", *many)
    assert outcome.code == 130
    assert outcome.err.split() == ["ska-edge:", "stopped"]
    done = kept("s")
    assert len(done) == 1
    document = ska_edge("sweep", data, "-o", "s", *many, "--json").document()
    assert (document["skipped"], len(document["runs"])) == (1, 12)
    assert done[0] in document["runs"]


def test_runs_of_another_version_are_pointed_out(
    ska_edge, data: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "on_cores", in_turn)
    with monkeypatch.context() as patch:
        patch.setattr(experiment, "version", lambda: "0.0.1")
        ska_edge("sweep", data, "-o", "s", *SMALL[:-1], "1")
    outcome = ska_edge("sweep", data, "-o", "s", *SMALL)
    assert "warning: the runs were made by different versions of ska-edge: 0.0.1, " in outcome.err


# --- runs that fail -------------------------------------------------------------------------------


def test_a_run_that_fails_leaves_the_others(ska_edge, data: str) -> None:
    outcome = ska_edge("sweep", data, "-o", "s", *SMALL, "--batch", "1,500", "--json")
    document = outcome.document()
    assert outcome.code == 0
    assert [row["batch"] for row in document["table"]] == [1]
    assert ["error" in record for record in document["runs"]] == [False, False, True, True]
    assert "warning: 2 of 4 runs failed: a batch of 500 is larger" in outcome.err
    assert outcome.err.count("a batch of 500") == 1


def test_if_all_runs_fail_the_exit_code_is_1(ska_edge, data: str) -> None:
    outcome = ska_edge("sweep", data, "-o", "s", *SMALL, "--decay", "1,2", "--json")
    assert outcome.code == 1
    document = outcome.document()
    assert (document["table"], document["plot"], len(document["runs"])) == ([], None, 4)
    assert outcome.err.splitlines()[-1].startswith("ska-edge: none of the 4 runs worked")
    assert not Path("s/sweep.png").exists()


# --- bad options, missing packages ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--rule", "local,none"), "'none' is not one of"),
        (("--rule", "published"), "'published' is not one of"),
        (("--rule", ""), "'' is not one of"),
        (("--precision", "w16a8,,w32a16"), "'' is not one of"),
        (("--hidden", "64,x"), "'x' is not a valid integer"),
        (("--hidden", "64,0"), "0 is not in the range"),
        (("--rate", "0.1;0.2"), "'0.1;0.2' is not a valid float"),
        (("--batch", "0"), "0 is not in the range"),
        (("--decay", "-1"), "-1 is not in the range"),
        (("--seeds", "0"), "0 is not in the range"),
        (("--jobs", "0"), "0 is not in the range"),
    ],
)
def test_a_bad_list_is_refused(
    ska_edge, data: str, arguments: tuple[str, ...], complaint: str
) -> None:
    outcome = ska_edge("sweep", data, "-o", "s", *arguments)
    assert complaint in outcome.usage() and arguments[0] in outcome.usage()
    assert not Path("s").exists()


def test_bad_arguments_are_refused(ska_edge, data: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("file").write_text("x")
    Path("taken").mkdir()
    Path("taken/runs.jsonl").write_text("my notes\n")
    assert "name a folder" in ska_edge("sweep", data, "-o", "file").refusal(2)
    assert "no folder none" in ska_edge("sweep", data, "-o", "none/s").refusal(2)
    assert "line 1 is not a run" in ska_edge("sweep", data, "-o", "taken").refusal(2)
    assert "finite number" in ska_edge("sweep", data, "-o", "s", "--rate", "1,nan").refusal(2)
    both = ska_edge("sweep", data, "-o", "s", "--jobs", "1", "--dask", "tcp://x:1")
    assert "--jobs or --dask, not both" in both.refusal(2)
    assert "neither a file nor" in ska_edge("sweep", "nothing", "-o", "s").refusal(2)


@pytest.mark.parametrize("address", ["", "nowhere", "foo://x"])
def test_a_dask_address_without_a_scheduler_is_an_error(ska_edge, data: str, address: str) -> None:
    pytest.importorskip("distributed")
    outcome = ska_edge("sweep", data, "-o", "s", *SMALL, "--dask", address)
    assert f"no Dask scheduler answers at {address!r}" in outcome.refusal(2)


@pytest.mark.parametrize(
    ("package", "extra", "arguments"),
    [
        ("joblib", "sweep", ()),
        ("matplotlib.figure", "sweep", ()),
        ("distributed", "dask", ("--dask", "tcp://127.0.0.1:1")),
    ],
)
def test_a_missing_package_is_reported_before_any_training(
    ska_edge,
    data: str,
    monkeypatch: pytest.MonkeyPatch,
    package: str,
    extra: str,
    arguments: tuple[str, ...],
) -> None:
    monkeypatch.setitem(sys.modules, package, None)  # as if the package were not installed
    refusal = ska_edge("sweep", data, "-o", "s", *SMALL, *arguments).refusal(2)
    assert package in refusal and f"pip install '.[{extra}]' in the clone" in refusal
    assert not Path("s/runs.jsonl").exists() or kept("s") == []


def test_other_commands_do_not_import_what_only_a_sweep_needs() -> None:
    source = (
        "import sys, ska_edge.cli.main\n"
        "print([m for m in ('joblib', 'matplotlib', 'distributed', 'dask') if m in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(pool.__file__).parents[3])}
    outcome = subprocess.run(
        [sys.executable, "-c", source], env=environment, capture_output=True, text=True, check=True
    )
    assert outcome.stdout == "[]\n"
