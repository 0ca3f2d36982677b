"""How good decisions are: probabilities, confusion and accuracy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """How good a model is on labeled rows.

    Attributes:
        labels: class names, in the order of the confusion matrix.
        confusion: (classes, classes) int64; how often a class (row) was decided to be which class
            (column), in fixed point.
        float_accuracy: share of rows that the float twin decides rightly, 0 to 1; None where the
            model has no twin.
    """

    labels: tuple[str, ...]
    confusion: NDArray[np.int64]
    float_accuracy: float | None = None

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self.confusion.sum())

    @property
    def accuracy(self) -> float:
        """Share of rows that are decided rightly in fixed point, 0 to 1."""
        return float(np.trace(self.confusion) / self.rows)


def confusion_matrix(
    truth: NDArray[np.integer], decided: NDArray[np.integer], classes: int
) -> NDArray[np.int64]:
    """How often a class (row) was decided to be which class (column); class indices (rows,)."""
    counts = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(counts, (truth, decided), 1)
    return counts


def probabilities(decisions: NDArray[np.integer]) -> NDArray[np.float64]:
    """Decisions (rows, classes), each an independent sigmoid, as shares that add up to 1.

    The largest decision has the largest share. A row of zeros becomes equal shares.
    """
    sums = decisions.sum(axis=1, keepdims=True)
    return np.where(sums == 0, 1 / decisions.shape[1], decisions / np.maximum(sums, 1))
