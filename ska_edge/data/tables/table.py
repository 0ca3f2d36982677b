"""Holds the columns of a file that are used: inputs, targets, labels and groups."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ska_edge.data.tables.columns import Choice, Header
from ska_edge.data.tables.times import is_time
from ska_edge.plural import SHOWN, counted, listed


@dataclass(frozen=True, eq=False)
class Table:
    """The chosen columns of a file, with finite features ``x``, float64 (n, features).

    The targets of a regression are the last columns of ``x``; see ``inputs`` and ``targets``.
    ``labels`` and ``groups`` have a text per row; ``labels`` is empty without a label column, and
    ``groups`` is None without a group column. ``lines`` has each row's line number in the file.
    ``dialect`` says how the file is written, if that is unusual. ``unused`` has the first values of
    the unused columns, by index. ``noun`` is what ``lines`` counts, "line" or "row".
    """

    x: NDArray[np.float64]
    labels: list[str]
    groups: list[str] | None
    lines: list[int]
    header: Header
    choice: Choice
    dialect: str = ""
    unused: Mapping[int, Sequence[str]] = field(default_factory=dict)
    noun: str = "line"

    @property
    def features(self) -> tuple[str, ...] | None:
        """The names of the inputs; None for a file without a header."""
        if self.header.names is None:
            return None
        return tuple(self.header.describe(index) for index in self.choice.inputs)

    @property
    def inputs(self) -> NDArray[np.float64]:
        """The inputs, (n, inputs)."""
        return self.x[:, : len(self.choice.inputs)]

    @property
    def targets(self) -> NDArray[np.float64] | None:
        """The targets of a regression, (n, targets); None for other tables."""
        return self.x[:, len(self.choice.inputs) :] if self.choice.targets else None

    @property
    def target_names(self) -> tuple[str, ...]:
        """The names of the targets."""
        places = self.choice.features[len(self.choice.inputs) :]
        return tuple(self.header.describe(index) for index in places)

    @property
    def time(self) -> str:
        """The name of an unused column that rises like a time; "" if there is none."""
        found = (index for index, texts in self.unused.items() if is_time(texts))
        return next(map(self.header.describe, found), "")

    @property
    def label_column(self) -> int:
        """The number of the column with the labels, from 1; 0 without labels."""
        return 0 if self.choice.label is None else self.choice.label + 1

    def place_in(self, column: int) -> Callable[[int], str]:
        """Return a function that names the line of a row and this column, both counted from 1."""
        return lambda row: f"{self.noun} {self.lines[row]}, column {column}"

    @property
    def origin(self) -> str:
        """One line about the columns of inputs, labels, groups and targets, and an unusual dialect.

        The line is empty if the file has no header, only inputs, and nothing unusual.
        """
        header, choice = self.header, self.choice
        every = choice.inputs == tuple(range(header.width))
        if header.names is None and every and not choice.by_position and not self.dialect:
            return ""
        names = [header.describe(index) for index in choice.inputs[: SHOWN + 1]]
        parts = [f"{counted(len(choice.inputs), 'input')} ({listed(names)})"]
        if choice.by_position:
            parts[0] += f", in the order of the model's inputs because {choice.by_position}"
        for noun, index in (("labels", choice.label), ("groups", choice.group)):
            if index is not None:
                parts.append(f"{noun} from {header.describe(index)}")
        if choice.targets:
            parts.append(f"targets from {listed(self.target_names)}")
        if self.dialect:
            parts.insert(0, self.dialect)
        return f"{header.path}: {'; '.join(parts)}"
