"""Chooses which columns of a table are inputs, targets, labels and groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ska_edge.data.tables.inputs import Inputs
from ska_edge.data.tables.recorded import Recorded, features_of
from ska_edge.errors import InputError
from ska_edge.plural import counted, listed
from ska_edge.spelling import did_you_mean

T = TypeVar("T")

_few = partial(listed, more=" ...")

LABEL_COLUMNS = ("label", "class", "target", "activity", "y")  # y last: it may be an axis


@dataclass(frozen=True, slots=True)
class Columns:
    """What a user says about the columns of a table.

    A column is named by its name in the header, or by its number from 1.

    Attributes:
        label: the column of the labels; None to find it.
        targets: for a regression, the columns of the targets; empty to choose one by the rules for
            a label; None for data with labels.
        group: the column of the groups, such as a person or a session; None for no groups.
        features: the columns of the inputs, in this order; empty for all other columns.
        drop: columns to leave out.
        separator: the character between two columns of a CSV file, or its name; None to find it.
        decimal: the decimal sign of a CSV file, a point or a comma; None to find it.
        recorded: how the rows are samples of recordings; None if each row is a row to learn.
    """

    label: str | None = None
    group: str | None = None
    features: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    separator: str | None = None
    decimal: str | None = None
    targets: tuple[str, ...] | None = None
    recorded: Recorded | None = None


ALL_COLUMNS = Columns()


@dataclass(frozen=True, slots=True)
class Choice:
    """The chosen columns of a table, by index from 0; `label` and `group` may be None.

    `by_position` is the reason why a model's inputs are taken by position, and not by name; it is
    empty for other tables. The last `targets` of the features are the targets of a regression; like
    inputs, they are numbers. See `inputs`.
    """

    features: tuple[int, ...]
    label: int | None
    group: int | None
    by_position: str = ""
    targets: int = 0

    def noun(self, column: int) -> str:
        """Return what a value of a feature is, an input or a target."""
        return "input" if column in self.inputs else "target"

    @property
    def inputs(self) -> tuple[int, ...]:
        """The columns of the inputs: the features without the targets."""
        return self.features[: len(self.features) - self.targets]


@dataclass(frozen=True)
class Header:
    """The columns of a table: their number, and their names unless the table has no header."""

    path: Path
    width: int
    names: tuple[str, ...] | None

    def index(self, wanted: str, what: str) -> int:
        """Return the index of a column; `what` describes it in the error sentence.

        Raises InputError unless exactly one column has this name or this number.
        """
        places = self._places.get(wanted, [])
        if not places and wanted.isascii() and wanted.isdigit() and 1 <= int(wanted) <= self.width:
            return int(wanted) - 1
        if not places:
            raise InputError(f"{self.path} has no {what} '{wanted}'; {self._known(wanted)}")
        if len(places) > 1:
            raise InputError(_twice(self.path, wanted, places, what))
        return places[0]

    def label(self) -> int | None:
        """Return the index of the column with a name for labels; None if there is none.

        Raises InputError if two columns have the same name for labels.
        """
        lower = [name.lower() for name in self.names or ()]
        for name in LABEL_COLUMNS:
            places = [at for at, found in enumerate(lower) if found == name]
            if len(places) > 1:
                raise InputError(_twice(self.path, name, places, "label column"))
            if places:
                return places[0]
        return None

    @cached_property
    def titles(self) -> tuple[str, ...]:
        """The name of each column; `column 3` for the third one if it has no name in the header."""
        return tuple(
            name or f"column {at + 1}" for at, name in enumerate(self.names or [""] * self.width)
        )

    def describe(self, index: int) -> str:
        """Return a column's name, or its number if it has no name."""
        return self.titles[index]

    @cached_property
    def _places(self) -> dict[str, list[int]]:
        places: dict[str, list[int]] = {}
        for at, title in enumerate(self.titles):
            places.setdefault(title, []).append(at)
        return places

    def _known(self, wanted: str) -> str:
        if self.names is None:
            return f"it has no header, so give the column's number, 1 to {self.width}"
        return f"its columns are {_few(self.titles)}" + did_you_mean(wanted, self.titles)


