"""Defines the data options of every command that reads data, and a reader that applies them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import click
import numpy as np

from ska_edge.cli.options.count import COUNT
from ska_edge.cli.options.shared import shared_option
from ska_edge.cli.options.training import ListOf
from ska_edge.cli.options.word import Word, WordWithParameters
from ska_edge.cli.screen.console import Output
from ska_edge.data.classes import numbered
from ska_edge.data.dataset import Dataset
from ska_edge.data.load import load, reads_windows
from ska_edge.data.memory import MAX_MEMORY
from ska_edge.data.recordings.load import load_recordings
from ska_edge.data.recordings.overview import Overview, overview
from ska_edge.data.rows import Rows, load_rows
from ska_edge.data.tables.columns import Columns
from ska_edge.data.tables.recorded import PLACES, Recorded
from ska_edge.data.targets import REGRESSION
from ska_edge.frontend.request import CHOICES
from ska_edge.model.foreign.network import ForeignNetwork
from ska_edge.model.model_file import Model
from ska_edge.model.open import cuts_windows
from ska_edge.monitor.teach import with_new_classes


@dataclass(frozen=True)
class Reader:
    """Reads data with the data options of a command; a source is a built-in name or a path."""

    columns: Columns
    max_memory: int

    def is_recorded(self, source: str, base: Model | ForeignNetwork | None = None) -> bool:
        """Tell whether `dataset` reads recordings."""
        recorded = self.columns.recorded
        asked = recorded is not None and not recorded.suits_rows
        return asked or reads_windows(source, cuts_windows(base))

    def dataset(
        self, source: str, task: str | None = None, base: Model | ForeignNetwork | None = None
    ) -> Dataset:
        """Read labeled data to train on; see `load.load`.

        Recordings are cut into the windows of `base`, the model to start from, if it has learned
        windows.
        """
        columns = self._columns(task == REGRESSION)
        return load(source, columns, self.max_memory, cuts_windows(base))

    def overviews(self, source: str) -> list[Overview]:
        """Return a summary of each recording; an empty list for other data."""
        if not self.is_recorded(source):
            return []
        found = load_recordings(source, self.columns, self.max_memory, labeled=False)
        return [overview(each) for each in found.recordings]

    def matched(self, source: str, model: Model, out: Output) -> Dataset:
        """Read labeled data for a model, with its inputs and classes; see `Model.matched`."""
        columns = self._columns(model.plan.regression)
        found = model.matched(load(source, columns, self.max_memory, model.takes))
        _say(found.origin, out)
        return found

    def grown(self, source: str, model: Model, out: Output) -> tuple[dict[int, str], Dataset]:
        """Read labeled data that may have new classes, for which a model has spare outputs.

        Returns the names of the new classes, by their labels, and the data with these labels.
        """
        found = load(source, self.columns, self.max_memory, model.takes)
        names = [found.labels[label] for label in np.unique(found.y)]
        new = tuple(name for name in names if name not in model.labels)
        if not model.plan.spares or numbered(new, model.labels):
            new = ()
        grown, added = with_new_classes(model, new)
        matched = grown.matched(found)
        _say(found.origin, out)
        return added, matched

    def rows(self, source: str, model: Model, out: Output) -> Rows:
        """Read rows with or without labels for a model; see `rows.load_rows`."""
        columns = self._columns(model.plan.regression)
        found = load_rows(source, model.takes, columns, self.max_memory)
        _say(found.origin, out)
        if model.plan.regression:
            return found
        if model.layout is not None and model.layout.label_from != "column":
            # The name of a file or a folder need not be a label.
            truth = tuple(each if each in model.labels else "" for each in found.truth or ())
            return replace(found, truth=truth if any(truth) else None)
        labels = sorted({label for label in found.truth or () if label})
        if labels and numbered(labels, model.labels):
            out.note(
                f"the labels of {found.name} are numbers, but the classes of the model have names;"
                " the labels are not compared"
            )
            return replace(found, truth=None)
        return found

    def _columns(self, regression: bool) -> Columns:
        """Return the columns; the label columns of a regression are its targets."""
        label = self.columns.label
        if not regression:
            return self.columns
        targets = () if label is None else tuple(part.strip() for part in label.split(","))
        return replace(self.columns, label=None, targets=targets)


def _say(origin: str, out: Output) -> None:
    if origin:
        out.note(origin)


_COLUMN = "a table: its name, or its number from 1"
_options = (
    shared_option(
        "--label-column",
        "--label",
        help=f"Column of the labels in {_COLUMN}; for a regression, a list of its targets"
        " [default: label, class, target, activity or y, or else the last one].",
    ),
    shared_option(
        "--group-column",
        help=f"Column of the groups, such as persons, in {_COLUMN} [default: none].",
    ),
    shared_option(
        "--features",
        type=ListOf(click.STRING),
        default=(),
        metavar="LIST",
        help="Columns of the inputs, in this order [default: all other columns; for a trained"
        " model, those with the names of its inputs].",
    ),
    shared_option(
        "--drop",
        type=ListOf(click.STRING),
        default=(),
        metavar="LIST",
        help="Columns to leave out, such as times and row numbers [default: none].",
    ),
    shared_option(
        "--separator",
        metavar="CHARACTER",
        help="What separates the columns of a CSV file: a character, or one of the words comma,"
        " semicolon, tab, bar and space [default: found in the first lines].",
    ),
    shared_option(
        "--decimal",
        metavar="SIGN",
        help="Decimal sign of a CSV file, point or comma [default: found in the first lines].",
    ),
)
_recorded = (
    shared_option(
        "--window",
        metavar="SIZE",
        help="DATA are recordings, one per file; cut them into windows of this many samples, such"
        " as 100, or of this time, such as 2s (docs/RECORDINGS.md) [default: each line is a row].",
    ),
    shared_option(
        "--hop",
        metavar="SIZE",
        help="Samples or time from one window to the next [default: --window].",
    ),
    shared_option(
        "--label-from",
        type=Word(PLACES),
        help="Where a recording has its label: in a column, or in the name of its folder or file"
        " [default: column if there is one, or else folder if there are several, or else file].",
    ),
    shared_option(
        "--group-from",
        type=Word(PLACES[1:]),
        help="Where a recording without --group-column has its group [default: nowhere].",
    ),
    shared_option(
        "--time-column",
        help="Column of the timestamps of a recording [default: t, time, timestamp, or such a name"
        " with a unit].",
    ),
    shared_option(
        "--sample-rate",
        metavar="HZ",
        type=click.FloatRange(min=0, min_open=True),
        help="Samples per second of the recordings [default: that of the timestamps].",
    ),
    shared_option(
        "--resample",
        metavar="HZ",
        type=click.FloatRange(min=0, min_open=True),
        help="Interpolate the recordings to this rate [default: no].",
    ),
    shared_option(
        "--lsb",
        type=ListOf(click.FloatRange(min=0, min_open=True)),
        default=(),
        metavar="LIST",
        help="For recordings that are not integers: the value of one step of the sensor, one for"
        " all axes or one for each.",
    ),
    shared_option(
        "--frontend",
        type=WordWithParameters(CHOICES),
        metavar="NAME",
        help="What computes the features, on the device as here: statistics, kernels, spectrum or"
        " echo of each window of recordings, or patches of rows that are images, perhaps with"
        " parameters, such as spectrum:bands=24 or patches:filters=24,shape=28x28; auto: the best"
        " of these, or none, in trials on the rows to learn (docs/FRONTENDS.md) [default: none, the"
        " samples or pixels are the features].",
    ),
)
_memory = shared_option(
    "--max-memory",
    metavar="MB",
    type=COUNT,
    default=MAX_MEMORY,
    show_default=True,
    help="Refuse data files that need more memory than this.",
)


RECORDED = (
    *("window", "hop", "label_from", "group_from"),
    *("time_column", "sample_rate", "resample", "lsb", "frontend"),
)
"""The names of the options of recordings, as `Recorded.of` takes them."""


def data_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the data options, which its parameter `reader` gets as a `Reader`."""

    @functools.wraps(command)
    def reading(
        *arguments: Any,
        label_column: str | None,
        group_column: str | None,
        features: tuple[str, ...],
        drop: tuple[str, ...],
        separator: str | None,
        decimal: str | None,
        max_memory: int,
        **others: Any,
    ) -> Any:
        columns = Columns(label_column, group_column, features, drop, separator, decimal)
        recorded = Recorded.of(**{name: others.pop(name) for name in RECORDED})
        columns = replace(columns, recorded=recorded)
        return command(*arguments, reader=Reader(columns, max_memory), **others)

    for option in reversed((*_options, *_recorded, _memory)):
        reading = option(reading)
    return reading
