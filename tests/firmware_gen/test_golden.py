"""The committed golden project is what the generator writes today, byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from ska_edge.training.options import OPTIONS, flag
from tests.golden.options_page import PAGE, emit_options
from tests.golden.regenerate import FOLDER, golden_files


@pytest.mark.parametrize("path", sorted(golden_files()), ids=lambda p: str(p.relative_to(FOLDER)))
def test_generated_text_is_the_committed_one(path: Path) -> None:
    message = "the generator writes other C than before; if that is meant, run `make golden`"
    assert path.read_text(encoding="utf-8") == golden_files()[path], message


def test_no_golden_file_is_left_over() -> None:
    committed = set(FOLDER.rglob("*.h"))
    assert committed == set(golden_files())


def test_the_page_of_the_options_has_the_table_of_today() -> None:
    message = "an option is described otherwise than before; if that is meant, run `make golden`"
    page = PAGE.read_text(encoding="utf-8")
    assert emit_options(page) == page, message
    for name in OPTIONS:
        assert page.count(f"| `{flag(name)}` | `{name}` |") == 1
