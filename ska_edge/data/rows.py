"""Loads rows for a prediction, with or without labels or targets, from any kind of data."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ska_edge.data.builtin.catalog import builtin_names
from ska_edge.data.classes import class_name
from ska_edge.data.dataset import Dataset
from ska_edge.data.formats.npz_table import Content, npz_feature_names, npz_features, read_npz
from ska_edge.data.formats.table_file import TABLES, read_table
from ska_edge.data.image_rows import image_features
from ska_edge.data.load import check_recorded, load, reads_windows, rows_of_images
from ska_edge.data.memory import MAX_MEMORY, check_memory
from ska_edge.data.recordings.window_rows import (
    described,
    for_model,
    front_of,
    load_windows,
    rows_of,
)
from ska_edge.data.several import check_named, files_found, folder_of, joined_origin, name_of
from ska_edge.data.tables.columns import ALL_COLUMNS, Columns, arranged
from ska_edge.data.tables.inputs import Inputs
from ska_edge.data.targets import targets_of
from ska_edge.errors import InputError
from ska_edge.plural import counted


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows for a prediction.

    Attributes:
        name: name of the data, for messages.
        x: features (rows, inputs), float64 or small integers.
        truth: the label of each row as text, empty for a row without a label; None if no row
            has a label.
        origin: which columns of a file are used, in one line.
        features: the names of the inputs in the file; None if the file has no names.
        dialect: how the file is written, if that is unusual.
        targets: numbers (rows, targets) for a regression; None if there are none.
    """

    name: str
    x: NDArray[np.float64]
    truth: tuple[str, ...] | None
    origin: str = ""
    features: tuple[str, ...] | None = None
    dialect: str = ""
    targets: NDArray[np.float64] | None = None


def load_rows(
    source: str | os.PathLike[str],
    model: Inputs,
    columns: Columns = ALL_COLUMNS,
    max_memory: int = MAX_MEMORY,
) -> Rows:
    """Load rows by built-in name, or from files; see `load.load`.

    A table with no columns except the inputs has no labels, and an npz file needs no `y`. Labels
    may be missing or unknown to the model, because nothing is learned from the rows. The rows of
    several files follow each other; some of the files may have no labels.

    Raises InputError for data that cannot be used or need more than `max_memory` MB, and for rows
    with a number of features other than the model's. Raises ToolError as `load.load` does.
    """
    columns = for_model(columns, model)
    recorded = columns.recorded
    if recorded is not None and recorded.frontend is not None and recorded.frontend.images:
        columns = rows_of_images(columns, model)
    rows = _read(source, model, columns, max_memory)
    if rows.x.shape[1] != model.count:
        raise InputError(
            f"{rows.name} has {counted(rows.x.shape[1], 'feature')}, but the model has"
            f" {model.count} inputs; name data with the features that it was trained on"
            f"{_columns(source, rows, model.count)}"
        )
    if model.front is None or model.layout is not None:
        return rows
    return replace(rows, x=image_features(rows.name, rows.x, model.front), features=None)


def _columns(source: str | os.PathLike[str], rows: Rows, inputs: int) -> str:
    """Return the number of columns, as the end of an error sentence; "" if this is not a table."""
    if Path(source).suffix.lower() not in TABLES:
        return ""
    found = counted(rows.x.shape[1] + (rows.truth is not None), "column")
    return f" (the file has {found}; it needs {inputs}, or {inputs + 1} with labels)"


def _read(source: str | os.PathLike[str], model: Inputs, columns: Columns, max_memory: int) -> Rows:
    if columns.recorded is not None:
        check_recorded(source, columns, model)
    if reads_windows(source, model):
        return _windows(source, model, columns, max_memory)
    if isinstance(source, str) and source in builtin_names():
        return _labeled(load(source, columns, max_memory), model)
    path = Path(source)
    files = files_found(source)
    if files:
        return _joined(os.fspath(source), files, model, columns, max_memory)
    suffix = path.suffix.lower()
    if suffix in TABLES and path.is_file():
        table = read_table(path, columns, replace(model, labeled=False), max_memory)
        truth = tuple(map(class_name, table.labels)) if table.label_column else None
        return Rows(
            path.stem,
            table.inputs,
            truth,
            table.origin,
            table.features,
            table.dialect,
            table.targets,
        )
    plain = replace(columns, targets=columns.targets or None) == ALL_COLUMNS
    if suffix == ".npz" and path.is_file() and plain:
        content = read_npz(path, max_memory)
        if model.layout is not None and content.get("layout") is not None:
            return _labeled(load(source, columns, max_memory, model), model)
        x = npz_features(path, content)
        names = npz_feature_names(path, content, x.shape[1])
        if model.targets:
            y = content.get("y")
            targets = None if y is None else targets_of(y, len(x), model.targets)[0]
            x = arranged(path.stem, x, names, model.names)
            return Rows(path.stem, x, None, content.origin, names, targets=targets)
        return Rows(
            path.stem,
            arranged(path.stem, x, names, model.names),
            _npz_truth(path, len(x), content),
            content.origin,
            None if names is None else tuple(names),
        )
    return _labeled(load(source, columns, max_memory), model)


def _windows(
    source: str | os.PathLike[str], model: Inputs, columns: Columns, max_memory: int
) -> Rows:
    windows, made, found = load_windows(source, columns, max_memory, model.layout, labeled=False)
    truth = windows.y if any(windows.y) else None
    front = front_of(columns.recorded, made, model.layout is not None, model.front)
    x, names = rows_of(windows, front)
    return Rows(name_of(source), x, truth, described(windows, made, found), names)


def _labeled(dataset: Dataset, model: Inputs) -> Rows:
    x = arranged(dataset.name, dataset.x, dataset.features, model.names)
    if dataset.targets is not None:
        return Rows(dataset.name, x, None, targets=dataset.targets)
    return Rows(dataset.name, x, tuple(dataset.labels[index] for index in dataset.y))


def _joined(
    name: str, paths: Sequence[Path], model: Inputs, columns: Columns, max_memory: int
) -> Rows:
    parts: list[Rows] = []
    for path in paths:
        part = load_rows(path, model, columns, max_memory)
        parts.append(part)
        check_named(paths[0], parts[0].features, path, part.features)
        check_memory(Path(name), sum(each.x.nbytes for each in parts), max_memory)
    truth: list[str] = []
    for part in parts:
        truth.extend([""] * len(part.x) if part.truth is None else part.truth)
    return Rows(
        folder_of(paths),
        np.concatenate([part.x for part in parts]),
        tuple(truth) if any(part.truth is not None for part in parts) else None,
        joined_origin(name, paths, parts[0].origin, [part.dialect for part in parts]),
        parts[0].features,
        targets=_joined_targets(parts),
    )


def _joined_targets(parts: Sequence[Rows]) -> NDArray[np.float64] | None:
    """Return the targets of all parts; None if a part has none."""
    found = [part.targets for part in parts if part.targets is not None]
    return np.concatenate(found) if len(found) == len(parts) else None


def _npz_truth(path: Path, rows: int, content: Content) -> tuple[str, ...] | None:
    y, names = content.get("y"), content.get("labels")
    if y is None:
        return None
    if y.shape != (rows,):
        raise InputError(f"{path}: y has shape {y.shape}, but must have ({rows},) for {rows} rows")
    labels = [str(label) for label in y.tolist()]
    if names is not None and y.dtype.kind in "iu":
        known = dict(enumerate(str(name) for name in names.ravel().tolist()))
        labels = [known.get(int(label), str(label)) for label in y.tolist()]
    return tuple(labels)
