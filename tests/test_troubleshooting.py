"""docs/TROUBLESHOOTING.md names every kind of error and of warning, and quotes real sentences.

A kind of error is a class that a package raises. A package that raises a class that its section
does not list fails here, and so does a sentence that the code no longer has.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

import ska_edge.errors
from firmware_gen.board.tools import COMPILER, EMULATOR, FLASHER
from ska_edge.cli import signals
from ska_edge.errors import SkaError
from ska_edge.network.measures.diagnosis import SIGNS
from ska_edge.network.measures.warning import GENERAL_SIGNS, general_warning

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs/TROUBLESHOOTING.md").read_text(encoding="utf-8")
ELSEWHERE = ("of the shell", "of make")  # whose message it is, if it is not ours
TREES = {
    path: ast.parse(path.read_text(encoding="utf-8"))
    for top in ("ska_edge", "firmware_gen")
    for path in sorted((ROOT / top).rglob("*.py"))
}


def nodes() -> Iterator[tuple[Path, ast.AST]]:
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            yield path, node


def error_classes() -> set[str]:
    """Return the names of all classes below SkaError."""
    bases = {
        node.name: {base.id for base in node.bases if isinstance(base, ast.Name)}
        for _, node in nodes()
        if isinstance(node, ast.ClassDef)
    }
    found = {"SkaError"}
    while new := {name for name, above in bases.items() if above & found} - found:
        found |= new
    return found


def raised() -> dict[str, set[str]]:
    """Return the error classes that each package raises or makes."""
    known, found = error_classes(), defaultdict(set)
    for path, node in nodes():
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in known:
            package = path.relative_to(ROOT).parts[:-1][:2]
            found["/".join(package)].add(node.func.id)
    return dict(found)


def sentences() -> str:
    """Return all texts of the code, with `...` in place of values, one per line."""
    found = []
    for _, node in nodes():
        if isinstance(node, ast.JoinedStr):
            parts = (
                part.value if isinstance(part, ast.Constant) else "..." for part in node.values
            )
            found.append("".join(map(str, parts)))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.append(node.value)
    return "\n".join(found)


def listed() -> dict[str, set[str]]:
    """Return the error classes that the page lists for each package; no package is there twice."""
    pairs = re.findall(r"^<!-- ([\w/]+): (.+) -->$", PAGE, re.M)
    assert len(dict(pairs)) == len(pairs)
    return {package: set(names.split(", ")) for package, names in pairs}


def messages() -> list[str]:
    """Return the messages that the page quotes from the code."""
    cells = re.findall(r"^\| (`.+?`[^|]*) \|", PAGE, re.M)
    own = [cell for cell in cells if not any(other in cell for other in ELSEWHERE)]
    return [text for cell in own for text in re.findall(r"`([^`]+)`", cell)]


@pytest.mark.parametrize("package", sorted(raised()))
def test_every_kind_of_error_has_a_section(package: str) -> None:
    assert raised()[package] <= listed().get(package, set())


SENTENCES = sentences()


@pytest.mark.parametrize("message", messages())
def test_a_quoted_message_is_in_the_code(message: str) -> None:
    parts = [re.escape(part) for part in message.split("...")]
    # A value may be a placeholder, such as {bits}, or a part of the text, such as a fixed name.
    assert re.search(r"[^\n]*".join(parts), SENTENCES)


def test_every_warning_is_explained_once() -> None:
    rows = re.findall(r"^\| (\*\*.+?) \|", PAGE, re.M)
    found = [sign for row in rows for sign in re.findall(r"\*\*(.+?)\*\*", row)]
    assert sorted(found) == sorted({*SIGNS, *GENERAL_SIGNS})


def test_a_warning_that_the_page_does_not_know_is_refused() -> None:
    assert general_warning("fell back", "text")["sign"] == "fell back"
    with pytest.raises(ValueError, match="not in GENERAL_SIGNS"):
        general_warning("no such sign", "text")


def test_every_exit_code_is_explained() -> None:
    rows = re.findall(r"^\| ([\d, ]+) \|", PAGE, re.M)
    found = {int(code) for row in rows for code in row.split(", ")}
    classes = vars(ska_edge.errors).values()
    ours = {
        each.exit_code for each in classes if isinstance(each, type) and issubclass(each, SkaError)
    }
    assert found == ours | {0, 70, 141, 143, 129, signals.CTRL_C}


def test_every_kind_of_tool_of_doctor_is_explained() -> None:
    rows = re.findall(r"^\| (\w+) \|", PAGE.split("## Tools")[1], re.M)
    assert set(rows) == {"kind", COMPILER, EMULATOR, FLASHER}
