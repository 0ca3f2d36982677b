"""Defines tables, which a terminal prints and a page shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

SHORTEST = 4  # characters that a shortened name keeps at least


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        title: the head of the column.
        meaning: the content of the column, in one phrase; "" if the title says it.
    """

    title: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a title; each row has a cell per column."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[object, ...], ...]

    @classmethod
    def of(cls, title: str, titles: Sequence[str], rows: Sequence[Sequence[object]]) -> Table:
        """Return a table whose columns need no explanation."""
        return cls(title, tuple(Column(each, "") for each in titles), tuple(map(tuple, rows)))

    @property
    def heads(self) -> tuple[str, ...]:
        """The titles of the columns."""
        return tuple(column.title for column in self.columns)

    def is_numeric(self, column: int) -> bool:
        """Tell whether a column has numbers, to align it right; the first column has names."""
        return column > 0 and all(_is_figure(str(row[column])) for row in self.rows)


def _is_figure(cell: str) -> bool:
    return cell in ("", "-") or cell.lstrip("-+")[:1].isdigit()


def percent(fraction: float | None) -> str:
    """Format a fraction in percent; "-" for None."""
    return "-" if fraction is None else f"{fraction:.2%}"


def shortened(name: str, most: int) -> str:
    """Return a name of at most `most` characters; a longer name loses its middle."""
    if len(name) <= most:
        return name
    end = most // 2
    return f"{name[: most - 1 - end]}…{name[len(name) - end :]}"


def short_names(names: Sequence[str], most: int) -> list[str]:
    """Return names of at most `most` characters, or more if different names would become equal."""
    for length in range(max(most, SHORTEST), max(map(len, names), default=0) + 1):
        short = [shortened(name, length) for name in names]
        if len(set(short)) == len(set(names)):
            return short
    return list(names)
