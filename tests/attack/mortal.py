"""Run commands of ska-edge and kill each at the N-th moment when it touches a file or a port.

    python -m tests.attack.mortal

reads one JSON object per line, {"arguments": [...], "at": N or null}. For each command it prints a
JSON object with the exit code ("code", null if the command was killed) and the number of moments
("moments", null if it was killed). Each command is a process of its own. It is forked from this
process, which has already imported everything. A moment is a call, for example of `os.replace`,
that opens, writes, closes, renames, removes or syncs. The process kills itself by SIGKILL right
before that call, so no clock is involved.
"""

from __future__ import annotations

import io
import json
import os
import posix
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import Any

import matplotlib.backends.backend_agg
import matplotlib.figure  # noqa: F401
import onnxruntime  # noqa: F401
import serial  # type: ignore[import-untyped]  # noqa: F401
import sklearn.datasets  # type: ignore[import-untyped, unused-ignore]  # noqa: F401

from ska_edge.cli.commands import sweep
from ska_edge.cli.main import main
from ska_edge.data.dataset import Dataset
from ska_edge.training.options import Options
from ska_edge.training.sweep.experiment import Record, run

SYSTEM = {
    "chmod", "close", "fchmod", "fchown", "fdatasync", "fsync", "ftruncate", "link", "mkdir",
    "open", "remove", "rename", "replace", "rmdir", "symlink", "truncate", "unlink", "write",
}  # fmt: skip
FILE = {"write", "writelines", "flush", "close", "truncate"}


class Moments:
    """Counts the moments of this process, and ends it at one of them."""

    def __init__(self, at: int | None) -> None:
        self.count, self._at = 0, at

    def begin(self) -> None:
        """Watch this thread and the threads that it starts."""
        threading.setprofile(self._see)
        sys.setprofile(self._see)

    def end(self) -> None:
        sys.setprofile(None)
        threading.setprofile(None)

    def _see(self, _frame: FrameType, event: str, what: Any) -> None:
        if event == "c_call" and _is_moment(what):
            self.count += 1
            if self.count == self._at:
                os.kill(os.getpid(), signal.SIGKILL)


def _is_moment(function: Any) -> bool:
    owner = getattr(function, "__self__", None)
    if owner is posix:
        return function.__name__ in SYSTEM
    if function is io.open:
        return True
    return (
        isinstance(owner, io.IOBase)
        and function.__name__ in FILE
        and owner not in (sys.stdout, sys.stderr)
    )


def live(arguments: list[str], at: int | None) -> dict[str, int | None]:
    """Run a command in a child process, to its end or to a moment."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        moments, code = Moments(at), 99
        try:
            moments.begin()
            main(arguments)
        except SystemExit as ended:
            code = int(ended.code or 0)
        finally:
            moments.end()
            os.write(write, json.dumps({"code": code, "moments": moments.count}).encode())
            os._exit(0)
    os.close(write)
    with open(read, "rb") as answer:
        text = answer.read()
    os.waitpid(child, 0)
    found: dict[str, int | None] = json.loads(text or '{"code": null, "moments": null}')
    return found


def in_turn(dataset: Dataset, options: Sequence[Options], **_: Any) -> Iterator[Record]:
    """Do a sweep's trainings in this process, because a kill would not end worker processes."""
    for each in options:
        yield run(dataset, each)


if __name__ == "__main__":
    sweep.on_cores = in_turn  # type: ignore[attr-defined]
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps(live(request["arguments"], request["at"])), flush=True)
