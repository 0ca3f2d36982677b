"""Only the command line prints."""

from __future__ import annotations

import ast

import pytest

from tests.architecture.sources import MODULES, imports, roots

# These modules are programs of their own, whose output another program reads.
PROGRAMS = {
    "firmware_gen.emulators.cortex_m4",
    "firmware_gen.emulators.program",
    "ska_edge.network.engine.trial",
}


def printing(name: str, source: str) -> list[int]:
    if name.startswith("ska_edge.cli.") or name in PROGRAMS:
        return []
    lines = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            text = ast.unparse(node.func)
            if text in ("print", "pprint", "click.echo", "sys.stdout.write", "sys.stderr.write"):
                lines.append(node.lineno)
        elif isinstance(node, (ast.Import, ast.ImportFrom)) and (
            roots(imports(name, ast.unparse(node))) & {"rich", "click"}
        ):
            lines.append(node.lineno)
    return sorted(lines)


def test_only_the_command_line_prints() -> None:
    lines = {name: printing(name, source) for name, source in MODULES.items()}
    assert {name: found for name, found in lines.items() if found} == {}


@pytest.mark.parametrize(
    "source",
    ["print('x')", "import sys\n\nsys.stderr.write('x')", "from rich.table import Table"],
)
def test_printing_is_found(source: str) -> None:
    assert printing("ska_edge.network.trainer", source) == [len(source.split("\n"))]
    assert printing("ska_edge.cli.commands.train", source) == []
