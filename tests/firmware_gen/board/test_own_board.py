"""A copy of a board has its own name and title; everything else is as in the original."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from firmware_gen.board.board import board_names, load_board, read_board
from firmware_gen.board.own_board import copy_board
from firmware_gen.project import write_project
from ska_edge.errors import InputError
from ska_edge.network.state import State
from ska_edge.plan.resolve import make_plan


@pytest.mark.parametrize("like", board_names())
def test_a_copy_differs_only_in_its_name_title_and_folder(like: str, tmp_path: Path) -> None:
    old = load_board(like)
    new = copy_board(tmp_path / "mine" / "my-board", like)
    assert (new.name, new.folder) == ("my-board", tmp_path / "mine" / "my-board")
    assert like in new.title
    assert dataclasses.replace(new, name=old.name, title=old.title, folder=old.folder) == old
    assert new == read_board(new.folder) == load_board(str(new.folder))
    assert {path.parent for path in (*new.files(), *new.sensor_files())} == {new.folder}
    for files in (lambda board: board.files()[1:], lambda board: board.sensor_files()):
        for mine, theirs in zip(files(new), files(old), strict=True):
            assert mine.read_bytes() == theirs.read_bytes()


def test_the_readme_names_the_board_and_every_file(tmp_path: Path) -> None:
    new = copy_board(tmp_path / "my-board", "nucleo-f401re")
    text = (new.folder / "README.md").read_text(encoding="utf-8")
    assert "ska-edge run iris --board ./my-board" in text
    assert "nucleo-f401re" in text and "@" not in text
    assert all(f"* `{path.name}`" in text for path in new.files())


def test_a_board_can_be_a_copy_of_a_copy(tmp_path: Path) -> None:
    first = copy_board(tmp_path / "first", "host")
    second = copy_board(tmp_path / "second", str(first.folder))
    assert (second.name, second.core) == ("second", "host")


@pytest.mark.parametrize(
    ("name", "like", "sentence"),
    [
        ("host", "qemu-m4", "there is a board host already; give the new board another name"),
        ("My-Board", "host", "name 'My-Board' must be 1 to 15 small letters, digits and '-'"),
        ("a-name-too-long-for-c", "host", "must be 1 to 15 small letters"),
        ("mine", "hots", "there is no board 'hots' (did you mean 'host'?)"),
        ("mine", "./none", "none is not a folder with a board.toml; start one with"),
    ],
)
def test_a_new_board_that_cannot_be_made_is_refused(
    name: str, like: str, sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError) as caught:
        copy_board(tmp_path / name, like)
    assert sentence in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_an_existing_folder_is_not_changed(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    with pytest.raises(InputError, match="mine exists already; give the new board another folder"):
        copy_board(tmp_path / "mine", "host")
    assert list((tmp_path / "mine").iterdir()) == []


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"cannot write .*file/mine"):
        copy_board(tmp_path / "file" / "mine", "host")


@pytest.mark.parametrize("place", ["../boards/host", "host/", "./my-board", ".", "/none/at/all"])
def test_a_path_without_a_board_is_refused(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"is not a folder with a board\.toml; start one with"):
        load_board(place)


def test_a_folder_without_a_dot_is_named_in_the_hint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy_board(tmp_path / "mine", "host")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"for the folder mine, write \./mine$"):
        load_board("mine")
    assert load_board(os.path.join(".", "mine")).name == "mine"


def test_a_project_follows_the_folder_of_its_board(tmp_path: Path) -> None:
    """A change in the board's folder reaches the project, and is not taken for an edit there."""
    folder = copy_board(tmp_path / "mine", "virtual-m4").folder
    plan = make_plan((4, 2))
    state = State(plan)
    project = write_project(plan, state.parameters, str(folder), tmp_path / "project")
    assert (project.board, read_board(tmp_path / "project" / "board").name) == ("mine", "mine")
    (folder / "startup.c").write_text("/* changed */\n")
    again = write_project(plan, state.parameters, str(folder), tmp_path / "project")
    assert again.kept == ()
    assert (tmp_path / "project" / "board" / "startup.c").read_text() == "/* changed */\n"


@pytest.mark.parametrize("key", ["name", "title", "core", "status", "sources", "toolchains"])
def test_a_missing_key_is_named(key: str, tmp_path: Path) -> None:
    path = copy_board(tmp_path / "mine", "host").folder / "board.toml"
    text = path.read_text(encoding="utf-8").replace(f"\n{key} = ", f"\n# {key} = ")
    path.write_text(text.replace(f"[[{key}]]", f"[[needs]] # {key}"), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_board(str(path.parent))
    reason = f"it needs the key {key}" if key != "toolchains" else "toolchains"
    assert reason in str(caught.value)
