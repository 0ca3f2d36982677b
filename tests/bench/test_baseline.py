"""No figure of a board grows unnoticed: instructions or cycles, flash, RAM, stack, code."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from firmware_gen import toolchains
from firmware_gen.board.board import Board
from tests.bench.baseline import BOARDS, FIGURES, FRONT, changes, committed, measured
from tests.bench.front import BOARDS as BOARDS_OF_FRONTS
from tests.conftest import without

RENEW = "if that is meant, run `make bench-baseline` and commit what it writes"


@pytest.mark.parametrize("name", BOARDS)
def test_no_figure_grows(name: str, require_board: Callable[[str], Board]) -> None:
    pytest.importorskip("sklearn")
    board, baseline = require_board(name), committed()
    assert name in baseline, f"board {name} has no baseline; run `make bench-baseline`"
    before = baseline[name]
    compiler = toolchains.choose([compiler.name for compiler in board.toolchains]).version()
    if compiler != before["compiler"]:
        without(f"the baseline of board {name} is of {before['compiler']}, here is {compiler}")
    grown, shrunk = changes(before, measured(board))
    if shrunk:
        print(f"{name}: {', '.join(shrunk)}; `make bench-baseline` keeps it")
    assert not grown, f"{name}: {', '.join(grown)}; {RENEW}"


def test_the_baseline_has_exactly_the_measured_boards() -> None:
    assert set(committed()) == set(BOARDS)


BEFORE = {
    "infer": 1000.0,
    "learn": 5000.0,
    "learn_margin": 2000.0,
    "flash": 4000,
    "ram": 600,
    "stack": 100,
    "code": 900,
    "front_sample": 840.0,
    "front_sample_most": 857,
    "front_window": 17000,
    "spectrum_window": 100000,
    "kernels_window": 1700000,
    "echo_sample": 6000.0,
    "echo_window": 40000,
    "front_image": 600000,
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_that_grows_by_more_than_two_percent_is_found(name: str) -> None:
    assert changes(BEFORE, {**BEFORE, name: BEFORE[name] * 1.03})[0] != []
    assert changes(BEFORE, {**BEFORE, name: BEFORE[name] * 1.01}) == ([], [])
    grown, shrunk = changes(BEFORE, {**BEFORE, name: BEFORE[name] * 0.9})
    assert (grown, len(shrunk)) == ([], 1)


def test_a_new_figure_counts_as_grown() -> None:
    assert changes({**BEFORE, "stack": None}, BEFORE)[0] == ["stack None -> 100"]
    assert changes(BEFORE, {**BEFORE, "stack": None})[0] == ["stack 100 -> None"]
    assert changes({**BEFORE, "stack": None}, {**BEFORE, "stack": None}) == ([], [])


def page() -> list[str]:
    path = Path(__file__).parents[2] / "docs" / "PERFORMANCE.md"
    return path.read_text(encoding="utf-8").splitlines()


def test_the_documented_figures_with_a_margin_are_those_of_the_baseline() -> None:
    rows = [line.split("|") for line in page() if re.match(r"\| .+, `qemu-", line)]
    assert len(rows) == 3
    for _, name, infer, _, learn, _ in rows:
        figures = committed()[name.split("`")[1]]
        found = [int(cell.replace(",", "")) for cell in (infer, learn)]
        assert found == [round(figures["infer"]), round(figures["learn_margin"])]


def test_the_documented_figures_of_front_ends_are_those_of_the_baseline() -> None:
    start = page().index("### Front ends")
    rows = [line.split("|") for line in page()[start:] if re.match(r"\| Cortex-.+ \(`qemu-", line)]
    assert [row[1].split("`")[1] for row in rows] == list(BOARDS_OF_FRONTS)
    for _, name, *cells, _ in rows:
        found = [int(cell.replace(",", "")) for cell in cells]
        figures = committed()[name.split("`")[1]]
        assert found == [round(figures[figure]) for figure in FRONT]


def test_the_documented_figures_are_those_of_the_baseline() -> None:
    results, _, _ = "\n".join(page()).partition("\n### ")  # the table of cycles comes later
    rows = [line.split("|") for line in results.splitlines() if line.startswith("| `qemu-")]
    assert len(rows) == 7
    for _, name, *cells in rows:
        figures = committed()[name.strip(" `")]
        own = [int(cell.split("(")[0].replace(",", "")) for cell in cells[:4]]
        stack_too = figures["ram"] + figures["stack"]
        assert own == [
            round(figures["infer"]),
            round(figures["learn"]),
            stack_too,
            figures["code"],
        ]
