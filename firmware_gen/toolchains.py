"""Finds the compilers, and defines how to install them and the flags that every build needs.

board.toml has the flags that select a core. This module has the flags that a compiler needs for any
board, each with its reason.
"""

from __future__ import annotations

import atexit
import functools
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from firmware_gen.folder.own_folder import cache_folder
from firmware_gen.program import find_program
from ska_edge.errors import CheckError, ToolError

TIME_LIMIT_S = 240
"""A build takes seconds, so this limit only ends a compiler that hangs.
"""

FLAGS: tuple[str, ...] = (
    "-std=c99",
    "-Os",
    "-g",
    "-Wall",
    "-Wextra",
    "-Wconversion",
    "-Wsign-conversion",
    "-Wshadow",
    "-pedantic",
    "-Werror",
    "-ffunction-sections",
    "-fdata-sections",
    # A jump table is a jump through a pointer, which the stack analysis could not follow.
    "-fno-jump-tables",
    "-Wl,--gc-sections",
)
"""Flags of every firmware build. `-g` does not change flash or RAM; without it zig strips the
symbols.
"""

_INSTALL = {
    "arm-none-eabi-gcc": "apt-get install gcc-arm-none-eabi",
    "avr-gcc": "apt-get install gcc-avr avr-libc",
    "cc": "apt-get install gcc",
    "clang": "apt-get install clang",
    "gcc": "apt-get install gcc",
    "riscv64-unknown-elf-gcc": "apt-get install gcc-riscv64-unknown-elf",
    "zig": "pip install ziglang",
}

NAMES = tuple(_INSTALL)
HOST = ("cc", "gcc", "clang")
"""Compilers for programs that run on this computer, in order of preference."""


