"""No imports form a circle; imports for type checking count, too."""

from __future__ import annotations

import ast

import pytest

from tests.architecture.sources import MODULES, imports

# Imports inside a function that close a circle on purpose, and the reason for each.
LATE = {
    ("ska_edge.model.model_file", "ska_edge.model.onnx_export"): "`Model.export_onnx` is a method;"
    " a program that exports nothing does not wait for onnx, which takes a second to import"
}


def graph(sources: dict[str, str]) -> dict[str, set[str]]:
    """Return the modules that each module imports, by dotted name, except the imports in `LATE`."""
    return {
        name: {found for found in imports(name, source) & set(sources) if (name, found) not in LATE}
        for name, source in sources.items()
    }


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


@pytest.mark.parametrize(("name", "needed"), LATE)
def test_every_late_import_closes_a_circle_and_is_inside_a_function(name: str, needed: str) -> None:
    assert name in imports(needed, MODULES[needed])
    assert needed in imports(name, MODULES[name])
    top = [node for node in ast.parse(MODULES[name]).body if not isinstance(node, ast.ClassDef)]
    assert needed not in imports(name, "\n".join(map(ast.unparse, top)))
