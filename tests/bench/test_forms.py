"""The table of docs/PERFORMANCE.md has the predicted RAM of each form on each board."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from firmware_gen.board.board import load_board
from firmware_gen.memory.footprint import FORMS, each_form
from ska_edge.plan.resolve import make_plan
from tests.bench.forms import BOARDS, NETWORKS

PAGE = Path(__file__).parents[2] / "docs" / "PERFORMANCE.md"
ROW = re.compile(r"^\| ([\d-]+) \| `([\w-]+)` \| (\w+ ?\w*) \| [\d,]+ \| ([\d,]+) \|", re.M)


def test_the_table_has_the_predicted_ram_of_each_form() -> None:
    found = {
        (sizes, board, form.replace(" ", "_")): int(ram.replace(",", ""))
        for sizes, board, form, ram in ROW.findall(PAGE.read_text())
    }
    assert len(found) == len(NETWORKS) * len(BOARDS) * len(FORMS)
    for (sizes, board, form), ram in found.items():
        plan = make_plan(tuple(map(int, sizes.split("-"))))
        assert each_form(plan, load_board(board))[form] == pytest.approx(ram, rel=0.02)


def test_the_forms_are_those_that_a_plan_can_have() -> None:
    board = load_board("virtual-m4")
    assert list(each_form(make_plan((4, 3)), board)) == ["learning", "inference_only"]
    large = make_plan((4, 300, 60, 3))
    assert list(each_form(large, load_board("uno"))) == ["learning"]
    assert len(each_form(large, board)) == 3
    unlabeled = make_plan((4, 3, 2), rule="published", batch=2, steps=2, rate=0.1)
    assert list(each_form(unlabeled, board)) == ["learning", "inference_only"]