def choose(header: Header, asked: Columns, model: Inputs | None) -> Choice:
    """Choose the columns of a table, for training (`model` is None) or for a model.

    For training, the label column is the column that the user names, otherwise a column with a name
    of `LABEL_COLUMNS`, otherwise the last column. A table for a model may have no labels.

    The inputs are the columns that the user names, otherwise those with the names of the model's
    inputs, otherwise all other columns in their order.

    The columns of a recording are found by the rules of `Recorded`.

    Raises InputError for a column that does not exist, that has two purposes, or that the model
    needs and the table lacks; for training also for two inputs of one name, because the model could
    not distinguish them.
    """
    group = None if asked.group is None else header.index(asked.group, "group column")
    dropped = [header.index(name, "column") for name in asked.drop]
    if asked.recorded is not None:
        return _of_recording(header, asked, asked.recorded, group, dropped)
    features = [header.index(name, "column") for name in asked.features]
    by_position = ""
    if not features and model is not None:
        if header.names is None and model.names is not None:
            by_position = "the file names no columns"
        elif header.names is not None and model.names is None:
            by_position = "the model has no names for them"
        elif model.names is not None:
            features = _by_name(header, model.names, dropped)
    others = {*features, *dropped, *({group} - {None})}
    targets, label = _named_targets(header, asked, model), None
    if not targets and not _knows_targets(header, model):
        label = _label(header, asked, model, others, bool(features))
        targets = _found_targets(header, asked, model, others, label)
    if targets:
        label = None
    if not features:
        taken = {label, group, *dropped, *targets}
        features = [at for at in range(header.width) if at not in taken]
    _check(header, features, targets, dropped, label, group)
    if header.names is not None and model is None:
        _refuse_twins(header, [*features, *targets])
    return Choice((*features, *targets), label, group, by_position, len(targets))


def _of_recording(
    header: Header, asked: Columns, recorded: Recorded, group: int | None, dropped: Sequence[int]
) -> Choice:
    """Choose the columns of a recording: the axes, and last the timestamps, if there are any."""
    grouped = recorded.group_column(header.titles, {*asked.features, *asked.drop, asked.label})
    group = header.index(grouped, "group column") if group is None and grouped else group
    name = asked.label or recorded.label_column(header.titles)
    label = None if name is None else header.index(name, "label column")
    if asked.label is None and label in dropped:
        label = None
    axes = [header.index(axis, "axis") for axis in asked.features or recorded.axes]
    clock = recorded.time_column(header.titles)
    time = None if clock is None else header.index(clock, "column of timestamps")
    found = features_of(header.titles, axes, time, {label, group, *dropped})
    _check(header, found, [], dropped, label, group)
    return Choice(found, label, group)


def _named_targets(header: Header, asked: Columns, model: Inputs | None) -> list[int]:
    """Return the columns of the targets that the user or the model names; empty if there are none.

    For a model, the columns are in the order of its targets. Raises InputError if the user names
    other targets than those of the model, and for a missing target if the model needs all targets.
    """
    named = [header.index(name, "target column") for name in asked.targets or ()]
    if model is None or not model.targets:
        return named
    if not named:
        lacking = [name for name in model.targets if name not in header.titles]
        if lacking and model.labeled and _knows_targets(header, model):
            raise InputError(
                f"{header.path} lacks {counted(len(lacking), 'target')} of the model:"
                f" {_few(lacking)}; its columns are {_few(header.titles)}"
            )
        return [] if lacking else [header.index(name, "target column") for name in model.targets]
    by_name = {header.describe(at): at for at in named}
    if set(by_name) == set(model.targets):
        return [by_name[name] for name in model.targets]
    if len(named) != len(model.targets) or _knows_targets(header, model):
        raise InputError(
            f"{header.path}: the model has learned {_few(model.targets)}, and the named"
            f" {'target is' if len(named) == 1 else 'targets are'}"
            f" {_few([header.describe(at) for at in named])}; name all targets of the model, and no"
            " others"
        )
    return named


def _knows_targets(header: Header, model: Inputs | None) -> bool:
    """Tell whether the targets of a model are found by name, as its inputs are."""
    if model is None or not model.targets:
        return False
    return header.names is not None and model.names is not None


