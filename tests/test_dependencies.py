"""What the project depends on: every package has a reason, and the pins cover them all."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
LOCK = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8")
# A list of dependencies, and in it one of them with what is behind it on its line.
LIST = re.compile(r"^([\w-]+) = \[\n((?: {4}\".*\n)+)\]$", re.MULTILINE)
DEPENDENCY = re.compile(r' {4}"([\w-]+)(?:\[[\w,]+\])?>=[^"]+",(.*)')
PIN = re.compile(r"([a-z0-9-]+)==[\w.]+(?: ; .+)?")
UNPINNED = {"torch"}  # of the extra `bench`, which `make bench` alone installs


def dependencies(text: str) -> dict[str, str]:
    """The packages that pyproject.toml names, and what is written behind each."""
    found = {}
    for name, lines in LIST.findall(text):
        for line in lines.splitlines():
            match = DEPENDENCY.fullmatch(line)
            if match is not None:
                found[match[1]] = match[2].strip()
            else:
                assert line.strip().startswith('"ska-edge['), (name, line)
    return found


def test_every_dependency_has_a_reason() -> None:
    found = dependencies(PROJECT)
    assert {"numpy", "unicorn", "paho-mqtt", "dask", "torch", "pytest-timeout"} <= set(found)
    assert [name for name, reason in found.items() if not re.fullmatch(r"# \S.{5,}", reason)] == []


def test_a_missing_reason_is_found() -> None:
    text = 'dev = [\n    "ska-edge[sim]",\n    "mypy>=1",\n    "ruff>=1", # lint\n]\n'
    assert dependencies(text) == {"mypy": "", "ruff": "# lint"}
    with pytest.raises(AssertionError):
        dependencies('dev = [\n    "mypy",\n]\n')


def test_the_pins_are_versions_and_cover_every_dependency() -> None:
    pins = [PIN.fullmatch(line) for line in LOCK.splitlines()]
    assert None not in pins  # no address of an index, no option, no range
    pinned = {pin[1] for pin in pins if pin is not None}
    assert set(dependencies(PROJECT)) - pinned == UNPINNED
