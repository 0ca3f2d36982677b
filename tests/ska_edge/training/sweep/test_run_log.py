"""The file of a sweep's runs gets each record at once. A torn line is cut off, and other damage is
refused.
"""

from __future__ import annotations

import json
import resource
from dataclasses import replace
from pathlib import Path

import pytest

from ska_edge.data.dataset import Dataset
from ska_edge.errors import InputError
from ska_edge.frontend.front import Echo, Front
from ska_edge.training.sweep.experiment import key_options, run
from ska_edge.training.sweep.run_log import RunLog
from tests.ska_edge.training.sweep.runs import GRID, lines


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


def test_runs_with_and_without_a_learned_front_end_are_different(
    data: Dataset, tmp_path: Path
) -> None:
    options = next(iter(GRID.options()))
    several = [replace(data, front=Front("echo", 4, 4, 1, echo=Echo(units))) for units in (2, 4)]
    with RunLog(tmp_path / "runs.jsonl") as log:
        log.add(run(data, options))
        assert log.find(data, options) is not None
        assert all(log.find(each, options) is None for each in several)
    found = [key_options(each, options) for each in several]
    assert found[0] != found[1] and found[0]["frontend"]["echo"]["units"] == 2


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
def test_a_foreign_line_is_refused_and_kept(
    data: Dataset, tmp_path: Path, line: bytes, last: bool
) -> None:
    path = tmp_path / "runs.jsonl"
    good = json.dumps(run(data, GRID.options()[0])).encode()
    content = good + b"\n" + line + b"\n" + (b"" if last else good + b"\n")
    path.write_bytes(content)
    with pytest.raises(InputError, match="line 2 is not a run"):
        RunLog(path)
    assert path.read_bytes() == content


def test_a_short_file_of_something_else_is_not_taken_for_half_a_line(tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    path.write_text("my notes")
    with pytest.raises(InputError, match="line 1 is not a run"):
        RunLog(path)
    assert path.read_text() == "my notes"


def test_a_file_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read .*directory"):
        RunLog(tmp_path)


def test_a_full_disk_is_reported_and_costs_one_run(data: Dataset, tmp_path: Path) -> None:
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
