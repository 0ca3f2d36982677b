"""Kill commands at any moment: what they write is always the old file or the new one.

The check compares bytes. The file of a sweep's runs grows. Only its last line may be torn, and the
next sweep continues from there.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

from firmware_gen.swap import finish
from tests.attack.attempt import run, snapshot
from tests.attack.place import Place

ROOT = Path(__file__).parents[2]
TRAIN = ["train", "rows.csv", "--hidden", "3", "--epochs", "2", "--seed"]
SWEEP = ["sweep", "rows.csv", "-o", "runs", "--hidden", "3", "--epochs", "1", "--seeds", "3"]


class Executioner:
    """A context manager: a process that runs commands in the current folder and kills them."""

    def __enter__(self) -> Executioner:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.attack.mortal"],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def moments(self, arguments: list[str]) -> int:
        """Run a command to its end; return the number of moments at which it could be killed."""
        found = self._ask(arguments, None)
        assert found["code"] == 0 and found["moments"], (arguments, found)
        return found["moments"]

    def kill(self, arguments: list[str], at: int) -> bool:
        """Run a command and kill it at that moment; return False if it ended before."""
        return self._ask(arguments, at)["code"] is None

    def _ask(self, arguments: list[str], at: int | None) -> dict[str, int | None]:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps({"arguments": arguments, "at": at}) + "\n")
        self._process.stdin.flush()
        found: dict[str, int | None] = json.loads(self._process.stdout.readline())
        return found


Kill = Callable[[Place, Executioner, Random], str | None]
"""Kills a command once; returns what is wrong with the files that it left, or None."""


def replaced(place: Place, executioner: Executioner, random: Random, line: list[str]) -> str | None:
    """Kill a command whose last argument is an output that exists already."""
    output = Path(line[-1])
    old = _content(output)
    moments = executioner.moments(line)
    new = _content(output)
    assert old != new, f"{line} changes nothing: nothing is tried"
    place.restore()
    at = random.randint(1, moments)
    executioner.kill(line, at)
    found = _content(output)
    if found not in (old, new):
        return f"{output} is neither old nor new, killed at {at} of {moments}"
    if run(line).code != 0 or _content(output) != new:
        return f"{output} cannot be written after a kill at {at} of {moments}"
    return None


def _content(path: Path) -> object:
    """Return the bytes of a file, or the content of a project's folder for the next command."""
    if not path.is_dir():
        return path.read_bytes()
    finish(path)
    return {name: content for name, content in snapshot(path).items() if ".part" not in name}


def train(place: Place, executioner: Executioner, random: Random) -> str | None:
    """Replace a model by another."""
    return replaced(place, executioner, random, [*TRAIN, "3", "-o", "m.ska"])


def export(place: Place, executioner: Executioner, random: Random) -> str | None:
    """Replace an ONNX file by one of another form."""
    line = ["export", "m.ska", "--form", "float", "-o", "m.onnx"]
    return replaced(place, executioner, random, line)


def firmware(place: Place, executioner: Executioner, random: Random) -> str | None:
    """Replace a project by one for another board."""
    line = ["firmware", "m.ska", "--board", "virtual-m4", "-o", "project"]
    return replaced(place, executioner, random, line)


def sweep(place: Place, executioner: Executioner, random: Random) -> str | None:
    """Kill a sweep; the next one does the missing runs, and each run once."""
    moments = executioner.moments(SWEEP)
    wanted = _runs()
    place.restore()
    at = random.randint(1, moments)
    executioner.kill(SWEEP, at)
    if run(SWEEP).code != 0:
        return f"the sweep cannot go on after a kill at {at} of {moments}"
    return None if _runs() == wanted else f"other runs after a kill at {at} of {moments}"


def _runs() -> list[str]:
    """Return the options and the seed of each recorded run."""
    lines = Path("runs/runs.jsonl").read_text(encoding="utf-8").splitlines()
    return sorted(json.dumps(json.loads(line)["options"]) for line in lines)


KILLS: dict[str, Kill] = {
    "train": train,
    "firmware": firmware,
    "export": export,
    "sweep": sweep,
}


def kill(place: Place, executioner: Executioner, name: str, random: Random) -> str | None:
    """Kill a command once, in a folder that is restored before and after."""
    place.restore()
    try:
        return KILLS[name](place, executioner, random)
    finally:
        place.restore()
