"""A training's log keeps its old lines until the first new one; a write error ends only the log."""

from __future__ import annotations

import json
import os
import resource
from pathlib import Path

import pytest

from ska_edge.errors import InputError
from ska_edge.training.step_log import StepLog

OLD = "an old line that is longer than a new one will ever be\n" * 50


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "steps.jsonl"
    file.write_text(OLD)
    return file


def test_old_lines_stay_until_the_first_new_one(path: Path) -> None:
    log = StepLog(path)
    assert path.read_text() == OLD
    for step in (1, 2):
        log.write(step, [{"entropy": 0.5}])
    log.close()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines == [{"step": step, "layers": [{"entropy": 0.5}]} for step in (1, 2)]
    assert log.fault is None


def test_a_training_without_steps_leaves_an_empty_log(path: Path) -> None:
    StepLog(path).close()
    assert path.read_text() == ""


def test_a_first_line_that_cannot_be_written_leaves_the_old_ones(path: Path) -> None:
    log = StepLog(path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))  # no file accepts a byte
    try:
        for step in (1, 2):
            log.write(step, [])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    log.close()
    assert str(log.fault) == f"cannot write {path}: File too large"
    assert path.read_text() == OLD


@pytest.mark.parametrize("steps", [0, 1, 100_000])
def test_a_full_disk_is_a_fault_and_not_an_error(steps: int) -> None:
    log = StepLog(Path("/dev/full"))
    for step in range(steps):
        log.write(step, [])
    log.close()
    assert (log.fault is None) == (steps == 0)
    if log.fault:
        assert str(log.fault) == "cannot write /dev/full: No space left on device"


def test_a_pipe_takes_a_log_too(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    log = StepLog(pipe)
    log.write(1, [])
    log.close()
    assert os.read(reader, 1000) == b'{"step": 1, "layers": []}\n'
    os.close(reader)
    assert log.fault is None


def test_a_folder_that_is_not_there_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot write .*No such file"):
        StepLog(tmp_path / "none" / "steps.jsonl")
