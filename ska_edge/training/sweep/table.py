"""Makes the table and the plot of the results of a sweep.

matplotlib is imported only for the plot.
"""

from __future__ import annotations

import io
import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from ska_edge.extras import package
from ska_edge.files import write_file
from ska_edge.training.option import AUTO, widths_text
from ska_edge.training.sweep.experiment import COLUMNS, Record
from ska_edge.training.sweep.run_log import KINDS

PLOTTED_ROWS = 100  # more rows would be unreadable


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean and standard deviation of a test accuracy (a fraction) over seeds.

    The deviation is the sample standard deviation (divisor n - 1); None for one seed.
    """

    mean: float
    std: float | None

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Return the mean and the deviation of one or more values."""
        return cls(statistics.fmean(values), statistics.stdev(values) if values[1:] else None)

    def as_dict(self) -> dict[str, float | None]:
        """Return plain data for JSON."""
        return {"mean": self.mean, "std": self.std}


@dataclass(frozen=True, slots=True)
class Row:
    """A combination of options with its results over the seeds whose runs succeeded.

    Attributes:
        options: the options of `COLUMNS`.
        seeds: number of successful runs.
        tests: test accuracy for each arithmetic in `KINDS`.
        gap: the largest difference between float and fixed point for one seed, a fraction.
    """

    options: dict[str, Any]
    seeds: int
    tests: dict[str, Spread]
    gap: float

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        tests = {kind: spread.as_dict() for kind, spread in self.tests.items()}
        return {**self.options, "seeds": self.seeds, **tests, "gap": self.gap}


def rows(runs: Sequence[Record]) -> list[Row]:
    """Return one row per combination, the best in fixed point first; leave out failed runs."""
    combinations: dict[str, list[Record]] = {}
    for record in runs:
        if "error" not in record:
            options = {**record["options"], "seed": None}
            combinations.setdefault(json.dumps(options, sort_keys=True), []).append(record)
    return sorted(map(_row, combinations.values()), key=lambda row: -row.tests["fixed"].mean)


def _row(runs: list[Record]) -> Row:
    tests = {kind: [record["accuracy"][kind]["test"] for record in runs] for kind in KINDS}
    return Row(
        options={name: runs[0]["options"][name] for name in COLUMNS},
        seeds=len(runs),
        tests={kind: Spread.of(values) for kind, values in tests.items()},
        gap=max(abs(a - b) for a, b in zip(*tests.values(), strict=True)),
    )


def differing(rows: Sequence[Row]) -> tuple[list[str], list[str]]:
    """Return the names of the options that differ between rows, and the names of the others."""
    shared = [n for n in COLUMNS if all(row.options[n] == rows[0].options[n] for row in rows)]
    return [name for name in COLUMNS if name not in shared], shared


def option_text(name: str, value: Any) -> str:
    """Return an option of a row as text: widths with commas, "none" without hidden layers."""
    if name == "hidden" and value != AUTO:
        return widths_text(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def options_text(row: Row, names: Sequence[str]) -> str:
    """Return options of a row on one line; rule and precision are written without their names."""
    texts = [(name, option_text(name, row.options[name])) for name in names]
    return ", ".join(
        text if name in ("rule", "precision") else f"{name} {text}" for name, text in texts
    )


def require_plot() -> ModuleType:
    """Import matplotlib; raise ToolError if it is missing. Call this before the trainings."""
    return package("matplotlib.figure", "sweep", "a sweep")


def plot(rows: Sequence[Row], path: Path, title: str) -> None:
    """Write the figure of `draw` as a PNG.

    Raises ToolError if matplotlib is missing, and InputError if the file cannot be written.
    """
    picture = io.BytesIO()
    draw(rows, title).savefig(picture, dpi=120)
    write_file(path, picture.getvalue())


def draw(rows: Sequence[Row], title: str) -> Any:
    """Draw a matplotlib figure of the test accuracies, with one line per row.

    Error bars show one standard deviation. The label of a row has the options that differ; the
    title has the shared options. Only the first `PLOTTED_ROWS` rows are drawn. Raises ToolError if
    matplotlib is missing.
    """
    shown = rows[:PLOTTED_ROWS]
    names, shared = differing(rows)
    labels = [options_text(row, names) for row in shown]
    size = (5.5 + 0.065 * max(map(len, labels)), 1.6 + 0.32 * len(shown))
    figure = require_plot().Figure(figsize=size, layout="constrained")
    axes = figure.add_subplot()
    for kind, offset, marker in (("fixed", -0.14, "o"), ("float", 0.14, "s")):
        spreads = [row.tests[kind] for row in shown]
        axes.errorbar(
            [100 * spread.mean for spread in spreads],
            [number + offset for number in range(len(shown))],
            xerr=[100 * (spread.std or 0.0) for spread in spreads],
            fmt=marker,
            markersize=4,
            capsize=2,
            linewidth=1,
            label=kind,
        )
    axes.set_yticks(range(len(shown)), labels, fontsize=8)
    axes.set_ylim(len(shown) - 0.5, -0.5)  # the best row is on top
    axes.set_xlabel("test accuracy, %: mean and standard deviation over seeds")
    axes.grid(axis="both", linewidth=0.4, alpha=0.6)
    part = f"the best {len(shown)} of {len(rows)}" if len(shown) < len(rows) else ""
    above = "; ".join(filter(None, (title, options_text(shown[0], shared), part)))
    # By default, matplotlib would parse dollar signs in a file name as a formula.
    figure.suptitle(above, x=0.01, horizontalalignment="left", fontsize=9, parse_math=False)
    figure.legend(loc="outside lower right", ncols=2, fontsize=8)
    return figure
