"""Run one command line of ska-edge in this process, and find forbidden outcomes."""

from __future__ import annotations

import contextlib
import io
import os
import shlex
import signal
import stat
import sys
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from ska_edge.cli.main import main

EXIT_CODES = {0, 1, 2, 3}
"""Allowed exit codes of a command that is not interrupted and whose output is read."""
LIMIT = 60  # seconds after which a command counts as stuck; the machine may be busy


class Stuck(BaseException):
    """A command did not end in time; `except Exception` does not catch this."""


@dataclass(frozen=True)
class Attempt:
    """A command line, its exit code, and what it printed."""

    arguments: tuple[str, ...]
    code: object
    out: str
    err: str

    @property
    def text(self) -> str:
        return shlex.join(["ska-edge", *self.arguments])

    def faults(self) -> list[str]:
        """Return the faults in how the command ended; empty if it ended in a documented way."""
        found = []
        if self.code not in EXIT_CODES:
            found.append(f"exit code {self.code}: {self.err.strip()[-300:]}")
        if "Traceback" in self.out + self.err:
            found.append("a traceback")
        if self.code in (2, 3) and not self.err.strip():
            found.append("no word of what is wrong")
        return found


def run(arguments: Sequence[str]) -> Attempt:
    """Run one command line; an uncaught warning is an error here."""
    streams = [_terminal(errors) for errors in ("strict", "backslashreplace")]
    code: object = "none: it returned"
    with (
        contextlib.redirect_stdout(streams[0]),
        contextlib.redirect_stderr(streams[1]),
        warnings.catch_warnings(),
        _limited(),
    ):
        warnings.simplefilter("error")
        try:
            main(list(arguments))
        except SystemExit as ended:
            code = ended.code
        except Stuck:
            code = f"none: it is stuck after {LIMIT} s"
        except BaseException as error:
            code = f"none: it raised {error!r}"
    out, err = (_written(stream) for stream in streams)
    return Attempt(tuple(arguments), code, out, err)


def _terminal(errors: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors=errors, write_through=True)


def _written(stream: io.TextIOWrapper) -> str:
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue().decode()


@contextlib.contextmanager
def _limited() -> Iterator[None]:
    """Raise Stuck if the block takes longer than `LIMIT`, unless the alarm is already in use."""

    def end(_number: int, _frame: FrameType | None) -> None:
        raise Stuck

    if signal.getsignal(signal.SIGALRM) not in (signal.SIG_DFL, end):
        yield  # pytest's own time limit uses the alarm
        return
    signal.signal(signal.SIGALRM, end)
    signal.alarm(LIMIT)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)


# --- files ----------------------------------------------------------------------------------------

OUTPUTS = ("-o", "--output", "--log")


def snapshot(folder: Path) -> dict[str, bytes | str]:
    """Return the content of a folder: the bytes of files, and the kind of everything else."""
    found: dict[str, bytes | str] = {}
    for path in sorted(folder.rglob("*")):
        mode = path.lstat().st_mode
        found[str(path.relative_to(folder))] = (
            path.read_bytes() if stat.S_ISREG(mode) else stat.filemode(mode)
        )
    return found


def destroyed(
    attempt: Attempt, before: dict[str, bytes | str], after: dict[str, bytes | str]
) -> list[str]:
    """Return a fault for each file that the command changed or removed without being asked to.

    A command may replace its outputs, and only if it succeeds. A log that it was given may have
    grown. Each half-written file that remains is a fault, too.
    """
    found = []
    for name, content in before.items():
        if after.get(name) == content or _is_output(attempt, name):
            continue
        found.append(f"{name} is {'another' if name in after else 'gone'}")
    found += [f"{name} is left over" for name in set(after) - set(before) if ".part" in name]
    return found


def _is_output(attempt: Attempt, name: str) -> bool:
    """Tell whether the command may have changed this file.

    It may if the file, or its folder, is an output and the command succeeded, or if it is a log.
    """
    for option, value in zip(attempt.arguments, attempt.arguments[1:], strict=False):
        if option in OUTPUTS and Path(name).resolve().is_relative_to(os.path.realpath(value)):
            return attempt.code == 0 or option == "--log"
    return False


if sys.platform == "win32":
    raise ImportError("the attack needs POSIX signals")
