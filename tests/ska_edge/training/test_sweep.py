"""Sweeps: combining options, keeping runs, workers and schedulers, the table and the plot."""

from __future__ import annotations

import itertools
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ska_edge.data.dataset import Dataset
from ska_edge.errors import InputError, ToolError
from ska_edge.progress import silent
from ska_edge.training.options import Options
from ska_edge.training.sweep import experiment, pool
from ska_edge.training.sweep import table as sweep_table
from ska_edge.training.sweep.experiment import Record, run
from ska_edge.training.sweep.pool import on_cores, on_dask
from ska_edge.training.sweep.run_log import RunLog
from ska_edge.training.sweep.sweep import Grid, sweep
from ska_edge.training.sweep.table import Row, Spread, draw, plot, rows
from ska_edge.training.train import train
from tests.signals import heeded

GRID = Grid(
    {"rule": ("local", "feedback"), "hidden": ((3,),), "rate": (0.25,)}, Options(epochs=1), seeds=2
)


@pytest.fixture(scope="module")
def data() -> Dataset:
    """Return three classes of 20 rows each, with 4 features."""
    rng = np.random.default_rng(5)
    y = np.arange(60) % 3
    x = rng.normal(size=(60, 4)) + 2.0 * np.eye(3, 4)[y]
    return Dataset("three", x, y, ("a", "b", "c"))


def in_turn(dataset: Dataset, options: Sequence[Options]) -> Iterator[Record]:
    """Train in this process."""
    return (run(dataset, each) for each in options)


def unwanted(dataset: Dataset, options: Sequence[Options]) -> Iterator[Record]:
    raise AssertionError("there was nothing to do")


def lines(path: Path) -> list[Record]:
    return [json.loads(line) for line in path.read_text().splitlines()]


# --- what is combined -----------------------------------------------------------------------------


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
def test_a_rate_that_is_none_is_refused(rate: float) -> None:
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


def test_a_run_that_fails_is_its_sentence(data: Dataset) -> None:
    record = run(data, replace(GRID.options()[0], batch=500))
    assert "a batch of 500 is larger" in record["error"]
    assert "accuracy" not in record


# --- what is kept ---------------------------------------------------------------------------------


def test_a_record_is_in_the_file_at_once_and_found_again(data: Dataset, tmp_path: Path) -> None:
    path, (first, other, *_) = tmp_path / "runs.jsonl", GRID.options()
    with RunLog(path) as log:
        assert log.find(data, first) is None
        log.add(run(data, first))
        assert lines(path) == [log.find(data, first)]  # the file is still open
    with RunLog(path) as log:
        assert log.find(data, first) == run(data, first)
        assert log.find(data, other) is None
        assert log.find(replace(data, x=data.x + 1), first) is None
        assert not log.dropped


@pytest.mark.parametrize("kept", [1, 5, 20, 100, -1])
def test_a_half_written_last_line_is_cut_off(data: Dataset, tmp_path: Path, kept: int) -> None:
    path, (first, second, *_) = tmp_path / "runs.jsonl", GRID.options()
    whole, cut = (json.dumps(run(data, options)) for options in (first, second))
    path.write_text(f"{whole}\n{cut[:kept]}")
    with RunLog(path) as log:
        assert log.dropped
        assert path.read_text() == f"{whole}\n{cut[:kept]}"  # the next write removes it
        assert log.find(data, second) is None
        log.add(run(data, second))
    assert path.read_text() == f"{whole}\n{cut}\n"


def test_a_last_line_that_lacks_only_its_end_is_kept(data: Dataset, tmp_path: Path) -> None:
    path, (first, second, *_) = tmp_path / "runs.jsonl", GRID.options()
    path.write_text(json.dumps(run(data, first)))
    with RunLog(path) as log:
        assert not log.dropped
        log.add(run(data, second))
    assert lines(path) == [run(data, first), run(data, second)]


