"""Projects with equal sources are compiled once in a run of the tests.

Many tests build the same network for the same board, each in a folder of its own. A build takes
seconds, and its image depends only on the compiler, the arguments and the project's files. So the
second build copies the image of the first. The conftest.py of a folder imports the fixture
`compiled_once` for all its tests; folders with tests about compilation do not.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from firmware_gen.build import BUILD_FOLDER, SOURCE_FOLDER
from firmware_gen.toolchains import Toolchain


def digest(toolchain: Toolchain, arguments: Sequence[str], folder: Path) -> str | None:
    """Return a digest of all that an image depends on.

    It is None if `folder` is not a project's folder for builds, or if the image depends on files
    outside the project.
    """
    project = folder.parent
    own = [argument for argument in arguments if argument != toolchain.prefix_map(project)]
    outside = any(argument.removeprefix("-I").startswith("/") for argument in own)
    if folder.name != BUILD_FOLDER or not (project / SOURCE_FOLDER).is_dir() or outside:
        return None
    content = hashlib.sha256(repr((toolchain.command, own)).encode())
    for path in sorted(project.rglob("*")):
        if path.is_file() and (folder not in path.parents or path.suffix == ".ld"):
            name, size = path.relative_to(project).as_posix(), path.stat().st_size
            content.update(repr((name, size)).encode() + path.read_bytes())
    return content.hexdigest()


@pytest.fixture(autouse=True)
def compiled_once(images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the image of each build of a project in `images`, and copy it for an equal build."""
    compiled = Toolchain.run

    def run(toolchain: Toolchain, arguments: Sequence[str], folder: Path) -> None:
        known = digest(toolchain, arguments, folder)
        if known is None:
            compiled(toolchain, arguments, folder)
            return
        made, kept = folder / arguments[arguments.index("-o") + 1], images / known
        if kept.exists():
            shutil.copy(kept, made)
            return
        compiled(toolchain, arguments, folder)
        fresh = images / f"{known}.{os.getpid()}"  # no other worker sees half an image
        shutil.copy(made, fresh)
        fresh.replace(kept)

    monkeypatch.setattr(Toolchain, "run", run)
