"""Shows how rows were split, and the accuracy of a model on the parts."""

from __future__ import annotations

from typing import Any

import numpy as np

from ska_edge.cli.screen.console import Output
from ska_edge.data.split.division import Division
from ska_edge.model.evaluation import Evaluation
from ska_edge.network.engine.prequential import Prequential
from ska_edge.plural import counted
from ska_edge.report.result_tables import Found, shown
from ska_edge.report.result_tables import recall_table as recalls
from ska_edge.report.table import SHORTEST, Table, percent, shortened
from ska_edge.training.accuracy import figures, fractions

CONFUSIONS = 10  # how many confusions are shown if the matrix is too wide


def split_line(division: Division | None, out: Output) -> None:
    """Print in one line how the rows were split, unless no row was held out."""
    if division is not None and division.sentence:
        out.line(f"split: {division.sentence}")


def part_titles(division: Division) -> dict[str, str]:
    """Return the titles of the columns for both parts, with their numbers of rows."""
    return {part: f"{part} ({len(rows.y)})" for part, rows in division.parts.items()}


def prequential_table(out: Output, found: Prequential) -> None:
    """Print how the rows of a stream were classified before they were learned."""
    parts = [(f"{part.first}-{part.last}", part) for part in found.parts]
    out.table(
        "rows classified right before each was learned, fixed point",
        ["rows", "learning", "not learning"],
        [
            [title, percent(part.accuracy), percent(part.unchanged)]
            for title, part in [*parts, ("all", found.whole)]
        ],
    )


def recall_table(out: Output, found: Found) -> None:
    """Print the recall of each class."""
    one = shown(found)
    if one is not None:
        part, evaluation = one
        table = recalls(f"recall of each class, {part} rows, fixed point", evaluation)
        out.show(_with_short_names(out, table, 1))


def confusion_table(out: Output, evaluation: Evaluation) -> None:
    """Print the confusion matrix and the recall of each class.

    Names are shortened in the middle if they make the matrix too wide for the screen. A matrix that
    is still too wide is replaced by the recall of each class and the most frequent confusions.
    """
    matrix = _matrix(out, evaluation)
    if matrix is not None:
        out.table("confusion (rows: truth, columns: fixed-point decision)", *matrix)
        return
    out.show(_with_short_names(out, recalls("recall of each class, fixed point", evaluation), 1))
    _confusions(out, evaluation)
    out.line(
        f"the confusion matrix of {counted(len(evaluation.labels), 'class')} is too wide for"
        f" {out.console.width} columns; --json has all of it"
    )


def _matrix(out: Output, evaluation: Evaluation) -> tuple[list[str], list[list[object]]] | None:
    """Return columns and rows of the confusion matrix; None if the screen is too narrow."""
    labels = list(evaluation.labels)
    recalls = [percent(recall) for recall in evaluation.recall.values()]

    def matrix(heads: list[str], names: list[str]) -> tuple[list[str], list[list[object]]]:
        counts = zip(names, evaluation.confusion.tolist(), recalls, strict=True)
        return ["", *heads, "recall"], [[name, *each, of] for name, each, of in counts]

    shortest = [shortened(label, SHORTEST) for label in labels]
    if not out.fits(*matrix(shortest, shortest)):
        return None
    longest = min(max(map(len, labels)), out.console.width)
    for whole in (True, False):
        for most in range(max(longest, SHORTEST), SHORTEST - 1, -1):
            heads = [shortened(label, most) for label in labels]
            found = matrix(heads, labels if whole else heads)
            if len(set(heads)) == len(heads) and out.fits(*found):
                return found
    return None


def _confusions(out: Output, evaluation: Evaluation) -> None:
    wrong = evaluation.confusion.copy()
    np.fill_diagonal(wrong, 0)
    pairs = np.argwhere(wrong)
    if not len(pairs):
        out.line("no row was taken for another class")
        return
    largest = sorted(pairs.tolist(), key=lambda pair: -int(wrong[tuple(pair)]))[:CONFUSIONS]
    title = f"the most frequent confusions ({len(largest)} of {len(pairs)}), fixed point"
    rows = [
        [evaluation.labels[truth], evaluation.labels[decision], int(wrong[truth, decision])]
        for truth, decision in largest
    ]
    table = Table.of(title, ["truth", "decision", "rows"], rows)
    out.show(_with_short_names(out, table, 2))


def _with_short_names(out: Output, table: Table, names: int) -> Table:
    """Return the table with the names in its first `names` columns shortened to fit the screen.

    Different names stay different. If the table cannot fit, it is returned unchanged.
    """
    found = {str(cell) for row in table.rows for cell in row[:names]}
    for most in range(max(map(len, found), default=0), SHORTEST - 1, -1):
        short = {name: shortened(name, most) for name in found}
        rows = [[*(short[str(cell)] for cell in row[:names]), *row[names:]] for row in table.rows]
        if len(set(short.values())) < len(found):
            break
        if out.fits(table.heads, rows):
            return Table.of(table.title, table.heads, rows)
    return table


def accuracy_document(found: Found) -> dict[str, Any]:
    """Return the keys about accuracy that `train --json` and `eval --json` share.

    A regression has the keys "r2" and "mae" instead of "accuracy".
    """
    return {
        **(figures(found) or {"accuracy": fractions(found)}),
        "evaluation": {part: each.as_dict() if each else None for part, each in found.items()},
    }
