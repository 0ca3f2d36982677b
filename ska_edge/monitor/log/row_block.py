"""Reads rows of a log in blocks, because most lines of a long log differ only in numbers.

A pattern recognizes the usual lines, so they need not be parsed one by one. The parser in
`line` reads all other lines; it also accepts every line that the pattern accepts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ska_edge.monitor.log.line import LogLine, parse
from ska_edge.network.output import answers
from ska_edge.plan.plan import Plan

MOST_ROWS = 1024  # largest number of rows in a block

# A number below 4,290,000,000; the parser reads the few larger ones below 2**32.
_COUNT = r"(?:0|[1-9][0-9]{0,8}|[1-3][0-9]{9}|4[01][0-9]{8}|42[0-8][0-9]{7})"
_INTEGER = r"-?(?:0|[1-9][0-9]{0,9})"
_REAL = r"-?(?!0[0-9])[0-9]{1,30}(?:\.[0-9]{1,30})?(?:e-[0-9]{1,3})?"  # `json` accepts all of it
_METRIC = rf'"[a-z_]+": {_REAL}'
_LAYER = rf"\{{{_METRIC}(?:, {_METRIC})*\}}"


def _integers(count: int) -> str:
    return rf"{_INTEGER}(?:, {_INTEGER}){{{count - 1}}}"


@dataclass(frozen=True, slots=True)
class RowBlock:
    """Rows that a device learned one after the other, and answered.

    Attributes:
        numbers, texts: the line number of each row, and the bytes of its line.
        samples, steps, labels, predicted: (n,) int64, as in `LogRow`. For a regression, `labels`
            are its targets, (n, classes).
        x: (n, inputs).
        decisions: (n, classes).
        halvings: (m,), of the m rows that report halvings.
    """

    numbers: list[int]
    texts: list[bytes]
    samples: NDArray[np.int64]
    steps: NDArray[np.int64]
    labels: NDArray[np.int64]
    predicted: NDArray[np.int64]
    x: NDArray[np.int64]
    decisions: NDArray[np.int64]
    halvings: NDArray[np.int64]

    def fit(self, plan: Plan) -> bool:
        """Tell whether a device with this plan accepts the rows."""
        format, output = plan.layers[0].input, plan.output
        least, most = (0, plan.classes - 1) if output is None else (output.minimum, output.maximum)
        return bool(
            least <= self.labels.min()
            and self.labels.max() <= most
            and format.minimum <= self.x.min()
            and self.x.max() <= format.maximum
        )

    def answered(self, plan: Plan, decisions: NDArray[np.int64], steps: NDArray[np.int64]) -> bool:
        """Tell whether the answers of the device are equal to the host's.

        Args:
            plan: the plan of the device.
            decisions: (n, classes), before the update with each row.
            steps: (n,), number of updates made after each row.
        """
        return (
            np.array_equal(self.steps, steps)
            and np.array_equal(self.predicted, answers(plan, decisions))
            and np.array_equal(self.decisions, decisions)
        )

    def entries(self) -> Iterator[tuple[int, LogLine]]:
        """Yield the number and the contents of each row's line."""
        for number, text in zip(self.numbers, self.texts, strict=True):
            yield number, parse(json.loads(text))


class RowReader:
    """Collects the usual lines of a log: rows with their answers, and their announcements.

    Args:
        plan: the plan of the device.
    """

    def __init__(self, plan: Plan) -> None:
        self._inputs, self._classes = plan.inputs, plan.classes
        self._targets = plan.regression
        x, decisions = _integers(plan.inputs), _integers(plan.classes)
        truth = rf'"targets": \[({decisions})\]' if plan.regression else rf'"label": ({_COUNT})'
        self._row = re.compile(
            rf'\{{"sample": ({_COUNT}), "step": ({_COUNT}), {truth}, "x": \[({x})\],'
            rf' "predicted": ({_COUNT}), "decisions": \[({decisions})\],'
            rf' "layers": \[(?:{_LAYER}(?:, {_LAYER})*)?\]'
            r'(?:, "halvings": (0|[1-9][0-9]?|1[0-9]{2}))?'
            rf'(?:, "place": \{{"rows": "[0-9a-f]{{16}}", "next": {_COUNT}\}})?\}}\n'.encode()
        )
        self._notice = re.compile(
            rf'\{{"sent": {_COUNT}, "token": {_COUNT}, {truth},'
            rf' "x": \[{x}\]\}}\n'.encode()
        )
        self._numbers: list[int] = []
        self._texts: list[bytes] = []
        self._found: list[tuple[bytes, ...]] = []

    @property
    def rows(self) -> int:
        """The number of collected rows."""
        return len(self._numbers)

    @property
    def full(self) -> bool:
        """Whether the block is complete."""
        return len(self._numbers) >= MOST_ROWS

    def take(self, number: int, text: bytes) -> bool:
        """Collect a line; return False if it is not a usual line."""
        found = self._row.fullmatch(text)
        if found is None:
            return self._notice.fullmatch(text) is not None
        self._numbers.append(number)
        self._texts.append(text)
        self._found.append(found.groups(b""))
        return True

    def block(self) -> RowBlock:
        """Return the collected rows, at least one, and empty the reader."""
        columns = [_numbers(column) for column in zip(*self._found, strict=True)]
        samples, steps, labels, x, predicted, decisions, halvings = columns
        rows = len(self._numbers)
        block = RowBlock(
            self._numbers,
            self._texts,
            samples,
            steps,
            labels.reshape(rows, self._classes) if self._targets else labels,
            predicted,
            x.reshape(rows, self._inputs),
            decisions.reshape(rows, self._classes),
            halvings,
        )
        self._numbers, self._texts, self._found = [], [], []
        return block


def _numbers(texts: tuple[bytes, ...]) -> NDArray[np.int64]:
    """Return the integers of a column, in which some texts may be empty."""
    joined = b",".join(filter(None, texts)).decode()
    return np.fromstring(joined, dtype=np.int64, sep=",")
