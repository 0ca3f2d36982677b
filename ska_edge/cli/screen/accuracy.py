"""Shows how rows were split, and the accuracy of a model on the parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ska_edge.cli.screen.console import Output, percent
from ska_edge.cli.screen.regression import fit_table, fits
from ska_edge.data.split.division import Division
from ska_edge.model.evaluation import Evaluation
from ska_edge.model.regression import Fit
from ska_edge.network.engine.prequential import Prequential
from ska_edge.plural import counted
from ska_edge.training.accuracy import Accuracy, figures, fractions

Found = Mapping[str, Evaluation | Fit | None]
PARTS = ("train", "test")
CONFUSIONS = 10  # how many confusions are shown if the matrix is too wide
SHORTEST = 4  # characters that a name keeps at least


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
    """Print the accuracy of the parts.

    The table also has the balanced accuracy, and the accuracy of always naming the most frequent
    class. `parts` are the parts to show, each with the title of its column. For a regression, the
    table has R2 and the mean absolute error.
    """
    if fits(found):
        fit_table(out, title, parts, found)
        return
    rows = []
    for kind, accuracy in fractions(found).items():
        if before is not None:
            rows.append([f"{kind}, before", *(percent(before[kind][part]) for part in parts)])
        rows.append([kind, *(percent(accuracy[part]) for part in parts)])
    classes = {part: _classes(each) for part, each in found.items()}
    if any(classes.values()):
        balanced = [each.balanced_accuracy if (each := classes[part]) else None for part in parts]
        majority = [each.majority if (each := classes[part]) else None for part in parts]
        rows.append(["fixed, balanced", *map(percent, balanced)])
        rows.append(["most frequent class", *map(percent, majority)])
        rows += _unknown_rows([classes[part] for part in parts])
    out.table(title, ["arithmetic", *parts.values()], rows)


def _unknown_rows(found: Sequence[Evaluation | None]) -> list[list[str]]:
    """Return the share of unknown rows and the accuracy of the others; [] without a limit."""
    if not any(each is not None and each.unknown is not None for each in found):
        return []
    unknown = [each.unknown if each else None for each in found]
    accepted = [each.accepted_accuracy if each else None for each in found]
    return [
        ["unknown rows", *map(percent, unknown)],
        ["fixed, known rows", *map(percent, accepted)],
    ]


def _classes(found: Evaluation | Fit | None) -> Evaluation | None:
    return found if isinstance(found, Evaluation) else None


def shown(found: Found) -> tuple[str, Evaluation] | None:
    """Return the test part, or if it is empty the training part; None without classes."""
    for part in reversed(PARTS):
        evaluation = _classes(found[part])
        if evaluation is not None:
            return part, evaluation
    return None


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
        _recalls(out, f"recall of each class, {part} rows, fixed point", evaluation)


def _recalls(out: Output, title: str, evaluation: Evaluation) -> None:
    counts = evaluation.confusion.sum(axis=1).tolist()
    out.table(
        title,
        ["class", "rows", "recall"],
        [
            [label, rows, percent(recall)]
            for (label, recall), rows in zip(evaluation.recall.items(), counts, strict=True)
        ],
    )


def confusion_table(out: Output, evaluation: Evaluation) -> None:
    """Print the confusion matrix and the recall of each class.

    Names are shortened in the middle if they make the matrix too wide for the screen. A matrix that
    is still too wide is replaced by the recall of each class and the most frequent confusions.
    """
    matrix = _matrix(out, evaluation)
    if matrix is not None:
        out.table("confusion (rows: truth, columns: fixed-point decision)", *matrix)
        return
    _recalls(out, "recall of each class, fixed point", evaluation)
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
    out.table(title, ["truth", "decision", "rows"], rows)


def shortened(name: str, most: int) -> str:
    """Return a name of at most `most` characters; a longer one loses its middle."""
    if len(name) <= most:
        return name
    end = most // 2
    return f"{name[: most - 1 - end]}…{name[len(name) - end :]}"


def accuracy_document(found: Found) -> dict[str, Any]:
    """Return the keys about accuracy that `train --json` and `eval --json` share.

    A regression has the keys "r2" and "mae" instead of "accuracy".
    """
    return {
        **(figures(found) or {"accuracy": fractions(found)}),
        "evaluation": {part: each.as_dict() if each else None for part, each in found.items()},
    }
