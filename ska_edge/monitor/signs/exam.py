"""Lets a device classify held-out rows now and then, to see what it forgets while it learns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ska_edge.device.link import Link

# During an exam the device learns nothing, and gets the rows one by one. So exams are few: one at
# each end of a session, and between them about `EXAMS`, at distances of `CLOSEST` to `FARTHEST`
# learned rows.
EXAMS, CLOSEST, FARTHEST = 5, 50, 500

# The recall of a class has fallen if fewer of its rows are right than in its best exam: fewer by at
# least `FEWER` rows, and by at least a third. One or two rows may be wrong by chance.
FEWER, THIRD = 3, 3


class Exam:
    """Held-out rows, and how many of them the device classified correctly.

    Args:
        inputs: (m, d) integers in the plan's input format.
        labels: (m,) class indices.
        names: the names of the classes.

    Attributes:
        right: correct rows of each class in the last exam, (classes,); None before the first.
        first: correct rows in the first exam.
        after: how many rows the device had learned in its session before the last exam.
    """

    def __init__(
        self, inputs: NDArray[np.integer], labels: NDArray[np.int64], names: Sequence[str]
    ) -> None:
        self.right: NDArray[np.int64] | None = None
        self.first = self.after = 0
        self._inputs, self._labels, self._names = inputs, labels, names
        self._best = np.zeros(len(names), dtype=np.int64)
        self._fallen: set[int] = set()

    @property
    def rows(self) -> NDArray[np.int64]:
        """Number of held-out rows of each class, (classes,)."""
        return np.bincount(self._labels, minlength=len(self._names))

    @property
    def size(self) -> int:
        """Number of held-out rows."""
        return len(self._labels)

    @property
    def result(self) -> tuple[tuple[int, int], ...]:
        """For each class, how many rows were right in the last exam, and how many rows it has."""
        right = np.zeros_like(self._best) if self.right is None else self.right
        return tuple(zip(right.tolist(), self.rows.tolist(), strict=True))

    def every(self, rows: int) -> int:
        """Return how many rows are learned between two exams of a session of `rows` rows."""
        return min(max(rows // EXAMS, CLOSEST), FARTHEST)

    def sit(self, link: Link, after: int = 0) -> None:
        """Let the device classify all rows after it has learned `after` rows of the session, and
        compare its answers with the labels.

        Raises the errors of `Link.infer`.
        """
        answers = np.array([link.infer(row.tolist()).predicted for row in self._inputs])
        correct = self._labels[answers == self._labels]
        right = np.bincount(correct, minlength=len(self._names))
        if self.right is None:
            self.first = len(correct)
        self.right, self.after = right, after
        self._best = np.maximum(self._best, right)

    def fallen(self) -> Iterator[str]:
        """Yield a clause for each class whose recall has fallen; each class is reported once."""
        if self.right is None:
            return
        fall = self._best - self.right
        for label in np.flatnonzero((fall >= FEWER) & (THIRD * fall >= self._best)).tolist():
            if label not in self._fallen:
                self._fallen.add(label)
                yield (
                    f"of {self.rows[label]} held-out rows of the class '{self._names[label]}',"
                    f" {self._best[label]} were right, and now {self.right[label]}"
                )
