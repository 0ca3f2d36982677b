"""Makes the tables of results: accuracy, recall, and the figures of a regression."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ska_edge.model.evaluation import Evaluation
from ska_edge.model.regression import Figures, Fit
from ska_edge.report.table import Table, percent
from ska_edge.training.accuracy import Accuracy, fractions

Found = Mapping[str, Evaluation | Fit | None]
"""Results by part of the data; None for a part without rows, or for a rule without labels."""


def result_table(
    title: str, parts: Mapping[str, str], found: Found, before: Accuracy | None = None
) -> Table:
    """Return the table of the accuracies; for a regression, of R2 and the mean absolute error.

    The table of accuracies also has the balanced accuracy, and the accuracy of always naming the
    most frequent class. `parts` are the parts of the data to show, each with the title of its
    column. `before` is the accuracy before a training, if it is known.
    """
    if fits(found):
        return _fit_table(title, parts, found)
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
    return Table.of(title, ["arithmetic", *parts.values()], rows)


def _unknown_rows(found: Sequence[Evaluation | None]) -> list[list[str]]:
    """Return the rows of the table about unknown rows of the data; [] if no row can be unknown."""
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
    """Return the name and the results of the test part, or of the training part if it is empty.

    Returns None without classes.
    """
    for part in ("test", "train"):
        evaluation = _classes(found.get(part))
        if evaluation is not None:
            return part, evaluation
    return None


def recall_table(title: str, evaluation: Evaluation) -> Table:
    """Return the table of the classes, with their numbers of rows and their recall."""
    counts = evaluation.confusion.sum(axis=1).tolist()
    rows = [
        [label, rows, percent(recall)]
        for (label, recall), rows in zip(evaluation.recall.items(), counts, strict=True)
    ]
    return Table.of(title, ["class", "rows", "recall"], rows)


def fits(found: Found) -> dict[str, Fit]:
    """Return the results of a regression by part; {} for classes."""
    return {part: each for part, each in found.items() if isinstance(each, Fit)}


def _fit_table(title: str, parts: Mapping[str, str], found: Found) -> Table:
    """Return the table of R2 and the mean absolute error of each target, in both arithmetics."""
    measured = fits(found)
    labels = next(iter(measured.values())).labels
    rows = []
    for label in labels:
        for name, arithmetic in (("float_", "float"), ("", "fixed")):
            for figure in ("r2", "mae"):
                cells = [_text(measured.get(part), f"{name}{figure}", label) for part in parts]
                rows.append([label, arithmetic, figure.upper(), *cells])
    return Table.of(title, ["target", "arithmetic", "", *parts.values()], rows)


def _text(fit: Fit | None, name: str, label: str) -> str:
    figures: Figures | None = None if fit is None else getattr(fit, name)
    value = None if figures is None else figures[label]
    if value is None:
        return "-"
    return f"{value:.3f}" if name.endswith("r2") else f"{value:.4g}"
