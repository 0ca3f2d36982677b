"""A model's name is the prefix of its files and C names; every accepted name gives valid C."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from firmware_gen.board.board import board_names
from firmware_gen.emit.names.prefix import check_prefix, renamed
from firmware_gen.export.table import EXPORTS
from firmware_gen.export.write import write_export
from firmware_gen.project import load_project, write_project
from ska_edge.errors import InputError
from ska_edge.plan.replay import Replay
from ska_edge.plan.resolve import make_plan

PLAN = make_plan((4, 3, 3, 2), replay=Replay(1, 1))
ZEROS = np.zeros(PLAN.parameter_count, dtype=np.int64)
LEFT = re.compile(r"\b(?:ska|SKA)_(?!edge)\w*|\bska\.[ch]\b")


def test_words_are_renamed_and_parts_of_words_are_not() -> None:
    text = 'ska_t *ska = SKA_OK; /* ska.c, ska.h, ska_edge/x.py */ my_ska_t; #include "ska_plan.h"'
    assert renamed(text, "wake") == (
        "wake_t *ska = WAKE_OK; /* wake.c, wake.h, ska_edge/x.py */ my_ska_t;"
        ' #include "wake_plan.h"'
    )
    assert renamed(text, "ska") == text


@pytest.mark.parametrize("board", board_names())
def test_a_project_has_no_word_of_another_model(board: str, tmp_path: Path) -> None:
    """A board keeps its own names, because a program has one board."""
    project = write_project(PLAN, ZEROS, board, tmp_path / "p", name="wake")
    of_model = [name for name in project.files if not name.startswith("board/")]
    assert len(of_model) > 40
    for name in of_model:
        assert name.split("/")[1].startswith("wake"), name
        assert LEFT.findall((tmp_path / "p" / name).read_text(encoding="utf-8")) == [], name
    assert load_project(tmp_path / "p").name == "wake"


@pytest.mark.parametrize("kind", EXPORTS)
def test_an_export_has_no_word_of_another_model(kind: str, tmp_path: Path) -> None:
    write_export(kind, PLAN, ZEROS, tmp_path / "Things", prefix="wake")
    for path in (path for path in (tmp_path / "Things").rglob("*") if path.is_file()):
        assert LEFT.findall(path.read_text(encoding="utf-8")) == [], path
    sources = [path for path in (tmp_path / "Things").rglob("*.[ch]") if path.name != "sensor.h"]
    of_model = {path.name for path in sources if (path.parent / "wake_plan.h").exists()}
    assert {name for name in of_model if not name.startswith("wake")} == {"Things.h"}
    assert len(of_model) > 40


def test_a_library_may_have_the_name_of_its_model(tmp_path: Path) -> None:
    write_export("cmake", PLAN, ZEROS, tmp_path / "wake", prefix="wake")
    header = (tmp_path / "wake" / "src" / "wake.h").read_text(encoding="utf-8")
    assert "wake_learn" in header
    assert '#include "wake_device.h"' in header


@pytest.mark.parametrize("name", ["wake", "w", "left_hand2", "ska", "t" * 24])
def test_good_names_of_models_are_accepted(name: str) -> None:
    check_prefix(name)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "the model cannot be named ''"),
        ("Wake", "the model cannot be named 'Wake' in C; give a name of at most 24 small letters"),
        ("2nd", "the model cannot be named '2nd' in C"),
        ("left-hand", "the model cannot be named 'left-hand' in C"),
        ("wake_", "the model cannot be named 'wake_' in C"),
        ("_wake", "the model cannot be named '_wake' in C"),
        ("wäke", "the model cannot be named 'wäke' in C"),
        ("wake\n", "the model cannot be named 'wake\\n' in C"),
        ("t" * 25, "at most 24 small letters"),
        ("register", "register is a keyword of C or C++, so the model cannot be named register"),
        ("namespace", "namespace is a keyword of C or C++"),
        ("int8", "int8_ begins names of the C library"),
        ("size", "size_ begins names of the C library"),
        ("string", "string.h is a header of C"),
        ("wire", "wire.h is a header of Arduino"),
        ("ska_left", "ska_ begins the names of a model without a name"),
    ],
)
def test_bad_names_of_models_are_refused(name: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=re.escape(sentence)):
        write_project(PLAN, ZEROS, "host", tmp_path / "p", name=name)
    with pytest.raises(InputError, match=re.escape(sentence)):
        write_export("arduino", PLAN, ZEROS, tmp_path / "p", prefix=name)
    assert list(tmp_path.iterdir()) == []


def test_a_new_name_replaces_the_files_of_the_old_one(tmp_path: Path) -> None:
    write_project(PLAN, ZEROS, "host", tmp_path / "p", name="wake")
    write_project(PLAN, ZEROS, "host", tmp_path / "p", name="gest")
    assert not list((tmp_path / "p" / "src").glob("wake*"))
