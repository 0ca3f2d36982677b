"""Each claim of docs/SECURITY.md names the tests that show it, and these tests exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/SECURITY.md").read_text(encoding="utf-8")
CLAIMS = re.findall(r"^\| (.+) \| (.+) \|$", PAGE, re.M)
CLAIMS = [claim for claim in CLAIMS if claim != ("what is defended", "test")]


def named(cell: str) -> list[tuple[str, str]]:
    """Return the file and the name of each test in a cell that holds nothing else."""
    tests = re.findall(r"`([\w/]+\.py)::(\w+)`", cell)
    assert cell == ", ".join(f"`{file}::{name}`" for file, name in tests), cell
    return tests


def functions_in(file: str) -> set[str]:
    tree = ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8"))
    return {each.name for each in tree.body if isinstance(each, ast.FunctionDef)}


@pytest.mark.parametrize(("claim", "cell"), CLAIMS, ids=[claim for claim, _ in CLAIMS])
def test_a_claim_names_tests_that_exist(claim: str, cell: str) -> None:
    tests = named(cell)
    assert tests
    for file, name in tests:
        assert name.startswith("test_") and name in functions_in(file), f"{file}::{name}"


def test_every_table_is_read() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("|")]
    tables = PAGE.count("|---|---|")
    assert len(CLAIMS) == len(rows) - 2 * tables > 30


@pytest.mark.parametrize("cell", ["the tests", "`test_wheel.py`", "`test_wheel.py::a`, and others"])
def test_a_cell_of_words_is_found(cell: str) -> None:
    with pytest.raises(AssertionError):
        assert named(cell)
