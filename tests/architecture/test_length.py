"""A module is short, or its docstring says why it is long."""

from __future__ import annotations

import re

import pytest

from tests.architecture.sources import C_SOURCES, MODULES

LONG = 400  # a file with more lines needs a reason
HEAD = 15  # the reason must be in these first lines
REASON = re.compile(r"\b(is one (long )?file|file is long),? (so that|because) ")
SOURCES = {**MODULES, **C_SOURCES}


def unreasoned(source: str) -> bool:
    lines = source.splitlines()
    head = " ".join(line.lstrip(" */#") for line in lines[:HEAD])
    return len(lines) > LONG and not REASON.search(head)


def test_a_long_module_says_why() -> None:
    assert [name for name, source in SOURCES.items() if unreasoned(source)] == []


@pytest.mark.parametrize(
    ("head", "lines", "found"),
    [
        ("", 401, True),
        ("", 400, False),
        ('"""All rules.\n\nIt is one long file, so that\nit can be read."""\n', 500, False),
        ("/* Loops.\n * It is one file so\n * that tables exist once. */\n", 500, False),
        ("/* The firmware.\n * The file is long\n * because it is read whole. */\n", 500, False),
        ('"""One file that is long."""\n', 500, True),
        ("\n" * HEAD + "# The file is long so that it is found too late.\n", 500, True),
    ],
)
def test_a_long_module_without_a_reason_is_found(head: str, lines: int, found: bool) -> None:
    assert unreasoned(head + "\n" * (lines - head.count("\n"))) == found
