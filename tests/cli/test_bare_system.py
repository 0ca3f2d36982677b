"""Commands without a port work on a system without POSIX terminals, users and openable folders."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ska_edge.cli.main import main
from tests.cli import bare_system
from tests.ska_edge.model.foreign.graphs import FILES

ROOT = Path(__file__).parents[2]
HELP = [["--help"], *([name, "--help"] for name in main.commands)]
WORK = [
    ["train", "iris", "-o", "m.ska", "--hidden", "4", "--epochs", "1"],
    ["train", "iris", "--from", "m.ska", "-o", "n.ska", "--epochs", "1", "--log", "steps.jsonl"],
    ["eval", "m.ska", "iris"],
    ["inspect", "m.ska"],
    ["export", "m.ska", "-o", "m.onnx"],
    ["firmware", "m.ska", "--board", "host", "-o", "project"],
    ["firmware", "m.ska", "--board", "host", "-o", "project"],
    ["export", "m.ska", "-o", "f.onnx", "--float-input"],
    ["firmware", "m.ska", "--as", "arduino", "-o", "library"],
    ["check-onnx", str(FILES / "iris_tanh.onnx"), "iris", "-o", "other.ska"],
    ["firmware", str(FILES / "iris_tanh.onnx"), "--data", "iris", "-o", "other"],
    ["data", "iris", "-o", "iris.npz"],
    ["boards"],
    ["flash", "project", "--stop"],
]
PORT = [
    ["ports"],
    ["monitor", "m.ska", "iris", "--port", "/dev/null"],
    ["verify", "m.ska", "iris", "--port", "/dev/null"],
    ["pull", "m.ska", "-o", "new.ska"],
    ["push", "m.ska", "--port", "/dev/null"],
    ["save", "--port", "/dev/null"],
]
BOARD = [["bench", "--board", "qemu-m4"]]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str, str]]:
    lines = [*HELP, *WORK, *PORT, *BOARD]
    done = subprocess.run(
        [sys.executable, "-W", "error", bare_system.__file__, json.dumps(lines)],
        cwd=tmp_path_factory.mktemp("bare"),
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    found = json.loads(done.stdout)
    return {" ".join(line): tuple(each) for line, each in zip(lines, found, strict=True)}


@pytest.mark.parametrize("line", [*HELP, *WORK], ids=" ".join)
def test_a_command_that_needs_no_port_works(line: list[str], outcomes) -> None:
    code, out, err = outcomes[" ".join(line)]
    assert code == 0, err
    assert out or "--stop" in line


@pytest.mark.parametrize("lines", [PORT, BOARD])
def test_a_command_that_needs_a_port_is_refused(lines: list[list[str]], outcomes) -> None:
    for line in lines:
        code, _, err = outcomes[" ".join(line)]
        assert code == 2, err
        assert len(err.splitlines()) == 1
        assert "serial ports need POSIX terminals, and this system has none" in err
