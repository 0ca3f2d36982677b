"""`ska_edge` has the documented names, its import is cheap, and the example in it runs."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import ska_edge

ROOT = Path(ska_edge.__file__).resolve().parent.parent


def test_the_example_in_the_docstring_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sklearn")
    monkeypatch.chdir(tmp_path)
    found = doctest.testmod(ska_edge)
    assert found.attempted >= 4
    assert found.failed == 0
    assert (tmp_path / "iris.ska").is_file()


def test_the_examples_of_the_page_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sklearn")
    monkeypatch.chdir(tmp_path)
    page = ROOT / "docs" / "PYTHON.md"
    found = doctest.testfile(str(page), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert found.attempted > 20
    assert found.failed == 0
    text = page.read_text(encoding="utf-8")
    assert all(f"`{name}" in text for name in ska_edge.__all__)


def test_the_import_loads_no_other_package() -> None:
    program = (
        "import sys; before = set(sys.modules); import ska_edge;"
        " print(*{name.split('.')[0] for name in set(sys.modules) - before})"
    )
    printed = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert "ska_edge" in printed.split()
    assert set(printed.split()) - set(sys.stdlib_module_names) == {"ska_edge"}


@pytest.mark.parametrize("name", ska_edge.__all__)
def test_every_public_name_is_there_and_says_what_it_is(name: str) -> None:
    found = getattr(ska_edge, name)
    assert name in dir(ska_edge)
    assert name == "__version__" or inspect.getdoc(found)


def test_a_type_checker_sees_the_names_that_are_imported_late() -> None:
    tree = ast.parse(inspect.getsource(ska_edge))
    block = next(
        node
        for node in tree.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    )
    seen = {
        alias.name: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == ska_edge._HOMES
    assert seen.keys() < set(ska_edge.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'ska_edge' has no attribute 'trian'"):
        _ = ska_edge.trian
    assert not hasattr(importlib.reload(ska_edge), "trian")


def test_the_version_is_that_of_the_distribution() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'version = { attr = "ska_edge.__version__" }' in text
    assert ska_edge.__version__.count(".") == 2


@pytest.mark.parametrize("package", ["ska_edge", "firmware_gen"])
def test_the_packages_say_that_they_are_typed(package: str) -> None:
    assert (ROOT / package / "py.typed").is_file()
    assert '"py.typed"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
