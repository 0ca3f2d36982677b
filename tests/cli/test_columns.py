"""Every column of a table and every default is explained, in one style."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from ska_edge.cli.main import main
from ska_edge.cli.screen.columns import DEVICES, LAYERS, SWEEP
from ska_edge.cli.screen.metrics import metrics_table
from ska_edge.device.info import Result
from ska_edge.model.model_file import Model
from ska_edge.report.model_tables import PROOF, RANGES, TENSORS
from ska_edge.report.table import Column

PAGE = Path(__file__).parents[2] / "docs" / "DEVICE.md"


def flat(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("column", [*LAYERS, *DEVICES], ids=lambda column: column.title)
def test_a_column_is_explained_in_the_help_and_in_the_docs(column: Column, ska_edge) -> None:
    explained = f"{column.title} {column.meaning}"
    assert explained in flat(ska_edge("monitor", "--help").out)
    title = column.title.replace("|", r"\|")
    assert f"| {title} | {column.meaning} |\n" in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["verify", "run"])
def test_the_help_of_every_command_with_the_table_explains_it(name: str, ska_edge) -> None:
    text = flat(ska_edge(name, "--help").out)
    assert all(f"{column.title} {column.meaning}" in text for column in LAYERS)


@pytest.mark.parametrize(
    ("name", "columns"), [("inspect", (*TENSORS, *RANGES, *PROOF)), ("sweep", SWEEP)]
)
def test_the_help_explains_the_other_tables(name: str, columns: Sequence[Column], ska_edge) -> None:
    text = flat(ska_edge(name, "--help").out)
    assert all(f"{column.title} {column.meaning}" in text for column in columns)


@pytest.mark.parametrize("board", ["virtual-m4", "mega2560"])
def test_the_parts_of_the_ram_add_up(board: str, ska_edge, iris_file: Path) -> None:
    memory = ska_edge("inspect", iris_file, "--board", board, "--json").document()["ram"]
    assert sum(memory["parts"].values()) == memory["bytes"]
    assert ("alignment" in memory["parts"]) == (board == "virtual-m4")


def test_the_table_has_the_columns_that_are_explained(iris: Model) -> None:
    table = metrics_table(iris.plan, "title", Result(0, 0, 0, ()))
    assert [column.header for column in table.wide.columns] == [column.title for column in LAYERS]


@pytest.mark.parametrize("name", sorted(main.commands))
def test_defaults_have_one_style_in_80_columns(name: str, ska_edge, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = ska_edge(name, "--help").out
    assert max(map(len, text.splitlines())) <= 80
    options = flat(text.partition("Options:")[2].partition("Example:")[0])
    for found in re.findall(r" \[([^]]*)\](?=[. ]|$)", options):
        bounds = re.fullmatch(r"[-\d.x<>=; ]+", found)
        choices = re.fullmatch(r"[\w-]+(\|[\w-]+)+", found)
        assert bounds or choices or found == "required" or found.startswith("default: "), found
