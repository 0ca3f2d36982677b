"""Shows how rows were split, and the accuracy of a model on the parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ska_edge.cli.screen.console import Output, percent
from ska_edge.data.split.division import Division
from ska_edge.model.evaluation import Evaluation
from ska_edge.training.accuracy import Accuracy, fractions

Found = Mapping[str, Evaluation | None]
PARTS = ("train", "test")


def split_line(division: Division | None, out: Output) -> None:
    """Print in one line how the rows were split, unless no row was held out."""
    if division is not None and division.sentence:
        out.line(f"split: {division.sentence}")


def part_titles(division: Division) -> dict[str, str]:
    """Return the titles of the columns for both parts, with their numbers of rows."""
    return {part: f"{part} ({len(rows.y)})" for part, rows in division.parts.items()}


def accuracy_table(
    out: Output, title: str, parts: Mapping[str, str], found: Found, before: Accuracy | None = None
) -> None:
    """Print the accuracy of the parts, and beside it two figures that show what it is worth.

    These are the balanced accuracy, and the accuracy of naming the most frequent class always.
    `parts` are the parts to show, each with the title of its column.
    """
    rows = []
    for kind, accuracy in fractions(found).items():
        if before is not None:
            rows.append([f"{kind}, before", *(percent(before[kind][part]) for part in parts)])
        rows.append([kind, *(percent(accuracy[part]) for part in parts)])
    if any(found.values()):
        balanced = [each.balanced_accuracy if (each := found[part]) else None for part in parts]
        majority = [each.majority if (each := found[part]) else None for part in parts]
        rows.append(["fixed, balanced", *map(percent, balanced)])
        rows.append(["most frequent class", *map(percent, majority)])
    out.table(title, ["arithmetic", *parts.values()], rows)


def shown(found: Found) -> tuple[str, Evaluation] | None:
    """Return the test part, or the training part without test rows; None without classes."""
    for part in reversed(PARTS):
        evaluation = found[part]
        if evaluation is not None:
            return part, evaluation
    return None


def recall_table(out: Output, found: Found) -> None:
    """Print the recall of each class."""
    one = shown(found)
    if one is None:
        return
    part, evaluation = one
    counts = evaluation.confusion.sum(axis=1).tolist()
    out.table(
        f"recall of each class, {part} rows, fixed point",
        ["class", "rows", "recall"],
        [
            [label, rows, percent(recall)]
            for (label, recall), rows in zip(evaluation.recall.items(), counts, strict=True)
        ],
    )


def confusion_table(out: Output, evaluation: Evaluation) -> None:
    """Print the confusion matrix, and the recall of each class."""
    rows = zip(evaluation.recall.items(), evaluation.confusion.tolist(), strict=True)
    out.table(
        "confusion (rows: truth, columns: fixed-point decision)",
        ["", *evaluation.labels, "recall"],
        [[label, *counts, percent(recall)] for (label, recall), counts in rows],
    )


def accuracy_document(found: Found) -> dict[str, Any]:
    """Return the keys about accuracy that `train --json` and `eval --json` share."""
    return {
        "accuracy": fractions(found),
        "evaluation": {part: each.as_dict() if each else None for part, each in found.items()},
    }
