"""A compiled network is built once, tested before use, and kept in a private, limited folder."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from firmware_gen.library import cache, compiler
from firmware_gen.library.cache import library_for
from firmware_gen.library.compiler import HostCompiler
from firmware_gen.library.sources import library_sources
from ska_edge.errors import CheckError, ToolError
from ska_edge.plan.replay import Replay
from ska_edge.plan.resolve import make_plan

PLAN = make_plan((2, 2))


class Builds:
    """Counts the builds, and writes a file of zeros in place of each library."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self.size = 1
        monkeypatch.setattr(HostCompiler, "build", self._build)

    def _build(self, folder: Path, source: str, output: str) -> None:
        self.count += 1
        assert (folder / source).is_file()
        (folder / output).write_bytes(bytes(self.size))


def accept(path: Path) -> None:
    assert path.is_file()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, require_toolchain: Callable) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(compiler, "NAMES", (require_toolchain("gcc"),))
    return tmp_path / "ska-edge" / "engine"


@pytest.fixture
def builds(place: Path, monkeypatch: pytest.MonkeyPatch) -> Builds:
    return Builds(monkeypatch)


def test_a_library_is_built_once(place: Path, builds: Builds) -> None:
    assert library_for(PLAN, accept, build=False) is None
    path = library_for(PLAN, accept)
    assert path is not None and path.parent == place
    assert library_for(PLAN, accept, build=False) == library_for(PLAN, accept) == path
    assert builds.count == 1
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert [*place.iterdir()] == [path]


def test_plans_of_the_same_integers_share_a_library(builds: Builds) -> None:
    first = library_for(PLAN, accept)
    assert library_for(replace(PLAN, seed=5, labels=("left", "right")), accept) == first
    assert library_for(make_plan((2, 2), rate=0.25), accept) != first
    kept = make_plan((2, 2), replay=Replay(1, 1))
    assert library_for(kept, accept) != library_for(replace(kept, seed=5), accept)
    assert builds.count == 4


def test_a_library_that_fails_its_test_is_not_kept(place: Path, builds: Builds) -> None:
    def refuse(path: Path) -> None:
        raise CheckError("it is wrong")

    with pytest.raises(ToolError, match="gcc compiles wrong code: it is wrong"):
        library_for(PLAN, refuse)
    assert [*place.iterdir()] == []
    assert library_for(PLAN, accept, build=False) is None


def test_other_sources_and_another_compiler_need_another_library(
    builds: Builds, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = {library_for(PLAN, accept)}
    sources = library_sources(PLAN)
    monkeypatch.setattr(cache, "library_sources", lambda plan: {**sources, "ska.c": "int x;"})
    paths.add(library_for(PLAN, accept))
    answers = [*compiler.host_compilers()]
    assert isinstance(answers[0], HostCompiler) and "__VERSION__" in answers[0].target
    newer = replace(answers[0], target=answers[0].target + "#define __AVX9__ 1\n")
    monkeypatch.setattr(cache, "host_compilers", lambda: [newer])
    paths.add(library_for(PLAN, accept))
    assert len(paths) == builds.count == 3


def test_the_cache_is_bounded(place: Path, builds: Builds, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "MOST_LIBRARIES", 3)
    monkeypatch.setattr(cache, "MOST_BYTES", 200)
    builds.size = 10
    found = []
    for number in range(5):
        path = library_for(make_plan((2, 2 + number)), accept)
        assert path is not None
        os.utime(path, (number, number))
        found.append(path)
    assert sorted(place.iterdir()) == sorted(found[-3:])
    builds.size = 190
    assert [library_for(make_plan((2, 9)), accept)] == [*place.iterdir()]


def test_the_leftovers_of_a_killed_process_are_removed(place: Path, builds: Builds) -> None:
    library_for(PLAN, accept)
    old, new = place / "build-old", place / "build-new"
    for folder in (old, new):
        folder.mkdir()
    past = time.time() - 2 * cache.LEFT_OVER_SECONDS
    os.utime(old, (past, past))
    library_for(make_plan((2, 3)), accept)
    assert new.is_dir() and not old.exists()


def test_a_folder_that_others_may_write_to_is_not_used(
    place: Path, builds: Builds, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    place.mkdir(parents=True)
    place.chmod(0o777)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    path = library_for(PLAN, accept)
    assert path is not None and place not in path.parents


def test_a_network_that_is_too_large_is_not_compiled(
    builds: Builds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "LARGEST", 5)
    with pytest.raises(ToolError, match="more than 5 parameters"):
        library_for(PLAN, accept)


def test_two_processes_build_the_same_library_at_once(place: Path, tmp_path: Path) -> None:
    program = (
        "from firmware_gen.library.cache import library_for\n"
        "from ska_edge.plan.resolve import make_plan\n"
        "print(library_for(make_plan((2, 2)), lambda path: None))"
    )
    command = [sys.executable, "-c", program]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    paths = {process.communicate()[0].strip() for process in both}
    assert [process.returncode for process in both] == [0, 0]
    assert paths == {str(path) for path in place.iterdir()}


def test_a_compiler_that_hangs_ends_with_all_that_it_started(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    # The child keeps the other end of the fifo open until it ends.
    (folder / "gcc").write_text(f"#!/bin/sh\n(exec 3>'{fifo}'; sleep 1000) &\nsleep 1000\n")
    (folder / "gcc").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(compiler, "PROBE_SECONDS", 0.3)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with pytest.raises(ToolError, match=r"gcc did not end within 0\.3 s"):
            library_for(PLAN, accept)
        os.set_blocking(reader, True)
        assert os.read(reader, 1) == b""  # end of file: no process has the fifo open any more
    finally:
        os.close(reader)
