"""The sources that the layout rules check, and their imports."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("ska_edge", "firmware_gen")
COMMENT_OR_TEXT = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.S)


def modules() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            found[name.removesuffix(".__init__")] = path.read_text(encoding="utf-8")
    return found


MODULES = modules()


def imports(name: str, source: str) -> set[str]:
    """Return the dotted names of all imported modules, including type-checking imports."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = name.split(".")[: -node.level]
                base = ".".join([*parts, *filter(None, [node.module])])
            # `from package import module` imports the module, too.
            inner = {f"{base}.{alias.name}" for alias in node.names} & set(MODULES)
            found |= inner or {base}
    return found


def roots(names: set[str]) -> set[str]:
    return {name.split(".")[0] for name in names}


def c_sources() -> dict[str, str]:
    """Return the hand-written C of the runtime, the boards, the benchmark and the library."""
    folder = ROOT / "firmware_gen"
    patterns = ("runtime/*.[ch]", "boards/*/*.[ch]", "bench/*.[ch]", "library/*.[ch]")
    paths = [path for pattern in patterns for path in folder.glob(pattern)]
    return {str(p.relative_to(folder)): p.read_text(encoding="utf-8") for p in sorted(paths)}


C_SOURCES = c_sources()


def c_code(source: str) -> str:
    """Return a C source without its comments and string literals, line for line."""
    return COMMENT_OR_TEXT.sub(lambda match: "\n" * match[0].count("\n"), source)
