"""The table of CONTRIBUTING.md: each kind of change begins in the place that the table names."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import click
import pytest

import ska_edge
from firmware_gen.board.board import board_names
from firmware_gen.emit.front import KEPT, SOURCES
from firmware_gen.emit.messages import emit
from firmware_gen.export.table import EXPORTS
from firmware_gen.export.write import SHARED
from ska_edge.cli.groups import GROUPS
from ska_edge.cli.main import main
from ska_edge.frontend.frontends import FRONTENDS
from ska_edge.frontend.request import AUTO, NONE
from ska_edge.model.scaling import SCALINGS
from ska_edge.plan.precision import PRECISIONS
from ska_edge.rules.rule import RULES
from ska_edge.training.options import OPTIONS
from ska_edge.wire.protocol import MESSAGES

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| an? ([^|]+) \| `([^`]+)` \| `([^`]+)` \|$", PAGE, re.M)


def defined(source: str) -> set[str]:
    """Return the names that a module defines or assigns, also inside functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    return names


def test_the_table_has_fifteen_kinds() -> None:
    assert len(ROWS) == 15


@pytest.mark.parametrize(("place", "name"), [row[1:] for row in ROWS])
def test_each_place_of_the_table_exists(place: str, name: str) -> None:
    if place.endswith("/"):
        assert sorted((ROOT / place).glob(f"*/{name}"))
    else:
        assert name in defined((ROOT / place).read_text(encoding="utf-8"))


def test_a_row_of_a_table_is_all_that_its_users_need() -> None:
    assert OPTIONS["rule"].choices == tuple(RULES)
    assert OPTIONS["precision"].choices == tuple(PRECISIONS)
    assert OPTIONS["scale"].choices == tuple(SCALINGS)
    frontend = next(o for o in main.commands["train"].params if o.name == "frontend")
    assert frontend.type.choices == (*FRONTENDS, AUTO, NONE)
    sources = {path.name for path in SOURCES.iterdir() if path.is_dir()}
    assert sources == {*FRONTENDS, KEPT}
    train = {parameter.name for parameter in main.commands["train"].params}
    assert set(OPTIONS) <= train
    assert set(OPTIONS) <= set(inspect.signature(ska_edge.train).parameters)
    assert all(f"SKA_MESSAGE_{message.name} " in emit() for message in MESSAGES)
    commands = [command for group in GROUPS.values() for command, _ in group]
    assert set(main.commands.values()) == set(commands)
    folders = {path.parent.name for path in (ROOT / "firmware_gen/boards").glob("*/board.toml")}
    assert folders == set(board_names())
    exports = {path.name for path in (ROOT / "firmware_gen/export/templates").iterdir()}
    assert exports == {*EXPORTS, SHARED.name}
    kind = next(option for option in main.commands["firmware"].params if option.name == "kind")
    assert isinstance(kind.type, click.Choice)
    assert set(kind.type.choices) == {*EXPORTS, "project"}
