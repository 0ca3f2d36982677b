"""Loads rows to classify, with or without labels, from any kind of data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ska_edge.data.builtin.catalog import builtin_names
from ska_edge.data.classes import class_name
from ska_edge.data.formats.npz_table import Content, npz_feature_names, npz_features, read_npz
from ska_edge.data.formats.table_file import TABLES, read_table
from ska_edge.data.load import load
from ska_edge.data.memory import MAX_MEMORY
from ska_edge.data.tables.columns import ALL_COLUMNS, Columns, Inputs, arranged
from ska_edge.errors import InputError
from ska_edge.plural import counted


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows to classify.

    Attributes:
        name: name of the data, for messages.
        x: features (rows, inputs), float64.
        truth: the label of each row as text, empty for a row without a label; None if no row
            has one.
        origin: which columns of a file are used, in one line.
    """

    name: str
    x: NDArray[np.float64]
    truth: tuple[str, ...] | None
    origin: str = ""


def load_rows(
    source: str,
    model: Inputs,
    columns: Columns = ALL_COLUMNS,
    max_memory: int = MAX_MEMORY,
) -> Rows:
    """Load rows by built-in name, or from a table, npz or MNIST-idx file; see `load.load`.

    A table without a column beside the inputs has no labels, and an npz file needs no `y`.
    Labels may be unknown to the model or missing, because nothing is learned from the rows.

    Raises InputError for data that cannot be used or need more than `max_memory` MB, and for rows
    with a number of features other than the model's.
    """
    rows = _read(source, model, columns, max_memory)
    if rows.x.shape[1] != model.count:
        raise InputError(
            f"{rows.name} has {rows.x.shape[1]} features, but the model has {model.count} inputs;"
            " name data with the features that it was trained on"
            f"{_columns(source, rows, model.count)}"
        )
    return rows


def _columns(source: str, rows: Rows, inputs: int) -> str:
    """Return the end of an error sentence: the number of columns, if this is a table."""
    if Path(source).suffix.lower() not in TABLES:
        return ""
    found = counted(rows.x.shape[1] + (rows.truth is not None), "column")
    return f" (the file has {found}; it needs {inputs}, or {inputs + 1} with labels)"


def _read(source: str, model: Inputs, columns: Columns, max_memory: int) -> Rows:
    path = Path(source)
    suffix = path.suffix.lower() if source not in builtin_names() else ""
    if suffix in TABLES and path.is_file():
        table = read_table(path, columns, replace(model, labeled=False), max_memory)
        truth = tuple(map(class_name, table.labels)) if table.label_column else None
        return Rows(path.stem, table.x, truth, table.origin)
    if suffix == ".npz" and path.is_file() and columns == ALL_COLUMNS:
        content = read_npz(path, max_memory)
        x = npz_features(path, content)
        names = npz_feature_names(path, content, x.shape[1])
        return Rows(
            path.stem,
            arranged(path.stem, x, names, model.names),
            _npz_truth(path, len(x), content),
            content.origin,
        )
    dataset = load(source, columns, max_memory)
    x = arranged(dataset.name, dataset.x, dataset.features, model.names)
    return Rows(dataset.name, x, tuple(dataset.labels[index] for index in dataset.y))


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
