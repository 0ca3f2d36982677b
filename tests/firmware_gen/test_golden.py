"""The committed golden project is what the generator writes today, byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from ska_edge.training.option import Kind, Option, Scope
from ska_edge.training.options import OPTIONS, flag
from tests.golden import keywords
from tests.golden.options_page import PAGE
from tests.golden.regenerate import EMBEDDED, FOLDER, golden_files


@pytest.mark.parametrize("path", sorted(golden_files()), ids=lambda p: str(p.relative_to(FOLDER)))
def test_generated_text_is_the_committed_one(path: Path) -> None:
    message = "the generator writes other C than before; if that is meant, run `make golden`"
    assert path.read_text(encoding="utf-8") == golden_files()[path], message


def test_no_golden_file_is_left_over() -> None:
    committed = set(FOLDER.rglob("*.h"))
    assert committed == set(golden_files())


@pytest.mark.parametrize("path", EMBEDDED, ids=lambda path: path.name)
def test_the_generated_part_of_a_file_is_that_of_today(path: Path) -> None:
    message = "it is described otherwise than before; if that is meant, run `make golden`"
    text = path.read_text(encoding="utf-8")
    assert EMBEDDED[path](text) == text, message


def test_a_new_option_becomes_a_keyword(monkeypatch: pytest.MonkeyPatch) -> None:
    new = Option(help="How warm it is.", kind=Kind.WORD, choices=("cold", "hot"), words="cold")
    monkeypatch.setitem(OPTIONS, "warmth", new)
    monkeypatch.setitem(keywords.DEFAULTS, "warmth", None)
    for path in (keywords.TRAIN, keywords.CLASSIFIER, keywords.ESTIMATOR):
        text = EMBEDDED[path](path.read_text(encoding="utf-8"))
        parameter, description = path != keywords.CLASSIFIER, path != keywords.ESTIMATOR
        assert ("    warmth: str | None = None,\n" in text) == parameter
        assert ('warmth: how warm it is: "cold" or "hot". ' in text) == description
        assert text.count("self.warmth = warmth") == (path == keywords.ESTIMATOR)


@pytest.mark.parametrize(
    "option",
    [
        Option(help="A file.", kind=Kind.FILE),
        Option(help="Passes.", kind=Kind.COUNT, scope=Scope.NO_LABELS),
        Option(help="Rows.", kind=Kind.COUNT, divides=True),
    ],
)
def test_options_that_an_estimator_cannot_use_are_no_keywords(
    monkeypatch: pytest.MonkeyPatch, option: Option
) -> None:
    monkeypatch.setitem(OPTIONS, "warmth", option)
    for path in (keywords.CLASSIFIER, keywords.ESTIMATOR):
        text = path.read_text(encoding="utf-8")
        assert EMBEDDED[path](text) == text


def test_the_page_of_the_options_has_each_of_them() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for name in OPTIONS:
        assert page.count(f"| `{flag(name)}` | `{name}` |") == 1
