"""Holds labeled samples in memory, and writes them to npz files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ska_edge.data.classes import numbered
from ska_edge.data.recordings.layout import Layout
from ska_edge.data.row_blocks import row_blocks
from ska_edge.data.tables.columns import arranged
from ska_edge.errors import InputError, OptionError
from ska_edge.files import npz_bytes, write_file
from ska_edge.frontend.front import Front
from ska_edge.plural import counted

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Dataset:
    """Samples and their classes.

    ``x`` is float64 (n, d), or 8-bit or 16-bit integers as the file has them, which take less
    memory. ``y`` is int64 (n,), class indices 0..classes-1. ``labels`` has the class names in the
    order of the indices. ``group`` is int64 (n,), the source of each sample, such as a person, or
    None. ``places`` is int64 (n,), the row of each sample in its original data. ``features`` has a
    name for each column of ``x``, or is None. ``group_names`` are the names of the groups 0, 1,
    ..., if the data name their groups.

    ``targets`` is float64 (n, t), the numbers that a regression learns, or None for data with
    classes. With targets, all of ``y`` is 0, and ``labels`` has the names of the targets.

    ``origin`` says in one line which columns of a file are used. ``dialect`` says how the file is
    written, if that is unusual. ``doubts`` has sentences about columns that perhaps should not be
    inputs. See ``load``.

    The following attributes determine how the rows are split by default, see ``split.division``:
    ``file`` is int64 (n,), the file of each sample, an index into ``file_names``, or None for a
    single file. ``tested`` is bool (n,), the rows that the data themselves hold out, or None.
    ``time`` names a column that rises like a time; the column may be unused. ``default_split`` is
    the kind of the split of built-in data.

    If the samples are windows of recordings, ``layout`` says how they were cut, and ``starts`` is
    int64 (n,), the first sample of each window, with large gaps between two recordings. If
    ``front`` computes the features, ``windows`` has the raw samples, int16 (n, length, axes). If
    the training shall choose a front end, ``candidates`` are those that suit the data, and ``x``
    has the samples or pixels; otherwise ``candidates`` is None. ``windows`` then has the samples of
    windows, too. If the samples are images, ``columns`` has the names of the pixels, or None.
    Before ``front`` is learned, ``x`` has the pixels or the samples of the windows.
    """

    name: str
    x: FloatArray
    y: IntArray
    labels: tuple[str, ...]
    group: IntArray | None = None
    places: IntArray | None = None
    features: tuple[str, ...] | None = None
    group_names: tuple[str, ...] = ()
    origin: str = ""
    doubts: tuple[str, ...] = ()
    file: IntArray | None = None
    file_names: tuple[str, ...] = ()
    tested: NDArray[np.bool_] | None = None
    time: str = ""
    default_split: str = ""
    dialect: str = ""
    targets: FloatArray | None = None
    layout: Layout | None = None
    starts: IntArray | None = None
    front: Front | None = None
    windows: NDArray[np.int16] | None = None
    candidates: tuple[Front, ...] | None = None
    columns: tuple[str, ...] | None = None

    def __repr__(self) -> str:
        """Return the name and the sizes, because the arrays are long."""
        rows, columns = self.x.shape
        parts = [self.name, counted(rows, "row"), counted(columns, "feature")]
        parts.append(counted(self.classes, "class" if self.targets is None else "target"))
        if self.group is not None:
            parts.append(counted(len(np.unique(self.group)), "group"))
        return f"Dataset({', '.join(parts)})"

    @property
    def classes(self) -> int:
        """Number of classes, including classes without samples; for a regression, of targets."""
        return len(self.labels)

    @property
    def remarks(self) -> tuple[str, ...]:
        """The sentences `origin` and, as warnings, `doubts`, about the columns of a file."""
        doubts = [f"warning: {doubt}" for doubt in self.doubts]
        return tuple([self.origin, *doubts] if self.origin else doubts)

    @property
    def digest(self) -> str:
        """The first 16 hexadecimal digits of a hash of the data.

        The hash covers the samples, classes, targets, groups, files and held-out rows.
        """
        content = hashlib.sha256("\n".join(self.labels).encode())
        for block in row_blocks(len(self.x)):
            content.update(np.ascontiguousarray(self.x[block], dtype=np.float64).tobytes())
        for values in (self.y, self.group, self.file, self.tested, self.targets):
            if values is not None:
                content.update(np.ascontiguousarray(values).tobytes())
        return content.hexdigest()[:16]

    def with_classes(self, labels: Sequence[str]) -> Dataset:
        """Return the same samples, with ``labels`` as class names; ``y`` has indices into them.

        Classes are matched by name. Raises InputError if a class of these data is not in
        ``labels``. For data with targets, see ``with_targets``.
        """
        present = [self.labels[index] for index in np.unique(self.y)]
        unknown = [name for name in present if name not in labels]
        if unknown:
            raise InputError(
                f"'{self.name}' has the class '{unknown[0]}', which the model does not know;"
                f" it knows {', '.join(labels)}{numbered(present, labels)}"
            )
        known = {name: number for number, name in enumerate(labels)}
        numbers = np.array([known.get(name, 0) for name in self.labels], dtype=np.int64)
        return replace(self, y=numbers[self.y], labels=tuple(labels))

    def with_targets(self, names: Sequence[str], by_name: bool = False) -> Dataset:
        """Return the same samples with the targets of a model, which have these names.

        Targets are matched by name. If a name is unknown, all targets are matched by position, or
        refused with `by_name`. Raises InputError also for data with classes, and for another number
        of targets.
        """
        if self.targets is None:
            raise InputError(
                f"'{self.name}' has classes, but the model has learned numbers; give data with"
                f" {counted(len(names), 'target')}"
            )
        if len(self.labels) != len(names):
            raise InputError(
                f"'{self.name}' has {counted(len(self.labels), 'target')}, but the model has"
                f" {len(names)}: {', '.join(names)}"
            )
        unknown = [name for name in self.labels if name not in names]
        if unknown and by_name:
            raise InputError(
                f"'{self.name}' has the target '{unknown[0]}', which the model does not know;"
                f" it knows {', '.join(names)}"
            )
        order = list(range(len(names)))
        if set(names) == set(self.labels):
            order = [self.labels.index(name) for name in names]
        return replace(self, targets=self.targets[:, order], labels=tuple(names))

    def with_features(self, names: Sequence[str] | None) -> Dataset:
        """Return the same samples with the features ``names``, in the order of ``names``.

        If ``names`` is None, or if these data have no names, nothing changes. Raises InputError if
        these data lack a feature.
        """
        if names is None or self.features is None:
            return self
        x = arranged(f"'{self.name}'", self.x, self.features, names)
        return replace(self, x=x, features=tuple(names))

    def take(self, rows: ArrayLike) -> Dataset:
        """Return the samples at ``rows`` (indices or mask) in that order, with all class names."""
        chosen = np.asarray(rows)
        if chosen.size == 0:
            chosen = chosen.astype(np.int64)  # numpy reads an empty list as floats
        places = np.arange(len(self.y)) if self.places is None else self.places
        return replace(
            self,
            x=self.x[chosen],
            y=self.y[chosen],
            group=None if self.group is None else self.group[chosen],
            file=None if self.file is None else self.file[chosen],
            tested=None if self.tested is None else self.tested[chosen],
            targets=None if self.targets is None else self.targets[chosen],
            starts=None if self.starts is None else self.starts[chosen],
            windows=None if self.windows is None else self.windows[chosen],
            places=places[chosen],
        )

    def group_name(self, number: int) -> str:
        """Return the name and the number of a group, or its number if groups have no names."""
        return f"{self.group_names[number]} ({number})" if self.group_names else str(number)

    def of_group(self, wanted: int | str) -> Dataset:
        """Return the samples of one group, such as one person, in their order.

        A group has a number, and may have a name. Without groups, each of several files is a group.

        Raises InputError if no sample is in that group, or if these data have no groups.
        """
        group, names = self.group, self.group_names
        if group is None and self.file is not None:
            group, names = self.file, self.file_names
        if group is None:
            raise InputError(f"'{self.name}' has no groups, so none is {wanted}")
        text = str(wanted)
        number = names.index(text) if text in names else int(text) if is_whole(text) else None
        if number is None or number not in group:
            known = ", ".join(
                f"{names[each]} ({each})" if names else str(each) for each in np.unique(group)
            )
            raise InputError(f"'{self.name}' has no group {wanted}; its groups are {known}")
        return self.take(group == number)


def is_whole(text: str) -> bool:
    """Tell whether a text is an integer with fewer than 20 characters."""
    return text.removeprefix("-").isdigit() and text.isascii() and len(text) < 20


def save(dataset: Dataset, path: str | Path) -> None:
    """Write an npz file for ``load``, with x, y and labels.

    The file also has these arrays, if the data have them: group, feature_names, tested, from_file
    (the file of each row), file_names, and time_column (the name of a column that rises like a
    time). Windows have layout (JSON that says how they were cut) and starts (the first sample of
    each).

    Equal data give equal bytes.

    Raises InputError if the name does not end in .npz, or if the file cannot be written, and
    OptionError for features of a front end, because they lack the samples that a device needs.
    """
    path = Path(path)
    if path.suffix.lower() != ".npz":
        raise InputError(f"{path}: data are written as npz, so the name must end in .npz")
    if dataset.front is not None or dataset.candidates is not None:
        raise OptionError(
            "{output} keeps samples or pixels, not features of a front end; leave {frontend} out,"
            " and give it to `ska-edge train` with the file that is written"
        )
    arrays: dict[str, NDArray[Any]] = {
        "x": dataset.x.astype("<f8"),
        "y": dataset.y.astype("<i8") if dataset.targets is None else dataset.targets,
        "labels": np.array(dataset.labels).astype("<U"),
    }
    if dataset.group is not None:
        names = np.array(dataset.group_names).astype("<U")
        arrays["group"] = names[dataset.group] if len(names) else dataset.group.astype("<i8")
    if dataset.file is not None:
        arrays["from_file"] = dataset.file.astype("<i8")
        arrays["file_names"] = np.array(dataset.file_names).astype("<U")
    if dataset.time:
        arrays["time_column"] = np.array(dataset.time).astype("<U")
    if dataset.layout is not None:
        layout = json.dumps(dataset.layout.as_dict(), sort_keys=True)
        arrays["layout"] = np.array(layout).astype("<U")
    if dataset.starts is not None:
        arrays["starts"] = dataset.starts.astype("<i8")
    if dataset.tested is not None:
        arrays["tested"] = dataset.tested
    if dataset.features is not None:
        arrays["feature_names"] = np.array(dataset.features).astype("<U")
    write_file(path, npz_bytes(arrays))
