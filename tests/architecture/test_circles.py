"""No imports form a circle; imports for type checking count, too."""

from __future__ import annotations

import pytest

from tests.architecture.sources import MODULES, imports


def graph(sources: dict[str, str]) -> dict[str, set[str]]:
    return {name: imports(name, source) & set(sources) for name, source in sources.items()}


def circle(needs: dict[str, set[str]]) -> list[str]:
    """Return modules in a circle of imports, where each imports the next; empty if there is
    none.
    """
    done: set[str] = set()

    def visit(name: str, path: list[str]) -> list[str]:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done:
            return []
        done.add(name)
        return next(filter(None, (visit(n, [*path, name]) for n in sorted(needs[name]))), [])

    return next(filter(None, (visit(name, []) for name in sorted(needs))), [])


def test_no_modules_need_each_other() -> None:
    assert circle(graph(MODULES)) == []


@pytest.mark.parametrize(
    ("sources", "found"),
    [
        ({"a": "import b", "b": "import c", "c": ""}, []),
        ({"a": "import b\nimport c", "b": "import c", "c": ""}, []),
        ({"a": "import b", "b": "import c", "c": "def f():\n    import b"}, ["b", "c", "b"]),
        (
            {"a": "from b import B", "b": "if TYPE_CHECKING:\n    from a import A\nclass B: ..."},
            ["a", "b", "a"],
        ),
    ],
)
def test_a_circle_is_found(sources: dict[str, str], found: list[str]) -> None:
    assert circle(graph(sources)) == found
