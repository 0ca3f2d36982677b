"""Whatever interrupts a write, the folder then has the old project or the new one; edited files are
kept or named.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from firmware_gen.folder import swap
from firmware_gen.project import Project, load_project, write_project
from ska_edge.errors import InputError
from ska_edge.plan.resolve import make_plan

PLAN = make_plan((5, 3))
Tree = dict[str, bytes]


def generate(folder: Path, value: int = 0, board: str = "virtual-m4") -> Project:
    return write_project(PLAN, np.full(PLAN.parameter_count, value), board, folder)


def tree(folder: Path) -> Tree:
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "fw"


@pytest.fixture
def old(folder: Path) -> Tree:
    """Write a project with a foreign file, an image and an edited board.toml; return its tree."""
    generate(folder)
    (folder / "src" / "mine.c").write_text("/* mine */\n")
    (folder / "build").mkdir()
    (folder / "build" / "firmware.elf").write_bytes(b"an image")
    edit(folder / "board" / "board.toml")
    return tree(folder)


def edit(path: Path) -> None:
    path.write_text(path.read_text() + "# mine\n")


class Full:
    """A disk that fails after a number of writes, renames and removals."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
        self.left, self.error = 0, error
        for name in ("write_bytes", "write_text", "mkdir", "rename", "replace", "unlink"):
            self._limit(monkeypatch, name)

    def _limit(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        real: Callable[..., object] = getattr(Path, name)

        def limited(path: Path, *arguments: object, **keywords: object) -> object:
            self.left -= 1
            if self.left < 0:
                if name == "write_bytes":
                    real(path, b"ha")  # only a part is written
                raise self.error
            return real(path, *arguments, **keywords)

        monkeypatch.setattr(Path, name, limited)


def no_space() -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("how", ["full disk", "Ctrl-C", "killed"])
def test_an_end_at_any_moment_leaves_the_old_files_or_the_new_ones(
    how: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test swaps a few files: new, changed, unchanged and obsolete ones."""
    old = {"a": b"old a", "b/gone": b"old", "b/mine": b"mine", "c/e": b"old e"}
    new = {"a": b"new a", "b/mine": b"mine", "c/d": b"new d", "c/e": b"new e"}
    written = {name: new[name] for name in ("a", "c/d", "c/e")}
    error = no_space() if how == "full disk" else KeyboardInterrupt()
    if how == "killed":  # a killed process does not clean up
        monkeypatch.setattr(swap, "_undo", lambda *_: None)
    for name, content in old.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    ends = []
    for taken in range(100):
        with monkeypatch.context() as patched:
            Full(patched, error).left = taken
            try:
                swap.swap_files(folder, written, ["b/gone"])
                break
            except InputError as raised:
                assert str(raised) == f"cannot write to {folder}: No space left on device"
            except KeyboardInterrupt:
                pass
        if how == "full disk" and not (folder / swap.DECIDED).exists():
            assert tree(folder) == old
        there = {item for item in tree(folder).items() if not item[0].startswith(".ska-edge-")}
        assert there <= old.items() or there <= new.items()  # never a mix of old and new
        swap.finish(folder)
        found = {name: content for name, content in tree(folder).items() if ".part/" not in name}
        assert found in (old, new)
        ends.append(found == new)
        if found == new:
            for name, content in old.items():
                (folder / name).write_bytes(content)
            (folder / "c" / "d").unlink()
    assert ends == sorted(ends)
    assert len(set(ends)) == 2
    assert tree(folder) == new


@pytest.mark.parametrize("taken", [0, 1, 2, 40, 76])
def test_a_full_disk_leaves_the_old_project_whole(
    taken: int, folder: Path, old: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        Full(patched, no_space()).left = taken
        with pytest.raises(InputError, match=f"^cannot write to {folder}: No space left on device"):
            generate(folder, 7)
    assert tree(folder) == old
    generate(folder, 7)
    assert "build/firmware.elf" not in tree(folder)


def test_a_first_run_that_fails_leaves_nothing_that_the_next_one_refuses(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for taken in (3, 40):
        with monkeypatch.context() as patched, pytest.raises(InputError, match="No space left"):
            Full(patched, no_space()).left = taken
            generate(folder)
        assert not folder.exists()
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(swap, "_undo", lambda *_: None)
        Full(patched, KeyboardInterrupt()).left = 20
        generate(folder)
    assert folder.exists()  # the killed process left it behind
    generate(folder)
    assert not list(folder.glob(swap.PARTS))
    assert load_project(folder).digest == PLAN.digest


def test_an_empty_folder_is_kept_if_writing_fails(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.mkdir()
    with monkeypatch.context() as patched, pytest.raises(InputError, match="No space left"):
        Full(patched, no_space()).left = 9
        generate(folder)
    assert list(folder.iterdir()) == []
    generate(folder)


def test_an_edited_file_of_the_board_is_kept_and_named_every_time(folder: Path, old: Tree) -> None:
    for value in (1, 2):
        assert generate(folder, value).kept == ("board/board.toml",)
        assert tree(folder)["board/board.toml"] == old["board/board.toml"]
    (folder / "board" / "board.toml").unlink()  # now regenerate without the edited file
    assert generate(folder).kept == ()
    assert b"# mine" not in tree(folder)["board/board.toml"]


@pytest.mark.parametrize("name", ["src/ska.c", "src/ska_weights.h", "board/board.toml"])
def test_an_edited_file_that_would_be_lost_is_named_and_nothing_changes(
    name: str, folder: Path
) -> None:
    generate(folder)
    edit(folder / name)
    before = tree(folder)
    board = "host" if name.startswith("board/") else "virtual-m4"
    with pytest.raises(InputError, match=f"edited and would be lost: {name}; move them away"):
        generate(folder, 7, board)
    assert tree(folder) == before
    (folder / name).rename(folder / "mine")
    generate(folder, 7, board)
    assert (folder / "mine").exists()


def test_a_file_of_the_user_is_not_overwritten(folder: Path) -> None:
    generate(folder)
    description = folder / "ska-project.json"
    content = json.loads(description.read_text())
    del content["files"]["src/ska.c"]  # now the file seems new in this version
    description.write_text(json.dumps(content))
    generate(folder)  # equal content: nothing is lost
    description.write_text(json.dumps(content))
    edit(folder / "src" / "ska.c")
    with pytest.raises(InputError, match=r"would be lost: src/ska\.c"):
        generate(folder)


def test_a_project_of_an_earlier_version_has_no_digests_and_is_replaced(folder: Path) -> None:
    generate(folder, board="host")
    description = folder / "ska-project.json"
    content = json.loads(description.read_text())
    content["files"] = list(content["files"])
    description.write_text(json.dumps(content))
    assert load_project(folder).board == "host"
    generate(folder, 7)
    assert not (folder / "board" / "board.c").exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"3",
        b"{}",
        b"\xff\xfe",
        b'{"board": 3, "digest": "0", "files": {}}',
        b'{"board": "host", "digest": "0", "files": 3}',
        b'{"board": "host", "digest": "0", "files": {"../x": "0"}}',
        b'{"board": "host", "digest": "0", "files": ["/etc/passwd"]}',
        b'{"a":' * 100_000,
        b"[" * 100_000,
        b"9" * 5000,
    ],
    ids=range(13),
)
def test_a_damaged_description_is_called_damaged(content: bytes, folder: Path) -> None:
    generate(folder)
    (folder / "ska-project.json").write_bytes(content)
    before = tree(folder)
    for use in (load_project, generate):
        with pytest.raises(InputError, match=r"ska-project\.json is damaged; remove"):
            use(folder)
    assert tree(folder) == before


@pytest.mark.parametrize("kind", ["folder", "broken link", "loop"])
def test_a_description_that_is_not_a_file_is_called_damaged(kind: str, folder: Path) -> None:
    generate(folder)
    path = folder / "ska-project.json"
    path.unlink()
    if kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("none" if kind == "broken link" else path.name)
    for use in (load_project, generate):
        with pytest.raises(InputError, match=r"ska-project\.json is damaged; remove"):
            use(folder)


def test_a_folder_without_a_project_is_refused(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(InputError, match="holds no ska-edge project; write one"):
            load_project(folder)
    os.mkfifo(tmp_path / "ska-project.json")  # a pipe: reading it would never end
    with pytest.raises(InputError, match="holds no ska-edge project"):
        load_project(tmp_path)


def test_nothing_outside_of_the_folder_is_written_or_removed(tmp_path: Path, folder: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "keep").write_text("mine")
    generate(folder)
    for path in (folder / "board").iterdir():
        path.unlink()
    (folder / "board").rmdir()
    (folder / "board").symlink_to(outside)
    with pytest.raises(InputError, match="leads out of"):
        generate(folder)
    # Another user forged the folder of a decided swap, which the next load would complete.
    decided = folder / swap.DECIDED
    (decided / "new" / "board").mkdir(parents=True)
    (decided / "new" / "board" / "evil").write_text("evil")
    names = ["../outside/keep", "board/keep", str(outside / "keep"), "a\0b", "..", "."]
    (decided / swap.OBSOLETE).write_text(json.dumps(names))
    load_project(folder)
    assert tree(outside) == {"keep": b"mine"}
    assert not decided.exists()
