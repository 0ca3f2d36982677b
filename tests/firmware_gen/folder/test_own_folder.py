"""Another user can neither change the compiler's cache nor choose which processes are ended."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware_gen import toolchains
from firmware_gen.emulators import flash
from firmware_gen.emulators.flash import running, stop
from firmware_gen.folder.own_folder import own_folder, state_place, temporary_place
from firmware_gen.toolchains import Toolchain
from ska_edge.errors import InputError

as_root = pytest.mark.skipif(
    not hasattr(os, "getuid") or os.getuid() != 0, reason="only root gives folders to others"
)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Use a temporary folder that all users share; block this user's own cache folder."""
    folder = tmp_path / "tmp"
    folder.mkdir(mode=0o777)
    blocked = tmp_path / "blocked"
    blocked.touch()
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(folder))
    for name in ("XDG_RUNTIME_DIR", "ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    toolchains._fresh_folder.cache_clear()
    return folder


def test_a_folder_is_made_private_and_an_open_one_is_closed(tmp_path: Path) -> None:
    place = tmp_path / "deep" / "own"
    assert own_folder(place) == place
    assert mode(place) == 0o700
    place.chmod(0o755)  # other users can read it; `own_folder` changes that
    assert own_folder(place) == place
    assert mode(place) == 0o700


@pytest.mark.parametrize("given", [0o777, 0o770, 0o702])
def test_a_folder_that_others_may_write_to_is_not_used(given: int, tmp_path: Path) -> None:
    open_one, other = tmp_path / "open", tmp_path / "other"
    open_one.mkdir()
    open_one.chmod(given)
    assert own_folder(open_one, other) == other
    assert own_folder(open_one) is None
    assert mode(open_one) == given


def test_a_link_and_a_file_are_not_used(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(real)
    (tmp_path / "file").touch()
    assert own_folder(tmp_path / "link", tmp_path / "file", tmp_path / "file" / "below") is None


@as_root
def test_a_folder_of_somebody_else_is_not_used(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir(mode=0o700)
    os.chown(theirs, 12345, 12345)
    assert own_folder(theirs) is None


# --- the compiler's cache -------------------------------------------------------------------------


def zig_cache() -> Path:
    return Path(Toolchain("zig", ("zig",)).environment()["ZIG_GLOBAL_CACHE_DIR"])


@as_root
def test_a_cache_of_somebody_else_is_not_built_through(temporary: Path) -> None:
    planted = [temporary / "ska-edge" / "zig", temporary_place() / "zig"]
    for folder in planted:
        folder.mkdir(parents=True)
        for part in (folder, folder.parent):
            os.chown(part, 12345, 12345)
            part.chmod(0o777)
    cache = zig_cache()
    assert all(folder not in (cache, *cache.parents) for folder in planted)
    assert (cache.stat().st_uid, mode(cache)) == (os.getuid(), 0o700)
    assert zig_cache() == cache  # computed once for each process


def test_an_own_cache_that_anybody_may_write_to_is_not_built_through(temporary: Path) -> None:
    assert zig_cache() == temporary_place() / "zig"
    (temporary_place() / "zig").chmod(0o777)
    cache = zig_cache()
    assert cache != temporary_place() / "zig"
    assert mode(cache) == 0o700


# --- the list of running boards -------------------------------------------------------------------


@pytest.fixture
def unrelated() -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", "import signal; signal.pause()"]
    with subprocess.Popen(command) as process:
        yield process
        process.kill()


def plant(folder: Path, project: Path, **changes: object) -> None:
    """Put a false entry into a registry; the entry names any process as a project's board."""
    entry = {"name": "host", "port": "/dev/pts/0", "project": str(project), **changes}
    name = flash._entry(project).name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps(entry), encoding="utf-8")


def test_an_entry_that_others_could_plant_ends_nothing(
    temporary: Path, tmp_path: Path, unrelated: subprocess.Popen[bytes]
) -> None:
    born = flash._born(unrelated.pid)
    registry = temporary_place()
    plant(registry, tmp_path, pid=unrelated.pid, born=born)
    registry.chmod(0o777)
    assert running() == ()
    assert stop(tmp_path) is False
    assert unrelated.poll() is None
    assert own_folder(state_place() / "boards") is not None  # the other registry


def test_a_runtime_folder_that_others_may_write_to_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unrelated: subprocess.Popen[bytes]
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    plant(tmp_path / "ska-edge", tmp_path, pid=unrelated.pid, born=flash._born(unrelated.pid))
    (tmp_path / "ska-edge").chmod(0o777)
    for act in (running, lambda: stop(tmp_path)):
        with pytest.raises(InputError, match="only you can write to; remove it"):
            act()
    assert unrelated.poll() is None


@pytest.mark.parametrize(
    "changes",
    [
        {"pid": 0, "born": None},
        {"pid": -1, "born": None},
        {"pid": -1, "born": ""},
        {"pid": "12", "born": "1"},
        {"pid": True, "born": "1"},
        {"pid": 2**80, "born": "1"},
        {"pid": 2, "born": 3},
    ],
)
def test_an_entry_without_a_single_process_ends_no_process(
    changes: dict[str, object],
    temporary: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    killed: list[object] = []
    monkeypatch.setattr(os, "kill", lambda *what: killed.append(what))
    plant(flash._registry(), tmp_path, **changes)
    assert running() == ()
    plant(flash._registry(), tmp_path, **changes)
    assert stop(tmp_path) is False
    assert killed == []


def test_a_process_is_identified_without_proc_too(
    unrelated: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    if not Path("/bin/ps").exists():
        pytest.skip("there is no ps here")
    born = flash._born_by_ps(unrelated.pid)
    assert born and flash._born_by_ps(unrelated.pid) == born
    unrelated.send_signal(signal.SIGKILL)
    unrelated.wait()
    assert flash._born_by_ps(unrelated.pid) is None