def _found_targets(
    header: Header,
    asked: Columns,
    model: Inputs | None,
    taken: set[int | None],
    label: int | None,
) -> list[int]:
    """Return the targets of a table that are not known by name; empty for labels.

    The targets are the column `label`, or the last columns if the model has several targets.
    """
    count = 1 if asked.targets is not None else 0
    if model is not None and model.targets:
        count = len(model.targets)
    if count > 1 and model is not None:
        rest = [at for at in range(header.width) if at not in taken]
        return rest[-count:] if len(rest) >= (0 if taken else model.count) + count else []
    return [] if label is None or not count else [label]


def _by_name(header: Header, names: Sequence[str], dropped: Sequence[int]) -> list[int]:
    require(str(header.path), names, header.titles)
    found = [header.index(name, "column") for name in names]
    for at in found:
        if at in dropped:
            raise InputError(
                f"{header.path}: {header.describe(at)} is an input of the model, so it cannot be"
                " dropped"
            )
    return found


def _refuse_twins(header: Header, features: Sequence[int]) -> None:
    name = repeated([header.describe(at) for at in features])
    if name is None:
        return
    numbers = " and ".join(str(at + 1) for at in features if header.describe(at) == name)
    raise InputError(
        f"{header.path}: columns {numbers} are both called '{name}'; rename one, or drop it"
        " by its number"
    )


def arranged(
    name: str,
    x: NDArray[np.float64],
    features: Sequence[str] | None,
    wanted: Sequence[str] | None,
) -> NDArray[np.float64]:
    """Return the columns `wanted` of x (n, d), in the order of `wanted`.

    `features` are the names of the columns. If `features` or `wanted` is None, x is returned
    unchanged. Raises InputError, with the `name` of the data, if a column is missing.
    """
    if features is None or wanted is None or tuple(features) == tuple(wanted):
        return x
    require(name, wanted, features)
    places = {name: at for at, name in enumerate(features)}
    return x[:, [places[each] for each in wanted]]


def _label(
    header: Header, asked: Columns, model: Inputs | None, taken: set[int | None], named: bool
) -> int | None:
    """Return the label column, or None for a table without labels.

    `taken` are the columns with another purpose; `named` tells whether all inputs are among them.
    """
    if asked.label is not None:
        return header.index(asked.label, "label column")
    rest = [at for at in range(header.width) if at not in taken]
    found = header.label()
    if model is None or not named:
        bare = model is not None and len(rest) == model.count
        axis = bare and found is not None and header.describe(found).lower() == "y"
        if found in rest and not axis:
            return found
        return None if bare or not rest else rest[-1]
    if found in rest:
        return found
    if not model.labeled:
        return None
    if len(rest) > 1:
        raise InputError(
            f"{header.path} has the columns {_few([header.describe(at) for at in rest])} beside"
            " the inputs of the model; name the column of the labels"
        )
    return rest[0] if rest else None


def _check(
    header: Header,
    features: Sequence[int],
    targets: Sequence[int],
    dropped: Sequence[int],
    label: int | None,
    group: int | None,
) -> None:
    for noun, places in (
        ("inputs", features),
        ("targets", targets),
        ("columns to drop", dropped),
    ):
        twice = repeated(places)
        if twice is not None:
            raise InputError(
                f"{header.path}: {header.describe(twice)} is twice in the list of {noun}"
            )
    purposes = [*features, *targets, *dropped, *(at for at in (label, group) if at is not None)]
    twice = repeated(purposes)
    if twice is not None:
        raise InputError(
            f"{header.path}: {header.describe(twice)} is named for two purposes; a column is an"
            f" input, {'a target' if targets else 'the label'}, the group or dropped"
        )
    if not features:
        raise InputError(f"{header.path} has no inputs beside the named columns")


def repeated(values: Sequence[T]) -> T | None:
    """Return the first value that occurs a second time, or None."""
    seen: set[T] = set()
    for value in values:
        if value in seen:
            return value
        seen.add(value)
    return None


def require(name: str, wanted: Sequence[str], names: Sequence[str]) -> None:
    """Raise InputError, with the `name` of the data, if an input of a model is not in `names`."""
    known = set(names)
    lacking = [each for each in wanted if each not in known]
    if lacking:
        raise InputError(
            f"{name} lacks {counted(len(lacking), 'input')} of the model: {_few(lacking)};"
            f" its columns are {_few(names)}"
        )


def _twice(path: Path, name: str, at: Sequence[int], what: str) -> str:
    columns = " and ".join(str(index + 1) for index in at)
    return f"{path}: columns {columns} are both called '{name}'; give the number of the {what}"
