"""The worked example of docs/ARITHMETIC.md has the numbers that the trainer computes."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from ska_edge.arithmetic.fixedpoint import Rate
from ska_edge.network.state import State
from ska_edge.network.trainer import FixedTrainer
from ska_edge.plan.resolve import make_plan

PAGE = (Path(__file__).parent.parent / "docs" / "ARITHMETIC.md").read_text(encoding="utf-8")


def cells(row: str) -> list[list[int]]:
    """Return the integers of each cell after the row's title: those after the cell's last equals
    sign, or all if there is no such sign.
    """
    line = next(line for line in PAGE.splitlines() if line.startswith(f"| {row}"))
    return [
        [int(n) for n in re.findall(r"-?\d+", cell.split("=")[-1])]
        for cell in line.strip("|").split("|")[1:]
    ]


def test_the_worked_layer_has_the_trainers_numbers() -> None:
    plan = make_plan((2, 2), rate=0.125)
    state = State(plan)
    state.tensor(0, "weight")[:] = [[2048, -1024], [512, 4096]]
    state.tensor(0, "bias")[:] = [100, -300]
    x = np.array([64, -32])
    sums = state.tensor(0, "weight") @ x + 128 * state.tensor(0, "bias")
    trainer = FixedTrainer(state)
    decisions = trainer.learn_one(x, 0)
    metrics = trainer.metrics()[0]
    assert cells("sum = W a") == [[sums[0]], [sums[1]]]
    z = cells("z = round")
    assert metrics["z_square"] == z[0][0] ** 2 + z[1][0] ** 2
    assert cells("D |") == [[d] for d in decisions]
    assert cells("shift = Y - D") == [[32767 - decisions[0]], [-decisions[1]]]
    assert cells("new W") == state.tensor(0, "weight").tolist()
    assert cells("new b") == [[b] for b in state.tensor(0, "bias")]


def test_the_interpolation_on_the_page_is_right() -> None:
    table = make_plan((2, 2)).table
    assert f"table[133] = {table[133]}, table[134] = {table[134]}" in PAGE
    rise = table[134] - table[133]
    part = (rise * 50 + 64) // 128
    assert f"{table[133]} + round({rise} * 50, 7) = {table[133]} + {part}" in PAGE


def test_the_rates_on_the_page() -> None:
    tenth = Rate.from_real(0.1)
    assert f"0.1 is {tenth.mantissa} and {tenth.shift}, which is {tenth.real:.7f}" in PAGE
    assert Rate.from_real(0.125) == Rate(32768, 3)
