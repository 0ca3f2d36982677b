"""Defines the data options of every command that reads data, and a reader that applies them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click

from ska_edge.data.dataset import Dataset
from ska_edge.data.load import load
from ska_edge.data.memory import MAX_MEMORY
from ska_edge.data.rows import Rows, load_rows


@dataclass(frozen=True)
class Reader:
    """Reads data with the data options of a command; a source is a built-in name or a path."""

    label_column: str | None
    max_memory: int

    def dataset(self, source: str, inputs: int | None = None) -> Dataset:
        """Read labeled data, for a model with this number of inputs; see `load.load`."""
        return load(source, self.label_column, self.max_memory, inputs)

    def rows(self, source: str, inputs: int) -> Rows:
        """Read rows with or without labels; see `rows.load_rows`."""
        return load_rows(source, inputs, self.label_column, self.max_memory)


_label = click.option(
    "--label-column",
    help="Column of a CSV file with the labels: its name, or number from 1 [default: label, y,"
    " class or target, or else the last one].",
)
_memory = click.option(
    "--max-memory",
    metavar="MB",
    type=click.IntRange(min=1),
    default=MAX_MEMORY,
    show_default=True,
    help="Refuse data files that need more memory than this, before unpacking them.",
)


def data_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the data options; they reach its parameter `reader` as a `Reader`."""

    @_label
    @_memory
    @functools.wraps(command)
    def reading(*arguments: Any, label_column: str | None, max_memory: int, **others: Any) -> Any:
        return command(*arguments, reader=Reader(label_column, max_memory), **others)

    return reading
