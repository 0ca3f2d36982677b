"""Evaluates decisions: probabilities, confusion, accuracy, and agreement with an export."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ska_edge.rules.confidence import UNKNOWN, classified


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """The result of a model on labeled rows.

    Attributes:
        labels: class names, in the order of the confusion matrix.
        confusion: (classes, classes) int64; element [i, j] is the number of samples of class i
            that the integers classified as class j.
        float_accuracy: fraction of rows that the float twin classifies correctly, 0 to 1; None
            if the model has no twin.
        accepted: the confusion matrix of the rows with enough confidence, (classes, classes); None
            if the model has no least confidence, so that no row is unknown.
    """

    labels: tuple[str, ...]
    confusion: NDArray[np.int64]
    float_accuracy: float | None = None
    accepted: NDArray[np.int64] | None = None

    @classmethod
    def of(
        cls,
        labels: tuple[str, ...],
        truth: NDArray[np.integer],
        decisions: NDArray[np.int64],
        least: int,
        real: float | None,
    ) -> Evaluation:
        """Evaluate decisions (rows, classes) of rows whose class indices are `truth`, (rows,).

        `least` is the plan's least confidence, and `real` is the accuracy of the float twin.
        """
        decided, classes = decisions.argmax(axis=1), decisions.shape[1]
        counts, accepted = confusion_matrix(truth, decided, classes), None
        if least:
            known = classified(decisions, least) != UNKNOWN
            accepted = confusion_matrix(truth[known], decided[known], classes)
        return cls(labels, counts, real, accepted)

    @property
    def unknown(self) -> float | None:
        """Fraction of rows that are unknown; None if the model has no least confidence."""
        return None if self.accepted is None else 1 - float(self.accepted.sum()) / self.rows

    @property
    def accepted_accuracy(self) -> float | None:
        """Fraction of the rows with enough confidence that are classified correctly; None without
        such rows, or if the model has no least confidence.
        """
        if self.accepted is None or not self.accepted.any():
            return None
        return float(np.trace(self.accepted) / self.accepted.sum())

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self.confusion.sum())

    @property
    def accuracy(self) -> float:
        """Fraction of rows that are classified correctly in fixed point, 0 to 1."""
        return float(np.trace(self.confusion) / self.rows)

    @property
    def majority(self) -> float:
        """Fraction of rows of the most frequent class: the accuracy of always naming this class."""
        return float(self.confusion.sum(axis=1).max() / self.rows)

    @property
    def recall(self) -> dict[str, float | None]:
        """Fraction of the rows of each class that are classified correctly in fixed point.

        It is None for a class without rows.
        """
        right, rows = np.diag(self.confusion).tolist(), self.confusion.sum(axis=1).tolist()
        return {
            label: right[at] / rows[at] if rows[at] else None
            for at, label in enumerate(self.labels)
        }

    @property
    def balanced_accuracy(self) -> float:
        """Mean of the recall of all classes with rows, so that each class counts the same."""
        found = [recall for recall in self.recall.values() if recall is not None]
        return float(np.mean(found))

    def as_dict(self) -> dict[str, Any]:
        """Return the number of rows and figures about classes and confidence, as data for JSON."""
        return {
            "rows": self.rows,
            "majority": self.majority,
            "balanced_accuracy": self.balanced_accuracy,
            "recall": self.recall,
            "unknown": self.unknown,
            "accepted_accuracy": self.accepted_accuracy,
        }


@dataclass(frozen=True, slots=True)
class Agreement:
    """The comparison of an exported model with the trainer.

    Attributes:
        rows: number of compared inputs.
        mismatches: number of rows that differ. In the integer form, any different bit of an output
            counts. In the float form, a different class counts, or a regression's value that is
            not close.
    """

    rows: int
    mismatches: int


def confusion_matrix(
    truth: NDArray[np.integer], decided: NDArray[np.integer], classes: int
) -> NDArray[np.int64]:
    """Return the confusion matrix of `Evaluation`, from class indices (rows,)."""
    counts = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(counts, (truth, decided), 1)
    return counts


def probabilities(decisions: NDArray[np.integer]) -> NDArray[np.float64]:
    """Scale decisions (rows, classes), which are independent sigmoids, to a sum of 1 per row.

    Each decision is divided by the sum of its row. In a row of zeros, all classes get the same
    probability.
    """
    sums = decisions.sum(axis=1, keepdims=True)
    return np.where(sums == 0, 1 / decisions.shape[1], decisions / np.maximum(sums, 1))
