"""The table of a sweep sums up the seeds of each combination; the plot shows the table."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path
from typing import Any

import pytest

from ska_edge.errors import InputError, ToolError
from ska_edge.training.sweep import experiment
from ska_edge.training.sweep import table as sweep_table
from ska_edge.training.sweep.experiment import Record
from ska_edge.training.sweep.table import Row, Spread, draw, plot, rows


def record(fixed: float, real: float, **options: Any) -> Record:
    defaults = {name: value for name, value in run_options().items() if name not in options}
    return {
        "options": {**defaults, **options},
        "accuracy": {"fixed": {"test": fixed}, "float": {"test": real}},
    }


def run_options() -> dict[str, Any]:
    values = ("local", [64], "sigmoid", 0.125, 0.0, "w16a8", 1, 0, 20, 0, "random")
    return dict(zip(experiment.KEY, values, strict=True))


def row(fixed: float = 0.9, std: float | None = 0.01, **options: Any) -> Row:
    shown = {name: run_options()[name] for name in experiment.COLUMNS}
    spread = Spread(fixed, std)
    return Row({**shown, **options}, 5, {"fixed": spread, "float": spread}, 0.01)


def test_a_row_sums_up_the_seeds_of_a_combination() -> None:
    found = rows(
        [
            record(0.8, 0.9, seed=0),
            record(0.9, 0.7, seed=1),
            record(0.9, 0.9, rate=0.5, seed=0),
            {"options": {**run_options(), "seed": 2}, "error": "a sentence"},
        ]
    )
    assert [(each.options["rate"], each.seeds) for each in found] == [(0.5, 1), (0.125, 2)]
    one, two = found
    assert two.tests["fixed"].mean == pytest.approx(0.85)
    assert two.tests["fixed"].std == pytest.approx(0.05 * 2**0.5)  # the divisor is n - 1
    assert two.tests["float"].mean == pytest.approx(0.8)
    assert two.gap == pytest.approx(0.2)  # the gap of one seed; the means are only 0.05 apart
    assert (one.tests["fixed"].std, one.gap) == (None, 0.0)
    document = one.as_dict()
    assert list(document) == [*experiment.COLUMNS, "seeds", "fixed", "float", "gap"]
    assert (document["hidden"], document["rate"], document["seeds"]) == ([64], 0.5, 1)
    assert document["fixed"] == document["float"] == {"mean": 0.9, "std": None}


def test_the_best_in_fixed_point_comes_first_and_equals_keep_their_order() -> None:
    runs = [
        record(0.7, 0.99, batch=1),
        record(0.9, 0.1, batch=2),
        record(0.8, 0.5, batch=3),
        record(0.9, 0.6, batch=4),
    ]
    assert [each.options["batch"] for each in rows(runs)] == [2, 4, 3, 1]
    assert rows([]) == []


@pytest.mark.parametrize("widths", [[64], [64] * 12])
@pytest.mark.parametrize("count", [1, 2, 30, 140])
def test_labels_of_a_plot_are_apart_and_inside(count: int, widths: list[int]) -> None:
    pytest.importorskip("matplotlib")
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    drawn = [
        row(0.9 - number / 200, rate=2.0**-number, hidden=widths[: 1 + number % 12])
        for number in range(count)
    ]
    figure = draw(drawn, "digits: 20 epochs")
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer, (axes,) = canvas.get_renderer(), figure.axes
    labels = axes.get_yticklabels()
    assert len(labels) == min(count, sweep_table.PLOTTED_ROWS)
    # The labels come from the bottom to the top, because the axis goes up. A single row has no
    # label, because the title says all.
    boxes = [label.get_window_extent(renderer) for label in labels if label.get_text()][::-1]
    assert len(boxes) == (0 if count == 1 else len(labels))
    assert all(below.y1 < above.y0 for below, above in itertools.pairwise(boxes))
    texts = [figure.get_suptitle(), *(label.get_text() for label in labels)]
    assert "digits: 20 epochs" in texts[0]
    assert ("the best 100 of 140" in texts[0]) == (count == 140)
    frame = axes.get_window_extent(renderer)
    (legend,) = figure.legends
    assert legend.get_window_extent(renderer).y1 < axes.xaxis.label.get_window_extent(renderer).y0
    assert all(box.x0 >= 0 and box.x1 < frame.x0 for box in boxes)
    assert frame.width > 200  # wide enough for the points
    if count > 1:
        assert "local" in texts[0] and "local" not in texts[1]  # the rule is named once for all
        assert "rate" in texts[1] and "rate" not in texts[0]


def test_a_plot_is_a_png_whatever_the_data_are_called(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / "sweep.png"
    plot([row(), row(0.8, None, rate=0.5)], path, r"$\no_formula{$: 1 epochs")
    assert path.read_bytes().startswith(b"\x89PNG")
    with pytest.raises(InputError, match="cannot write"):
        plot([row()], tmp_path / "none" / "sweep.png", "title")


def test_a_plot_names_its_missing_package(monkeypatch: pytest.MonkeyPatch) -> None:
    # As if matplotlib were not installed.
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ToolError, match=r"matplotlib.*pip install '\.\[sweep\]'"):
        plot([row()], Path("x.png"), "title")
