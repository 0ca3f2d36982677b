"""A package with many modules is divided into packages, or says why not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from tests.architecture.sources import MODULES

MOST = 14  # modules in a package, besides the packages in it
UNDIVIDED = {
    "ska_edge.cli.commands": "a file has the name of the command that a user types",
}


def packages(names: Iterable[str]) -> set[str]:
    """Return the dotted names that have other names below them."""
    return {name.rpartition(".")[0] for name in names} - {""}


def crowded(names: Iterable[str]) -> list[str]:
    listed = set(names)
    counts = Counter(name.rpartition(".")[0] for name in listed - packages(listed))
    return sorted(name for name, count in counts.items() if count > MOST)


def test_no_package_is_crowded_without_a_reason() -> None:
    assert crowded(MODULES) == sorted(UNDIVIDED)


def test_a_crowded_package_is_found() -> None:
    names = [f"a.b.m{number}" for number in range(MOST)]
    assert crowded(["a", "a.b", "a.b.c", "a.b.c.d", *names]) == []
    assert crowded(["a", "a.b", *names, "a.b.one_more"]) == ["a.b"]
