"""Kill commands at any moment: a file that they replace is then the old one or the new one.

The check compares bytes. The file of a sweep's runs and the log of a monitor grow. Only their last
line may be torn, and the next sweep or monitor continues from there.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

from firmware_gen.folder.swap import finish
from ska_edge.model.open import open_model
from tests.attack.attempt import run, snapshot
from tests.attack.devices import Liar
from tests.attack.place import Place

ROOT = Path(__file__).parents[2]
TRAIN = ["train", "rows.csv", "--hidden", "3", "--epochs", "2", "--seed"]
MONITOR = ["monitor", "m.ska", "rows.csv", "--samples", "5", "--save-every", "2"]
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
        """Run a command and kill it at moment `at`; return False if the command ended before."""
        return self._ask(arguments, at)["code"] is None

    def _ask(self, arguments: list[str], at: int | None) -> dict[str, int | None]:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps({"arguments": arguments, "at": at}) + "\n")
        self._process.stdin.flush()
        found: dict[str, int | None] = json.loads(self._process.stdout.readline())
        return found


Kill = Callable[[Place, Executioner, Random], str | None]
"""Kills a command once; returns what is wrong with the files that it left, or None."""


def _any_moment(random: Random, moments: int) -> int:
    """Return a random moment, often in the later half, because most files are written then."""
    return random.randint(random.choice([1, moments // 2]), moments)


def replaced(place: Place, executioner: Executioner, random: Random, line: list[str]) -> str | None:
    output = Path(line[-1])
    old = _content(output)
    moments = executioner.moments(line)
    new = _content(output)
    assert old != new, f"{line} changes nothing: nothing is tried"
    place.restore()
    at = _any_moment(random, moments)
    executioner.kill(line, at)
    found = _content(output)
    if found not in (old, new):
        return f"{output} is neither old nor new, killed at {at} of {moments}"
    if run(line).code != 0 or _content(output) != new:
        return f"{output} cannot be written after a kill at {at} of {moments}"
    return None


def _content(path: Path) -> object:
    """Return the bytes of a file, or the files of a project's folder as the next command finds
    them.
    """
    if not path.is_dir():
        return path.read_bytes()
    finish(path)
    return {name: content for name, content in snapshot(path).items() if ".part" not in name}


def train(place: Place, executioner: Executioner, random: Random) -> str | None:
    return replaced(place, executioner, random, [*TRAIN, "3", "-o", "m.ska"])


def export(place: Place, executioner: Executioner, random: Random) -> str | None:
    line = ["export", "m.ska", "--form", "float", "-o", "m.onnx"]
    return replaced(place, executioner, random, line)


def firmware(place: Place, executioner: Executioner, random: Random) -> str | None:
    line = ["firmware", "m.ska", "--board", "virtual-m4", "-o", "project"]
    return replaced(place, executioner, random, line)


def sweep(place: Place, executioner: Executioner, random: Random) -> str | None:
    moments = executioner.moments(SWEEP)
    wanted = _runs()
    place.restore()
    at = _any_moment(random, moments)
    executioner.kill(SWEEP, at)
    if run(SWEEP).code != 0:
        return f"the sweep cannot go on after a kill at {at} of {moments}"
    return None if _runs() == wanted else f"other runs after a kill at {at} of {moments}"


def _runs() -> list[str]:
    lines = Path("runs/runs.jsonl").read_text(encoding="utf-8").splitlines()
    return sorted(json.dumps(json.loads(line)["options"]) for line in lines)


def pull(place: Place, executioner: Executioner, random: Random) -> str | None:
    """Kill `pull`, which replaces a file by a device's state."""
    with Liar(place.model, random, lies=0.0) as device:
        line = ["pull", "m.ska", "--port", device.port, "-o", "text"]
        return replaced(place, executioner, random, line)


def monitor(place: Place, executioner: Executioner, random: Random) -> str | None:
    """Kill `monitor`. Its log is new, is continued, or replaces another device's log.

    After the kill, even if the last line is torn, `replay` accepts the log and the next monitor
    continues it. The complete log then gives the device's state.
    """
    kind = random.choice(["new", "continued", "overwritten"])
    log = Path("steps.jsonl" if kind == "overwritten" else "log.jsonl")
    again = [*MONITOR, *random.choice([[], ["--halve-rate", "1"]]), "--log", str(log), "--port"]
    line = [*again, "--overwrite"] if kind == "overwritten" else again
    with _begun(place, kind, again) as device:
        moments = executioner.moments(_at(line, device.port))
    place.restore()
    with _begun(place, kind, again) as device:
        at, old = _any_moment(random, moments), _bytes(log)
        executioner.kill(_at(line, device.port), at)
        found = _bytes(log)
        untouched = kind == "overwritten" and found == old
        if kind == "overwritten" and not untouched and b"\n" not in found:
            said: str | None = "the old log is lost"
        elif kind != "overwritten" and not found.startswith(old):
            said = "lines are lost"
        else:
            if found and not untouched:
                _tear(log, random)
            said = _continued(log, _at(line if untouched else again, device.port), device)
    return said and f"{said}: a kill at {at} of {moments}, {kind} log"


def _continued(log: Path, line: list[str], device: Liar) -> str | None:
    if _bytes(log) and run(["replay", str(log), "m.ska"]).code != 0:
        return "the log is damaged"
    if run(line).code != 0:
        return "the log cannot be continued"
    if run(["replay", str(log), "m.ska", "-o", "new.ska"]).code != 0:
        return "the continued log is damaged"
    if open_model(Path("new.ska")).state.to_bytes() != device.network.to_bytes():
        return "the log gives another state than the device has"
    return None


def _tear(log: Path, random: Random) -> None:
    """Append a part of a line to a log, or nothing."""
    with log.open("r+b") as file:
        first = file.readline()
        file.seek(0, 2)
        file.write(first[: random.choice([0, random.randrange(len(first) - 1)])])


def _bytes(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


def _at(line: list[str], port: str) -> list[str]:
    at = line.index("--port") + 1
    return [*line[:at], port, *line[at:]]


def _begun(place: Place, kind: str, line: list[str]) -> Liar:
    """Return a device whose answers are not altered. For a continued log, it has learned some rows
    before.
    """
    device = Liar(place.model, Random(0), lies=0.0)
    if kind == "continued":
        assert run(_at(line, device.port)).code == 0
    return device


KILLS: dict[str, Kill] = {
    "train": train,
    "firmware": firmware,
    "pull": pull,
    "export": export,
    "sweep": sweep,
    "monitor": monitor,
}


def kill(place: Place, executioner: Executioner, name: str, random: Random) -> str | None:
    """Kill a command once, in a folder that is restored before and after."""
    place.restore()
    try:
        return KILLS[name](place, executioner, random)
    finally:
        place.restore()
