"""On a narrow or a low terminal, nothing of a view is cut, and lines break between words."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from rich.console import Console, ConsoleDimensions, RenderableType

from ska_edge.cli.screen.columns import METRICS
from ska_edge.cli.screen.console import Output
from ska_edge.cli.screen.live import LEGEND, live_picture
from ska_edge.cli.screen.metrics import metrics_table
from ska_edge.cli.screen.trends import BLOCKS, WIDTH, Trends
from ska_edge.device.info import Result
from ska_edge.device.steering import Steering
from ska_edge.model.quantization import quantize_state
from ska_edge.monitor.fleet import Member
from ska_edge.monitor.log.line import LogRow
from ska_edge.network.measures.metrics import layer_metrics
from ska_edge.network.trainer import FixedTrainer
from ska_edge.network.twin import tensors_of
from ska_edge.plan.plan import Plan
from ska_edge.plan.resolve import make_plan
from ska_edge.rules.reference import initial_parameters


def shown(picture: RenderableType, columns: int, lines: int = 24) -> list[str]:
    """Return the lines of a picture on a terminal of some size."""
    file = io.StringIO()
    console = Console(
        file=file, width=columns, height=lines, force_terminal=True, color_system=None
    )
    console.print(picture)
    return file.getvalue().splitlines()


def learned(layers: int) -> tuple[Plan, Result]:
    """Return a plan with some layers, and the result of one step."""
    plan = make_plan((4, *(5 for _ in range(layers - 1)), 3))
    start = initial_parameters(plan.sizes, plan.rule, seed=3)
    trainer = FixedTrainer(quantize_state(plan, tensors_of(start)))
    decisions = trainer.learn_one(np.array([90, -20, 3, 44]), 1)
    return plan, Result(1, 1, 0, tuple(decisions.tolist()), tuple(trainer.metrics()))


def check_whole(plan: Plan, result: Result, lines: list[str]) -> None:
    """Check that each name and each figure of the metrics is in the lines."""
    text = "\n".join(lines)
    assert "…" not in text
    for index, sums in enumerate(result.metrics):
        assert f"{index} ({plan.layers[index].outputs})" in text
        found = layer_metrics(plan, index, sums)
        for metric in METRICS:
            assert metric.title in text and metric.text(found) in text


@pytest.mark.parametrize("columns", [46, 60, 80, 120])
def test_no_head_and_no_figure_of_the_metrics_is_cut(columns: int) -> None:
    plan, result = learned(5)
    lines = shown(metrics_table(plan, "1/1 sample", result), columns)
    assert max(map(len, lines)) <= columns and lines[0].strip() == "1/1 sample"
    check_whole(plan, result, lines)


@pytest.mark.parametrize(("layers", "height", "trends"), [(3, 24, False), (3, 60, True)])
def test_a_view_that_is_too_high_leaves_the_trends_out(
    layers: int, height: int, trends: bool
) -> None:
    plan, result = learned(layers)
    kept = Trends(plan)
    measured = [layer_metrics(plan, i, sums).as_dict() for i, sums in enumerate(result.metrics)]
    for row in range(1, 2 * WIDTH):
        kept.write(LogRow(row, 1, (90, -20, 3, 44), row, 0, result.decisions, measured))
    info = SimpleNamespace(board="virtual-m4")
    monitor = SimpleNamespace(
        steering=Steering(), info=info, port="/dev/pts/1", rate=9.0, window=None, seen=""
    )
    member = SimpleNamespace(monitor=monitor, state="learning", ended=False)
    model = SimpleNamespace(plan=plan, state=SimpleNamespace(labels=("a", "b", "c")))
    picture = live_picture(
        cast(Any, model), cast(Member, member), kept, "1/150 samples", [], False, [LEGEND]
    )
    lines = shown(picture, 46, height)
    assert len(lines) < height and max(map(len, lines)) <= 46
    check_whole(plan, result, lines)
    assert lines[-1].rstrip().endswith("q ends")
    layer = [line for line in lines if line.startswith("entropy")]
    assert any(block in "".join(layer) for block in BLOCKS) == trends


def test_lines_break_between_words_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", file := io.StringIO())
    text = "virtual-m4 at /dev/serial/by-id/usb-with-a-name-longer-than-a-screen: plan 1234, step 0"
    for wrap, terminal in ((True, True), (True, False), (False, True)):
        out = Output(False, wrap=wrap)
        out.console._force_terminal, out.console.size = terminal, ConsoleDimensions(46, 24)
        out.line(text)
        lines = file.getvalue().splitlines()
        assert [word for line in lines for word in line.split()] == text.split()
        assert len(lines) == (3 if wrap and terminal else 1)
        file.truncate(file.seek(0))
