"""Learns a stream of rows once, in order, and tests each row before it is learned."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ska_edge.network.engine import narrow, trainer_for
from ska_edge.network.state import State
from ska_edge.network.trainer import FixedTrainer

MOST_PARTS = 10
FEWEST = 20  # rows of a part; the accuracy of fewer rows says little


@dataclass(frozen=True, slots=True)
class Part:
    """Successive rows of a stream.

    Attributes:
        first, last: numbers of its first and last row, counted from 1 in all data.
        accuracy: the fraction of these rows that were classified right before they were learned.
        unchanged: the fraction that the network classifies right if it learns no row of the stream.
    """

    first: int
    last: int
    accuracy: float
    unchanged: float

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {
            "first": self.first,
            "last": self.last,
            "accuracy": self.accuracy,
            "unchanged": self.unchanged,
        }


@dataclass(frozen=True, slots=True, eq=False)
class Prequential:
    """How a network classified the rows of a stream.

    Attributes:
        before: number of rows before the stream.
        right: (n,), whether each row was classified right before it was learned.
        unchanged: (n,), the same for the network that learns no row of the stream.
    """

    before: int
    right: NDArray[np.bool_]
    unchanged: NDArray[np.bool_]

    @property
    def whole(self) -> Part:
        """All rows of the stream as one part."""
        return self._part(slice(0, len(self.right)))

    @property
    def parts(self) -> list[Part]:
        """Parts of about the same size: `MOST_PARTS`, or fewer for a short stream."""
        count = min(MOST_PARTS, max(1, len(self.right) // FEWEST))
        ends = [len(self.right) * part // count for part in range(count + 1)]
        return [self._part(slice(*pair)) for pair in pairwise(ends)]

    def _part(self, rows: slice) -> Part:
        return Part(
            self.before + rows.start + 1,
            self.before + rows.stop,
            float(self.right[rows].mean()),
            float(self.unchanged[rows].mean()),
        )

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        whole, parts = self.whole.as_dict(), [part.as_dict() for part in self.parts]
        return {"rows": len(self.right), **whole, "parts": parts}


def prequential(
    state: State, inputs: NDArray[np.integer], labels: NDArray[np.integer], before: int
) -> tuple[Prequential, State]:
    """Learn rows as a device does that starts in `state.flashed()`; return the results, and the
    state after them.

    Args:
        inputs: (n, d) integers in the plan's input format, one row or more.
        labels: (n,) class indices.
        before: number of rows before these.
    """
    rows = narrow(state.plan, inputs)
    unchanged = FixedTrainer(state, check=False).infer(inputs).argmax(axis=1)
    trainer = trainer_for(state.flashed(), learn=len(labels))
    learned = [part.decisions for part in trainer.learn_stream(rows, labels)]
    decided = np.concatenate(learned).argmax(axis=1)
    return Prequential(before, decided == labels, unchanged == labels), trainer.state