@pytest.mark.parametrize(
    "line",
    [
        b"hello",
        b"[1]",
        b"7",
        b"\xff\x00",
        b'{"a": 1}',
        b'{"data_digest": 1, "options": {}, "error": "x"}',
        b'{"data_digest": "0", "options": [], "error": "x"}',
        b'{"data_digest": "0", "options": {}}',
        b'{"data_digest": "0", "options": {}, "accuracy": {"fixed": {"test": 1.0}}}',
        b'{"data_digest": "0", "options": {}, "accuracy": {"fixed": 1, "float": 1}}',
        b"[" * 100_000,
    ],
)
@pytest.mark.parametrize("last", [False, True])
def test_a_line_of_something_else_is_refused_and_stays(
    data: Dataset, tmp_path: Path, line: bytes, last: bool
) -> None:
    path = tmp_path / "runs.jsonl"
    good = json.dumps(run(data, GRID.options()[0])).encode()
    content = good + b"\n" + line + b"\n" + (b"" if last else good + b"\n")
    path.write_bytes(content)
    with pytest.raises(InputError, match="line 2 is no run"):
        RunLog(path)
    assert path.read_bytes() == content


def test_a_short_file_of_something_else_is_not_taken_for_half_a_line(tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    path.write_text("my notes")
    with pytest.raises(InputError, match="line 1 is no run"):
        RunLog(path)
    assert path.read_text() == "my notes"


def test_a_file_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read .*directory"):
        RunLog(tmp_path)


def test_a_full_disk_is_said_and_costs_one_run(data: Dataset, tmp_path: Path) -> None:
    path, (first, second, *_) = tmp_path / "runs.jsonl", GRID.options()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with RunLog(path) as log:
        log.add(run(data, first))
        size = path.stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 50, before[1]))
        try:
            with pytest.raises(InputError, match=r"cannot write .*too large"):
                log.add(run(data, second))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.stat().st_size == size
    with RunLog(path) as log:
        assert not log.dropped
        assert log.find(data, first) is not None and log.find(data, second) is None


# --- the sweep ------------------------------------------------------------------------------------


