"""Every dependency has a reason, and the pins cover all of them."""

from __future__ import annotations

import re
import sys
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
PROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
LOCK = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8")
PIN = re.compile(r"([a-z0-9-]+)==[\w.]+(?: ; .+)?")
UNPINNED = {"torch"}  # only the extra `bench` needs it, and only `make bench` installs that


def dependencies(text: str) -> list[str]:
    """Return every requirement in a pyproject.toml, except for the project's own extras."""
    project = tomllib.loads(text)["project"]
    lists = [project["dependencies"], *project.get("optional-dependencies", {}).values()]
    return [each for some in lists for each in some if not each.startswith("ska-edge[")]


def without_reason(text: str) -> list[str]:
    """Return the requirements whose line does not end with a comment."""
    return [
        each
        for each in dependencies(text)
        if re.search(rf'^ *"{re.escape(each)}", +# \S.{{4,}}$', text, re.MULTILINE) is None
    ]


def test_every_dependency_has_a_reason() -> None:
    assert len(dependencies(PROJECT)) > 20
    assert without_reason(PROJECT) == []


def test_a_missing_reason_is_found() -> None:
    text = '[project]\ndependencies = [\n  "one>=1", # counts\n  "two>=2",\n  "three", #\n]\n'
    assert without_reason(text) == ["two>=2", "three"]


def test_the_pins_are_versions_and_cover_every_dependency() -> None:
    pins = [PIN.fullmatch(line) for line in LOCK.splitlines()]
    assert None not in pins  # no index URL, no option, no range
    pinned = {pin[1] for pin in pins if pin is not None}
    direct = {re.split(r"[^\w-]", each)[0] for each in dependencies(PROJECT)}
    assert direct - pinned == UNPINNED
