"""Finds the compilers that can build a shared library for this computer."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from firmware_gen import toolchains
from firmware_gen.toolchains import Toolchain
from ska_edge.errors import ToolError

NAMES = (*toolchains.HOST, "zig")
NO_COMPILER = "no C compiler is installed here; apt-get install gcc, or pip install ziglang"
PROBE_SECONDS = 20  # limit for a compiler to report its target; zig's first report takes seconds
BUILD_SECONDS = 120

# The flags to try, the best first. Some compilers have no flag that allows all instructions of this
# processor.
LEVELS = (("-O3", "-march=native"), ("-O3", "-mcpu=native"), ("-O3",))
# Fused multiplications and additions would round differently from separate ones.
FLAGS = ("-std=c99", "-shared", "-fPIC", "-ffp-contract=off")


@dataclass(frozen=True, slots=True)
class HostCompiler:
    """A compiler that works.

    `flags` are the first of LEVELS that it supports, and the flags that turn sanitizers off.
    `target` is the text of all macros that it predefines; they name its version and the
    instructions of this processor.
    """

    toolchain: Toolchain
    flags: tuple[str, ...]
    target: str

    def build(self, folder: Path, source: str, output: str) -> None:
        """Compile and link one source file in a folder.

        Raises:
            ToolError: the compiler failed, did not end in time, or wrote no library.
        """
        _run(self.toolchain, [*FLAGS, *self.flags, source, "-o", output], folder, BUILD_SECONDS)
        if not (folder / output).is_file():
            raise ToolError(f"{self.toolchain.name} wrote no library and gave no reason")


def host_compilers() -> Iterator[HostCompiler | ToolError]:
    """Yield the installed compilers in order of preference; if one fails, yield its error."""
    seen = set()
    for name in NAMES:
        toolchain = toolchains.find(name)
        if toolchain is None:
            continue
        place = tuple(os.path.realpath(part) for part in toolchain.command[:1]), name == "zig"
        if place not in seen:  # cc and gcc are often the same
            seen.add(place)
            yield _answer(toolchain)


@functools.lru_cache
def _answer(toolchain: Toolchain) -> HostCompiler | ToolError:
    """Return a compiler with its flags and target; try it only once, because it may hang."""
    failure = ToolError("")
    for level in LEVELS:
        flags = (*level, *toolchain.sanitizers())
        with tempfile.TemporaryDirectory(prefix="ska-edge-") as folder:
            (Path(folder) / "nothing.c").touch()
            command = [*flags, "-dM", "-E", "nothing.c"]
            try:
                return HostCompiler(
                    toolchain, flags, _run(toolchain, command, Path(folder), PROBE_SECONDS)
                )
            except ToolError as error:
                failure = error
                if isinstance(error.__cause__, subprocess.TimeoutExpired):
                    break
    return failure


def _run(toolchain: Toolchain, arguments: Sequence[str], folder: Path, seconds: float) -> str:
    """Run a compiler in a folder; return what it writes to stdout.

    The compiler's whole process group ends with it. Its output goes to files, because a process
    that it leaves behind would keep a pipe open.
    """
    with (
        (folder / "stdout").open("w+", encoding="utf-8", errors="replace") as out,
        (folder / "stderr").open("w+", encoding="utf-8", errors="replace") as complaints,
    ):
        try:
            process = subprocess.Popen(
                [*toolchain.command, *arguments],
                cwd=folder,
                env=_environment(toolchain, folder),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=complaints,
                start_new_session=True,
            )
        except OSError as error:
            raise ToolError(f"{toolchain.name} cannot be run: {error.strerror}") from error
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired as error:
            raise ToolError(f"{toolchain.name} did not end within {seconds:g} s") from error
        finally:
            _end(process)
        out.seek(0)
        complaints.seek(0)
        if code != 0:
            reason = toolchains.first_complaint(complaints.read())
            raise ToolError(f"{toolchain.name} failed: {reason}")
        return out.read()


def _environment(toolchain: Toolchain, folder: Path) -> Mapping[str, str]:
    # A compiler's temporary files are in the folder, so they are removed even if it is killed.
    return {**toolchain.environment(), "TMPDIR": str(folder)}


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a compiler and all processes that it started."""
    with contextlib.suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()