@dataclass(frozen=True)
class Toolchain:
    """An installed compiler."""

    name: str
    command: tuple[str, ...]

    def flags(self, *, freestanding: bool) -> tuple[str, ...]:
        """Return the flags of every build with this compiler; `freestanding` means no C library."""
        flags = FLAGS + self.sanitizers()
        if self.name == "avr-gcc":
            # Larger regions than any board has: an image that does not fit still links, so the
            # build can measure it.
            lengths = ("__TEXT_REGION_LENGTH__=0x400000", "__DATA_REGION_LENGTH__=0xF000")
            flags += tuple(f"-Wl,--defsym={length}" for length in lengths)
        if freestanding:
            flags += ("-ffreestanding", "-fno-unwind-tables", "-fno-asynchronous-unwind-tables")
            if self.name == "zig":
                # -nostdlib is absent, because it would also drop compiler-rt with its 64-bit
                # division.
                flags += ("-Wl,-e,Reset_Handler",)
            else:
                # Without the second flag gcc turns the loop inside memcpy into a call of memcpy.
                flags += ("-nostdlib", "-fno-tree-loop-distribute-patterns")
        return flags

    def sanitizers(self) -> tuple[str, ...]:
        """Return the flags that turn sanitizers off, because sanitizers need a runtime library."""
        # zig turns the sanitizer for undefined behavior on by default.
        return ("-fno-sanitize=all",) if self.name == "zig" else ()

    def prefix_map(self, folder: Path) -> str:
        """Return the flag that makes paths in `folder` relative in the debug information."""
        # gcc 8 has a flag for both the debug information and __FILE__, but Debian's avr-gcc is
        # version 5. The sources do not use __FILE__.
        kind = "debug" if self.name == "avr-gcc" else "file"
        return f"-f{kind}-prefix-map={folder}=."

    def libraries(self, *, freestanding: bool) -> tuple[str, ...]:
        """Return the flags that name the libraries; they belong at the end of the command line."""
        return ("-lgcc",) if freestanding and self.name != "zig" else ()

    def run(self, arguments: Sequence[str], folder: Path) -> None:
        """Compile and link with one command, run in `folder`.

        Raises:
            CheckError: the compiler failed; the sentence has its first error message.
            ToolError: the compiler cannot be run, or did not end in time.
        """
        try:
            result = subprocess.run(
                [*self.command, *arguments],
                cwd=folder,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=TIME_LIMIT_S,
            )
        except subprocess.TimeoutExpired:
            raise ToolError(
                f"{self.name} did not end within {TIME_LIMIT_S} s in {folder}; "
                "try another toolchain, or another ZIG_GLOBAL_CACHE_DIR if this is zig"
            ) from None
        except OSError as error:
            raise ToolError(f"{self.name} cannot be run: {error}") from None
        if result.returncode != 0:
            raise CheckError(f"{self.name} failed in {folder}: {first_complaint(result.stderr)}")

    def version(self) -> str:
        """Return the compiler's name and version: the first line of its output for --version.

        Raises:
            ToolError: the compiler cannot be run, or did not end in time.
        """
        try:
            result = subprocess.run(
                [*self.command, "--version"],
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=TIME_LIMIT_S,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ToolError(f"{self.name} cannot be run: {error}") from None
        return (result.stdout.splitlines() or [self.name])[0].strip()

    def environment(self) -> dict[str, str]:
        """Return the environment for this compiler; zig gets a writable cache folder.

        Raises:
            ToolError: there is no folder that zig can write to.
        """
        environment = {**os.environ, "LC_ALL": "C"}
        if self.name == "zig":
            cache = os.environ.get("ZIG_GLOBAL_CACHE_DIR") or str(_cache_folder())
            environment["ZIG_GLOBAL_CACHE_DIR"] = cache
            environment.setdefault("ZIG_LOCAL_CACHE_DIR", cache)
        return environment


def find(name: str) -> Toolchain | None:
    """Return the toolchain with this name; None if it is not installed."""
    if name == "zig":
        if importlib.util.find_spec("ziglang") is None:
            return None
        return Toolchain(name, (sys.executable, "-m", "ziglang", "cc"))
    path = find_program(name)
    return None if path is None else Toolchain(name, (path,))


def install_command(name: str) -> str:
    """Return the command that installs the toolchain with this name."""
    return _INSTALL.get(name, "see docs/BOARDS.md")


def choose(names: Sequence[str]) -> Toolchain:
    """Return the first installed toolchain of `names`, which are in order of preference.

    Raises:
        ToolError: none is installed; the sentence says how to install each.
    """
    for name in names:
        toolchain = find(name)
        if toolchain is not None:
            return toolchain
    hints = " or ".join(f"{name} ({install_command(name)})" for name in names)
    raise ToolError(f"no compiler for this board is installed: it needs {hints}")


def has_header(name: str) -> bool:
    """Tell whether a program on this computer can include the header `name`."""
    compiler = next(filter(None, map(find, HOST)), None)
    if compiler is None:
        return False
    try:
        compiler.run(["-fsyntax-only", "-include", name, "-x", "c", os.devnull], Path.cwd())
    except (CheckError, ToolError):
        return False
    return True


def first_complaint(output: str) -> str:
    """Return the first line of a compiler's output that names the error."""
    # The compiler's own line about the linker only says that the linker failed.
    idle = ("ld returned", "linker command failed")
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    lines = [line for line in lines if not any(word in line for word in idle)] or lines
    for mark in ("error:", "undefined reference", "undefined symbol", "error"):
        for line in lines:
            if mark in line:
                return line
    return lines[0] if lines else "it gave no reason"


@functools.lru_cache(maxsize=1)
def _fresh_folder() -> Path:
    """Return a new folder for this process alone; it is removed when the process ends."""
    folder = Path(tempfile.mkdtemp(prefix="ska-edge-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _cache_folder() -> Path:
    """Return a folder for zig that nobody else can write to, because zig runs what it finds there.

    With an unwritable folder, zig loops forever. The first choice is the user's cache. If neither
    the cache nor the temporary folder can be used, a fresh folder is made; filling it costs seconds
    in each process.

    Raises:
        ToolError: there is no folder that zig can write to.
    """
    folder = cache_folder("zig")
    if folder is not None:
        return folder
    try:
        return _fresh_folder()
    except OSError as error:
        raise ToolError(
            f"zig needs a cache folder, but can write neither to the user's cache nor to"
            f" {tempfile.gettempdir()}; name one in ZIG_GLOBAL_CACHE_DIR"
        ) from error