def test_runs_stand_in_the_order_of_the_grid(data: Dataset, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []

    def backwards(dataset: Dataset, options: Sequence[Options]) -> Iterator[Record]:
        return in_turn(dataset, options[::-1])

    path = tmp_path / "runs.jsonl"
    swept = sweep(data, GRID, path, backwards, lambda *at: seen.append(at))
    assert swept.runs == [run(data, options) for options in GRID.options()] == lines(path)[::-1]
    assert (swept.skipped, swept.dropped) == (0, False)
    assert seen == [(done, 4) for done in range(5)]


def test_what_is_there_is_skipped(data: Dataset, tmp_path: Path) -> None:
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


def test_other_data_and_other_options_may_stand_in_the_file(data: Dataset, tmp_path: Path) -> None:
    path, other = tmp_path / "runs.jsonl", replace(data, name="other", x=-data.x)
    sweep(other, GRID, path, in_turn, silent)
    sweep(data, replace(GRID, base=Options(epochs=2)), path, in_turn, silent)
    swept = sweep(data, GRID, path, in_turn, silent)
    assert (len(swept.runs), swept.skipped) == (4, 0)
    assert {record["data_digest"] for record in swept.runs} == {data.digest}
    assert {record["options"]["epochs"] for record in swept.runs} == {1}
    assert len(lines(path)) == 12


def test_an_interrupted_sweep_goes_on_to_the_same_end(data: Dataset, tmp_path: Path) -> None:
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


# --- on the cores ---------------------------------------------------------------------------------


def ordered(records: Iterator[Record]) -> list[Record]:
    return sorted(records, key=lambda record: json.dumps(record["options"]))


def probed(monkeypatch: pytest.MonkeyPatch, probe: Any) -> None:
    """Make workers call a function instead of training; a local function is pickled by value."""
    monkeypatch.setattr(pool, "run", probe)


@pytest.mark.parametrize("jobs", [1, 2, None])
def test_results_do_not_depend_on_the_jobs(data: Dataset, jobs: int | None) -> None:
    pytest.importorskip("joblib")
    expected = ordered(in_turn(data, GRID.options()))
    assert ordered(on_cores(data, GRID.options(), jobs)) == expected


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_worker_has_one_blas_thread_and_leaves_ctrl_c_to_its_parent(
    data: Dataset, monkeypatch: pytest.MonkeyPatch, jobs: int
) -> None:
    pytest.importorskip("joblib")

    def probe(dataset: Dataset, options: Options) -> Record:
        threads = [os.environ[f"{name}_NUM_THREADS"] for name in ("OMP", "OPENBLAS", "MKL")]
        deaf = signal.getsignal(signal.SIGINT) == signal.SIG_IGN
        return {"threads": threads, "deaf": deaf, "process": os.getpid()}

    probed(monkeypatch, probe)
    with heeded():
        found = list(on_cores(data, GRID.options(), jobs))
        assert signal.getsignal(signal.SIGINT) == signal.default_int_handler
    assert len(found) == 4
    assert all(record["threads"] == ["1", "1", "1"] and record["deaf"] for record in found)
    assert os.getpid() not in {record["process"] for record in found}


def test_one_job_is_one_training_at_a_time(data: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("joblib")

    def probe(dataset: Dataset, options: Options) -> Record:
        begin = time.monotonic()
        train(dataset, options)
        return {"begin": begin, "end": time.monotonic()}

    probed(monkeypatch, probe)
    found = sorted(on_cores(data, replace(GRID, seeds=4).options(), 1), key=lambda r: r["begin"])
    assert len(found) == 8
    assert all(a["end"] <= b["begin"] for a, b in itertools.pairwise(found))


def test_a_defect_in_a_worker_is_not_hidden(data: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("joblib")

    def probe(dataset: Dataset, options: Options) -> Record:
        raise ZeroDivisionError("a defect")

    probed(monkeypatch, probe)
    with pytest.raises(ZeroDivisionError, match="a defect"):
        list(on_cores(data, GRID.options(), 2))


def test_a_worker_that_the_system_ends_is_said(
    data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("joblib")

    def probe(dataset: Dataset, options: Options) -> Record:
        os.kill(os.getpid(), signal.SIGKILL)
        return {}

    probed(monkeypatch, probe)
    with pytest.raises(InputError, match="start again with fewer --jobs"):
        list(on_cores(data, GRID.options(), 2))


def test_missing_packages_name_their_extra(data: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("joblib", "distributed", "matplotlib.figure"):
        monkeypatch.setitem(sys.modules, name, None)  # as if it were not installed
    with pytest.raises(ToolError, match=r"joblib.*pip install 'ska-edge\[sweep\]'"):
        next(on_cores(data, GRID.options()))
    with pytest.raises(ToolError, match=r"distributed.*pip install 'ska-edge\[dask\]'"):
        next(on_dask(data, GRID.options(), "tcp://127.0.0.1:1"))
    with pytest.raises(ToolError, match=r"matplotlib.*pip install 'ska-edge\[sweep\]'"):
        plot([row()], Path("x.png"), "title")


# --- on a Dask scheduler --------------------------------------------------------------------------

# The schedulers and their workers are separate processes, as in real use.
SCHEDULERS = """
import sys

from distributed import LocalCluster

if __name__ == "__main__":
    options = {"threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": None}
    with LocalCluster(n_workers=2, **options) as two, LocalCluster(n_workers=0, **options) as none:
        print(two.scheduler_address, none.scheduler_address, flush=True)
        sys.stdin.read()
"""


@contextmanager
def started(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """Start a process; return it and the addresses of schedulers with two workers and with none."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(pool.__file__).parents[3]),
        "DASK_TEMPORARY_DIRECTORY": str(folder),
        "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0",  # no retry after a worker's death
    }
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(
            [sys.executable, "-c", SCHEDULERS],
            env=environment,
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        ) as process,
    ):
        assert process.stdin and process.stdout
        two, none = process.stdout.readline().split()
        yield process, two, none
        process.stdin.close()  # the process ends when its input closes


@pytest.fixture(scope="module")
def schedulers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Return the addresses of a scheduler with two workers, and of one without."""
    pytest.importorskip("distributed")
    with started(tmp_path_factory.mktemp("dask")) as (_, two, none):
        yield two, none


def test_a_dask_scheduler_has_the_same_results_as_joblib(
    data: Dataset, schedulers: tuple[str, str]
) -> None:
    pytest.importorskip("joblib")
    options = replace(GRID, lists={**GRID.lists, "batch": (1, 500)}).options()
    found = ordered(on_dask(data, options, schedulers[0]))
    assert len(found) == 8
    assert found == ordered(on_cores(data, options))


def test_dask_has_the_work_done_elsewhere_and_more_than_once(
    data: Dataset, schedulers: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def probe(dataset: Dataset, options: Options) -> Record:
        return {"process": os.getpid(), "threads": os.environ["OMP_NUM_THREADS"]}

    probed(monkeypatch, probe)
    for _ in range(2):
        found = list(on_dask(data, GRID.options(), schedulers[0]))
        assert len(found) == 4
        assert os.getpid() not in {record["process"] for record in found}
        assert {record["threads"] for record in found} == {"1"}


def test_a_defect_in_a_dask_worker_is_not_hidden(
    data: Dataset, schedulers: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def probe(dataset: Dataset, options: Options) -> Record:
        raise ZeroDivisionError("a defect")

    probed(monkeypatch, probe)
    with pytest.raises(ZeroDivisionError, match="a defect"):
        list(on_dask(data, GRID.options(), schedulers[0]))


def test_a_scheduler_without_workers_is_said(
    data: Dataset, schedulers: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "CONNECT_SECONDS", 0.5)
    with pytest.raises(InputError, match=f"{schedulers[1]} has no workers; start some"):
        next(on_dask(data, GRID.options(), schedulers[1]))


def test_workers_with_another_ska_edge_or_none_are_refused(
    data: Dataset, schedulers: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "version", lambda: "0.0.1")
    with pytest.raises(ToolError, match=r"tcp://.* has ska-edge .*; install 0\.0\.1 there"):
        next(on_dask(data, GRID.options(), schedulers[0]))
    monkeypatch.setattr(pool, "PACKAGE", "not-installed-anywhere")
    with pytest.raises(ToolError, match=r"has no ska-edge; install 0\.0\.1 there"):
        next(on_dask(data, GRID.options(), schedulers[0]))


def test_dask_workers_that_the_system_ends_and_a_scheduler_that_goes_away_are_said(
    data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("distributed")

    def probe(dataset: Dataset, options: Options) -> Record:
        os.kill(os.getpid(), signal.SIGKILL)
        return {}

    with started(tmp_path) as (process, address, _):
        work = on_dask(data, GRID.options() * 10, address)
        assert "accuracy" in next(work)
        with monkeypatch.context() as patch:
            probed(patch, probe)
            with pytest.raises(InputError, match=f"workers of .* {address} die during training"):
                list(on_dask(data, GRID.options()[:1], address))
        os.killpg(process.pid, signal.SIGKILL)
        with pytest.raises(InputError, match=f"{address} went away; start again to go on"):
            list(work)


@pytest.fixture
def closed_port() -> int:
    """Return a port without a listener."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:PORT", "foo://x", "no port", ""])
def test_an_address_without_a_scheduler_is_said(
    data: Dataset, closed_port: int, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(pool, "CONNECT_SECONDS", 0.5)
    address = address.replace("PORT", str(closed_port))
    with pytest.raises(InputError, match=f"no Dask scheduler answers at '{address}'"):
        next(on_dask(data, GRID.options(), address))


# --- the table and the plot -----------------------------------------------------------------------


def record(fixed: float, real: float, **options: Any) -> Record:
    """Return the record of a run with these accuracies."""
    defaults = {name: value for name, value in run_options().items() if name not in options}
    return {
        "options": {**defaults, **options},
        "accuracy": {"fixed": {"test": fixed}, "float": {"test": real}},
    }


def run_options() -> dict[str, Any]:
    values = ("local", [64], 0.125, "w16a8", 1, 0, 20, 0)
    return dict(zip(experiment.KEY, values, strict=True))


def row(fixed: float = 0.9, std: float | None = 0.01, **options: Any) -> Row:
    shown = {name: run_options()[name] for name in experiment.COLUMNS}
    spread = Spread(fixed, std)
    return Row({**shown, **options}, 5, {"fixed": spread, "float": spread}, 0.01)


def test_a_row_sums_up_the_seeds_of_a_combination() -> None:
    found = rows(
        [
            record(0.8, 0.9, seed=0),
            record(0.9, 0.7, seed=1),
            record(0.9, 0.9, rate=0.5, seed=0),
            {"options": {**run_options(), "seed": 2}, "error": "a sentence"},
        ]
    )
    assert [(each.options["rate"], each.seeds) for each in found] == [(0.5, 1), (0.125, 2)]
    one, two = found
    assert two.tests["fixed"].mean == pytest.approx(0.85)
    assert two.tests["fixed"].std == pytest.approx(0.05 * 2**0.5)  # n - 1
    assert two.tests["float"].mean == pytest.approx(0.8)
    assert two.gap == pytest.approx(0.2)  # the gap of one seed; the means are only 0.05 apart
    assert (one.tests["fixed"].std, one.gap) == (None, 0.0)
    document = one.as_dict()
    assert list(document) == [*experiment.COLUMNS, "seeds", "fixed", "float", "gap"]
    assert (document["hidden"], document["rate"], document["seeds"]) == ([64], 0.5, 1)
    assert document["fixed"] == document["float"] == {"mean": 0.9, "std": None}


def test_the_best_in_fixed_point_comes_first_and_equals_keep_their_order() -> None:
    runs = [
        record(0.7, 0.99, batch=1),
        record(0.9, 0.1, batch=2),
        record(0.8, 0.5, batch=3),
        record(0.9, 0.6, batch=4),
    ]
    assert [each.options["batch"] for each in rows(runs)] == [2, 4, 3, 1]
    assert rows([]) == []


@pytest.mark.parametrize("widths", [[64], [64] * 12])
@pytest.mark.parametrize("count", [1, 2, 30, 140])
def test_labels_of_a_plot_are_apart_and_inside(count: int, widths: list[int]) -> None:
    pytest.importorskip("matplotlib")
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    drawn = [
        row(0.9 - number / 200, rate=2.0**-number, hidden=widths[: 1 + number % 12])
        for number in range(count)
    ]
    figure = draw(drawn, "digits: 20 epochs")
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer, (axes,) = canvas.get_renderer(), figure.axes
    labels = axes.get_yticklabels()
    assert len(labels) == min(count, sweep_table.PLOTTED_ROWS)
    # The last label is first, since the axis goes up. A single row has no label, since the title
    # says all.
    boxes = [label.get_window_extent(renderer) for label in labels if label.get_text()][::-1]
    assert len(boxes) == (0 if count == 1 else len(labels))
    assert all(below.y1 < above.y0 for below, above in itertools.pairwise(boxes))
    texts = [figure.get_suptitle(), *(label.get_text() for label in labels)]
    assert "digits: 20 epochs" in texts[0]
    assert ("the best 100 of 140" in texts[0]) == (count == 140)
    frame = axes.get_window_extent(renderer)
    (legend,) = figure.legends
    assert legend.get_window_extent(renderer).y1 < axes.xaxis.label.get_window_extent(renderer).y0
    assert all(box.x0 >= 0 and box.x1 < frame.x0 for box in boxes)
    assert frame.width > 200  # pixels for the points
    if count > 1:
        assert "local" in texts[0] and "local" not in texts[1]  # the rule is named once for all
        assert "rate" in texts[1] and "rate" not in texts[0]


def test_a_plot_is_a_png_whatever_the_data_are_called(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / "sweep.png"
    plot([row(), row(0.8, None, rate=0.5)], path, r"$\no_formula{$: 1 epochs")
    assert path.read_bytes().startswith(b"\x89PNG")
    with pytest.raises(InputError, match="cannot write"):
        plot([row()], tmp_path / "none" / "sweep.png", "title")
