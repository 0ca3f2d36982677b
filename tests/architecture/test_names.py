"""No file has a meaningless name."""

from __future__ import annotations

import re

from tests.architecture.sources import PACKAGES, ROOT

BANNED = ("utils", "util", "helper", "helpers", "manager", "common", "misc")


def banned_names(names: list[str]) -> list[str]:
    return [name for name in names if set(re.split(r"[._/-]", name.lower())) & set(BANNED)]


def test_no_file_has_a_name_that_says_nothing() -> None:
    kinds = {".py", ".c", ".h", ".S", ".ld", ".toml"}
    names = [
        str(path.relative_to(ROOT))
        for folder in (*PACKAGES, "tests", "examples")
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in kinds
    ]
    assert len(names) > 50
    assert banned_names(names) == []


def test_a_banned_name_is_found() -> None:
    names = [
        "ska_edge/utils.py",
        "firmware_gen/board_manager.py",
        "a/common/x.c",
        "ska_edge/rules/rule.py",
    ]
    assert banned_names(names) == names[:3]
