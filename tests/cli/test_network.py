"""No command contacts another computer; the test records every attempt and makes it fail."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from firmware_gen.board.board import Board
from firmware_gen.emulators.flash import stop

ROOT = Path(__file__).parents[2]
# Python runs this before anything else, also in the processes that a command starts.
GUARD = """\
import os, sys

def here(address):
    return not isinstance(address, tuple) or str(address[0]).startswith("127.")

def guard(event, arguments):
    reached = {
        "socket.connect": lambda: arguments[1],
        "socket.bind": lambda: arguments[1],
        "socket.sendto": lambda: arguments[1],
        "socket.sendmsg": lambda: arguments[1],
        "socket.getaddrinfo": lambda: (arguments[0],),
        "socket.gethostbyname": lambda: (arguments[0],),
    }.get(event)
    if reached is not None and not here(reached()):
        with open(os.environ["REACHED"], "a") as file:
            file.write(f"{sys.argv}: {event} {reached()}\\n")
        raise OSError("there is no network")

sys.addaudithook(guard)
"""
COMMANDS = """\
data iris -o iris.npz
train iris.npz -o m.ska --hidden 4 --epochs 1
sweep iris.npz -o sweep --hidden 4 --epochs 1 --seeds 1 --jobs 1
eval m.ska iris
predict m.ska iris
inspect m.ska
export m.ska -o m.onnx --data iris
boards
firmware m.ska --board host -o firmware
build firmware
flash firmware
ports
monitor m.ska iris --samples 5 --log steps.jsonl
save
pull m.ska -o worn.ska
push worn.ska
replay steps.jsonl m.ska
verify m.ska iris --samples 5
flash firmware --stop
"""
# All commands run in one process, which imports everything once.
RUN = """\
import sys
from ska_edge.cli.main import main

for line in sys.stdin.read().splitlines():
    try:
        main(line.split())
    except SystemExit as ended:
        if ended.code:
            sys.exit(f"{line}: exit code {ended.code}")
"""


def run(folder: Path, commands: str) -> subprocess.CompletedProcess[str]:
    """Run commands where every other computer is out of reach."""
    (folder / "sitecustomize.py").write_text(GUARD)
    return subprocess.run(
        [sys.executable, "-c", RUN],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}",
            "REACHED": str(folder / "reached"),
        },
        input=commands,
        capture_output=True,
        text=True,
    )


def test_the_commands_need_no_network(
    tmp_path: Path, require_board: Callable[[str], Board]
) -> None:
    for package in ("sklearn", "joblib", "matplotlib"):
        pytest.importorskip(package)
    require_board("host")
    try:
        done = run(tmp_path, COMMANDS)
    finally:
        stop(tmp_path / "firmware")  # a command may fail before the board is stopped
    assert done.returncode == 0, done.stderr[-2000:]
    assert not (tmp_path / "reached").exists()


def test_a_command_that_reaches_for_another_computer_is_found(tmp_path: Path) -> None:
    done = run(tmp_path, "ports\nsave --port socket://192.0.2.1:9\n")
    assert done.returncode == 1
    assert "no network" in done.stderr
    assert "192.0.2.1" in (tmp_path / "reached").read_text()
