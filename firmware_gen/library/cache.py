"""Builds each library once for this computer, tests it, and keeps it in a private folder.

The name of a library is a digest of its sources, and of the compiler, its flags and its target.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from firmware_gen.folder.own_folder import cache_folder
from firmware_gen.library.compiler import FLAGS, NO_COMPILER, HostCompiler, host_compilers
from firmware_gen.library.sources import LARGEST, MAIN, library_sources
from ska_edge.errors import CheckError, ToolError
from ska_edge.plan.plan import Plan

MOST_LIBRARIES = 256
MOST_BYTES = 256 * 1024 * 1024
LEFT_OVER_SECONDS = 3600  # an older temporary folder belongs to a killed process
SUFFIX = ".so"
DIGEST_BYTES = 32

Test = Callable[[Path], None]


class NoCompilerError(ToolError):
    """No compiler of this computer works."""


def library_for(plan: Plan, test: Test, build: bool = True) -> Path | None:
    """Return the library of a plan; see `compiled`.

    Raises:
        ToolError: the plan has too many parameters, or for a reason that `compiled` names.
    """
    if plan.parameter_count > LARGEST:
        raise ToolError(f"networks of more than {LARGEST} parameters are not compiled")
    return compiled(library_sources(plan), MAIN, test, build)


def compiled(sources: dict[str, str], main: str, test: Test, build: bool = True) -> Path | None:
    """Return the library of some sources, compiled by the first compiler that works.

    Args:
        sources: the text of every source by its name.
        main: name of the source to compile, which includes the others.
        test: called with a new library before it is kept; raises CheckError if the library computes
            something wrong, and OSError if it cannot be loaded.
        build: whether to compile a library that is not in the cache.

    Returns:
        The path; None if there is no library yet and `build` is false.

    Raises:
        NoCompilerError: no compiler works; the sentence says why.
        ToolError: there is no folder for the library.
    """
    cache = cache_folder("engine")
    if cache is None:
        raise ToolError("there is no folder for compiled networks that only you can write to")
    reasons = []
    for compiler in host_compilers():
        if isinstance(compiler, ToolError):
            reasons.append(str(compiler))
            continue
        path = cache / (_key(sources, compiler) + SUFFIX)
        if _is_kept(path):
            with contextlib.suppress(OSError):
                os.utime(path)  # mark it as used: the least recently used libraries are removed
            return path
        if not build:
            return None
        try:
            _build(sources, main, compiler, path, test)
        except (ToolError, CheckError) as error:
            reasons.append(str(error))
            continue
        _remove_old(cache, path)
        return path
    raise NoCompilerError("; ".join(reasons) or NO_COMPILER)


def _key(sources: dict[str, str], compiler: HostCompiler) -> str:
    digest = hashlib.sha256()
    flags = (*FLAGS, *compiler.flags)
    for text in (*compiler.toolchain.command, *flags, compiler.target, *sources, *sources.values()):
        digest.update(f"{len(text)}:{text}".encode(errors="surrogateescape"))
    return digest.hexdigest()[:32]


def _build(
    sources: dict[str, str], main: str, compiler: HostCompiler, path: Path, test: Test
) -> None:
    """Compile and test a library in a folder of its own, then move it to its place.

    Raises ToolError or CheckError, with the name of the compiler.
    """
    name = compiler.toolchain.name
    try:
        with tempfile.TemporaryDirectory(prefix="build-", dir=path.parent) as place:
            folder = Path(place)
            for source, text in sources.items():
                (folder / source).write_text(text, encoding="utf-8")
            compiler.build(folder, main, path.name)
            test(folder / path.name)
            with (folder / path.name).open("r+b") as file:
                file.write(_digest(file.read()))  # the system ignores what follows the image
                file.flush()
                os.fsync(file.fileno())
            (folder / path.name).replace(path)
    except CheckError as error:
        raise CheckError(f"{name} compiles wrong code: {error}") from error
    except (OSError, AttributeError) as error:
        raise ToolError(f"the library of {name} cannot be used: {error}") from error


def _is_kept(path: Path) -> bool:
    """Tell whether the cache has this library, unchanged since its test."""
    try:
        content = path.read_bytes()
    except OSError:
        return False
    return content[-DIGEST_BYTES:] == _digest(content[:-DIGEST_BYTES])


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def _remove_old(cache: Path, newest: Path) -> None:
    """Keep the cache within its limits: remove the least recently used libraries."""
    with contextlib.suppress(OSError):
        found = sorted(cache.glob(f"*{SUFFIX}"), key=lambda p: p.stat().st_mtime, reverse=True)
        total = 0
        for number, path in enumerate(found):
            total += path.stat().st_size
            if path != newest and (number >= MOST_LIBRARIES or total > MOST_BYTES):
                path.unlink(missing_ok=True)
        for folder in cache.glob("build-*"):
            if time.time() - folder.stat().st_mtime > LEFT_OVER_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)
