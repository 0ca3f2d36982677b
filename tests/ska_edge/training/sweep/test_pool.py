"""Trainings run on the cores of this computer or on a Dask scheduler, with the same results."""

from __future__ import annotations

import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ska_edge.data.dataset import Dataset
from ska_edge.errors import InputError, ToolError
from ska_edge.training.options import Options
from ska_edge.training.sweep import pool
from ska_edge.training.sweep.experiment import Record
from ska_edge.training.sweep.pool import on_cores, on_dask
from ska_edge.training.train import train
from tests.signals import heeded
from tests.ska_edge.training.sweep.runs import GRID, in_turn

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


def test_a_worker_killed_by_the_system_is_reported(
    data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("joblib")

    def probe(dataset: Dataset, options: Options) -> Record:
        os.kill(os.getpid(), signal.SIGKILL)
        return {}

    probed(monkeypatch, probe)
    with pytest.raises(InputError, match="start the sweep again with a smaller --jobs"):
        list(on_cores(data, GRID.options(), 2))


def test_missing_packages_name_their_extra(data: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("joblib", "distributed"):
        monkeypatch.setitem(sys.modules, name, None)  # as if the package were not installed
    with pytest.raises(ToolError, match=r"joblib.*pip install '\.\[sweep\]'"):
        next(on_cores(data, GRID.options()))
    with pytest.raises(ToolError, match=r"distributed.*pip install '\.\[dask\]'"):
        next(on_dask(data, GRID.options(), "tcp://127.0.0.1:1"))


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


def test_dask_runs_the_trainings_in_other_processes_repeatedly(
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


def test_a_scheduler_without_workers_is_an_error(
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


def test_killed_dask_workers_and_a_lost_scheduler_are_reported(
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
        with pytest.raises(InputError, match=f"{address} went away; start again, and the"):
            list(work)


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:PORT", "foo://x", "no port", ""])
def test_an_address_without_a_scheduler_is_an_error(
    data: Dataset, closed_port: int, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(pool, "CONNECT_SECONDS", 0.5)
    address = address.replace("PORT", str(closed_port))
    with pytest.raises(InputError, match=f"no Dask scheduler answers at '{address}'"):
        next(on_dask(data, GRID.options(), address))
