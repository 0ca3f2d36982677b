"""A foreign project is built or started only after the user trusts it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from firmware_gen.board.board import Board
from firmware_gen.folder.trust import is_trusted

REFUSED = "was not generated here, and building or starting it runs the commands"


@pytest.fixture(autouse=True)
def own_notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Use a folder for trust notes that no other test sees."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def foreign(ska_edge, iris_file: Path, require_board: Callable[[str], Board]) -> Path:
    """Return a project from elsewhere; the command that starts its board creates a file."""
    require_board("host")
    assert ska_edge("firmware", iris_file, "--board", "host", "-o", "ours").code == 0
    shutil.copytree("ours", "theirs")
    path = Path("theirs/board/board.toml")
    text = path.read_text()
    assert '["{elf}"]' in text
    path.write_text(text.replace('["{elf}"]', '["/bin/sh", "-c", "touch ../ran; echo no"]'))
    return Path("theirs")


def test_a_project_generated_here_is_built(ska_edge, foreign: Path) -> None:
    assert ska_edge("build", "ours").code == 0


def test_what_came_from_elsewhere_is_refused_without_a_terminal(ska_edge, foreign: Path) -> None:
    for command in ("build", "flash"):
        sentence = ska_edge(command, foreign).refusal(2)
        assert REFUSED in sentence
        assert sentence.endswith("look at them, then give --trust")
    assert not (foreign / "build").exists()
    assert not (foreign / "ran").exists()


def test_trust_is_asked_for_once(ska_edge, foreign: Path) -> None:
    assert ska_edge("build", foreign, "--trust").code == 0
    assert ska_edge("build", foreign).code == 0
    outcome = ska_edge("flash", foreign)
    assert outcome.code == 3
    assert (foreign / "ran").exists()  # the command that the warning named has run


def test_trust_is_asked_for_again_in_another_folder_and_project(ska_edge, foreign: Path) -> None:
    assert ska_edge("build", foreign, "--trust").code == 0
    shutil.copytree(foreign, "elsewhere")
    assert REFUSED in ska_edge("build", "elsewhere").refusal(2)
    with (foreign / "ska-project.json").open("a") as file:
        file.write(" \n")
    assert REFUSED in ska_edge("build", foreign).refusal(2)


@pytest.mark.parametrize("answer", [True, False])
def test_a_terminal_is_asked(
    answer: bool, ska_edge, foreign: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def confirm(text: str, **_options: object) -> bool:
        asked.append(text)
        return answer

    class Terminal:
        def isatty(self) -> bool:
            return True

    with monkeypatch.context() as patched:
        patched.setattr(click, "confirm", confirm)
        patched.setattr(sys, "stdin", Terminal())
        patched.setattr(type(sys.stderr), "isatty", Terminal.isatty, raising=False)
        outcome = ska_edge("build", foreign)
    assert len(asked) == 1 and REFUSED in asked[0]
    assert outcome.code == (0 if answer else 2)
    assert is_trusted(foreign) == answer


def test_a_foreign_file_that_is_kept_is_not_trusted(
    ska_edge, foreign: Path, iris_file: Path
) -> None:
    outcome = ska_edge("firmware", iris_file, "--board", "host", "-o", foreign)
    assert "kept theirs/board/board.toml" in outcome.err
    assert REFUSED in ska_edge("build", foreign).refusal(2)
    assert ska_edge("firmware", iris_file, "--board", "host", "-o", "ours").code == 0
    assert ska_edge("build", "ours").code == 0


def test_notes_that_others_could_write_are_not_believed(
    ska_edge, foreign: Path, own_notes: Path
) -> None:
    (own_notes / "ska-edge" / "projects").chmod(0o777)
    assert REFUSED in ska_edge("build", "ours").refusal(2)
    assert ska_edge("build", "ours", "--trust").code == 0  # --trust is not remembered
    assert REFUSED in ska_edge("build", "ours").refusal(2)


def test_notes_of_projects_that_are_gone_are_removed(
    ska_edge, foreign: Path, iris_file: Path, own_notes: Path
) -> None:
    notes = own_notes / "ska-edge" / "projects"
    assert len(os.listdir(notes)) == 1
    shutil.rmtree("ours")
    assert ska_edge("firmware", iris_file, "-o", "new").code == 0
    assert [note.read_text() for note in notes.iterdir()] == [str(Path("new").resolve())]


def test_run_and_verify_ask_nothing(ska_edge, require_board: Callable[[str], Board]) -> None:
    require_board("host")
    quick = ("--hidden", "3", "--epochs", "1", "--samples", "5")
    assert ska_edge("run", "iris", "--board", "host", "-o", "r", *quick).code == 0
    assert ska_edge("verify", "r/model.ska", "iris", "--board", "host", "--samples", "5").code == 0
    assert ska_edge("build", "r/firmware").code == 0
