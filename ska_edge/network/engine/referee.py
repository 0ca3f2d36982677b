"""Checks the engine: numpy learns some of the engine's rows, and the results are compared."""

from __future__ import annotations

from collections.abc import Iterator

from ska_edge.arithmetic.numpy_ops import Integers
from ska_edge.errors import CheckError
from ska_edge.network.difference import (
    Difference,
    decision_difference,
    first_difference,
    metric_difference,
)
from ska_edge.network.engine.interface import Trainer
from ska_edge.network.trainer import FixedTrainer

FIRST = 32  # rows that are compared at the beginning
EVERY = 2000  # rows between two later comparisons, at least


class Referee:
    """Chooses the rows that numpy also learns, and compares the results."""

    def __init__(self) -> None:
        self._first = FIRST
        self._since = 0

    def pieces(self, rows: int, longest: int) -> Iterator[tuple[slice, bool]]:
        """Divide the rows of one call into pieces; yield each piece, and whether to compare it.

        A piece to compare has one row. The first `FIRST` rows are compared, and later, at
        intervals, the last row of a call.
        """
        start = 0
        while start < rows and self._first:
            self._first -= 1
            yield slice(start, start + 1), True
            start += 1
        self._since += rows - start
        last = start < rows and self._since >= EVERY
        end = rows - 1 if last else rows
        for begin in range(start, end, longest):
            yield slice(begin, min(begin + longest, end)), False
        if last:
            self._since = 0
            yield slice(end, rows), True

    def compare(
        self, numpy: FixedTrainer, expected: Integers, engine: Trainer, found: Integers
    ) -> None:
        """Compare both trainers after they learned the same row.

        Args:
            numpy, engine: the trainers.
            expected, found: their decisions, (classes,).

        Raises:
            Disagreement: an integer differs; the sentence names it.
        """
        state, plan = numpy.state, numpy.plan
        difference = decision_difference(plan, state.step, expected.tolist(), found.tolist())
        difference = difference or first_difference(state, engine.state.to_bytes())
        updated = numpy.last_shifts() and state.held == 0
        if difference is None and updated and not self._first:  # it would slow the first rows
            difference = metric_difference(state.step, numpy.metrics(), engine.metrics())
        if difference is not None:
            raise Disagreement(difference)


class Disagreement(CheckError):
    """numpy and the engine differ.

    Attributes:
        difference: the first integer that differs.
    """

    def __init__(self, difference: Difference) -> None:
        self.difference = difference.sentence("numpy", "engine")
        super().__init__(
            f"the native engine does not compute numpy's bits: {self.difference};"
            " set SKA_EDGE_ENGINE=numpy to work without it, and report this"
        )
