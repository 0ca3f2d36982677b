"""Loads and checks labeled data: built-in data, or a table, npz or MNIST-idx file.

An error about the content of a file is an ``InputError``. The error names the file, and the place
in the file if it is known.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ska_edge.data.builtin.catalog import builtin_names, read_builtin
from ska_edge.data.classes import IntArray, classes_of_array, classes_of_texts
from ska_edge.data.dataset import Dataset
from ska_edge.data.formats.idx import is_idx, labels_beside, read_idx
from ska_edge.data.formats.npz_table import (
    Content,
    kind_of,
    lacks,
    npz_feature_names,
    npz_features,
    read_npz,
)
from ska_edge.data.formats.table_file import TABLES, read_table
from ska_edge.data.image_rows import as_images, to_choose
from ska_edge.data.memory import MAX_MEMORY
from ska_edge.data.recordings.files import has_only_recordings, recording_files
from ska_edge.data.recordings.stored import stored_layout, stored_starts, with_front
from ska_edge.data.recordings.window_rows import for_model, windowed
from ska_edge.data.several import files_of, has_files, load_several
from ska_edge.data.tables.columns import ALL_COLUMNS, Columns
from ska_edge.data.tables.doubts import doubts_about
from ska_edge.data.tables.inputs import Inputs
from ska_edge.data.tables.recorded import Recorded
from ska_edge.data.tables.table import Table
from ska_edge.data.targets import targets_of
from ska_edge.errors import InputError, OptionError
from ska_edge.plural import counted
from ska_edge.spelling import did_you_mean


def load(
    source: str | os.PathLike[str],
    columns: Columns = ALL_COLUMNS,
    max_memory: int = MAX_MEMORY,
    model: Inputs | None = None,
) -> Dataset:
    """Load data by built-in name (a str), or from the path of a table, npz or MNIST-idx file.

    For built-in data, see ``catalog.read_builtin``.

    Tables are CSV, Parquet, Arrow, ARFF and .ts files, see ``table_file.read_table``. Only the
    columns of tables can be chosen with ``columns``. Labels are integers or text. The distinct
    labels, in sorted order, are the class names. A regression has targets, which are numbers, in
    place of labels.

    An npz file has ``x`` (n, d) with finite numbers, or images (n, height, width), and ``y`` with
    integers or text, see ``classes.label_array``; ``npz_names.purposes`` has other names for them.
    The file may have ``labels`` (classes,) with the class names as text; then y has their indices,
    and a class need not occur in y. The file may also have ``group`` (n,) with integers or text,
    and ``feature_names`` (d,) with text. Pickles are refused.

    For MNIST-idx files, such as ``train-images-idx3-ubyte``, also with .gz, the path names the file
    of the images. The labels are in the file next to it, see ``idx.read_idx``. Features are the
    pixels, 0 to 255.

    If the data are for a trained ``model``, the inputs of the model are found by name, if both the
    model and the table have names. A table that has only the inputs has no labels, and is refused.

    If ``columns`` say how recordings are cut, or if the model has learned windows, each window is a
    row, see ``window_rows.windowed``; an npz file may have such windows, see ``stored``. If
    ``columns`` ask for a front end of images, or if the model has learned images, each row is an
    image, and x has its pixels. If ``columns`` ask for "auto", the data have ``candidates``.

    A folder, a pattern such as ``run*.csv``, and names with commas between them are several files,
    which are joined, see ``several.load_several``.

    Raises InputError if the data do not exist or cannot be used, or take more than ``max_memory``
    MB. Raises ToolError as ``read_builtin`` and ``read_table`` do.
    """
    if not os.fspath(source):
        raise InputError("the name of the data is empty: give a name of built-in data, or a path")
    columns = for_model(columns, model)
    request = None if columns.recorded is None else columns.recorded.frontend
    if request is not None and model is None and has_only_recordings(source):
        check_recorded(source, columns, model)
    if columns.recorded is not None and columns.recorded.auto and columns.recorded.suits_rows:
        found = load(source, replace(columns, recorded=None), max_memory)
        return to_choose(found) if found.layout is None else with_front(found, columns.recorded)
    if request is not None and request.images:
        found = load(source, rows_of_images(columns, model), max_memory, model)
        return found if model is not None else as_images(found, request)
    layout = None if model is None else model.layout
    asks = columns.recorded is not None and Path(source).suffix.lower() != ".npz"
    if asks or reads_windows(source, model):
        check_recorded(source, columns, model)
        return windowed(source, columns, max_memory, layout, None if model is None else model.front)
    if isinstance(source, str) and source in builtin_names():
        _refuse_columns(source, columns)
        _refuse_targets(source, columns, model)
        return Dataset(source, *read_builtin(source), default_split="plain")
    path = Path(source)
    try:
        files = files_of(source)
        if files:
            return load_several(
                os.fspath(source),
                files,
                lambda each: _part(each, columns, max_memory, model),
                max_memory,
                trained=model is not None,
            )
        if not path.exists():
            raise InputError(
                f"{str(source)!r} is neither a file nor built-in data"
                f"{did_you_mean(source, builtin_names())};"
                f" built in are {', '.join(builtin_names())}"
            )
    except (OSError, ValueError) as error:  # a name too long for a path, or with a null byte
        raise InputError(f"{str(source)[:80]!r} cannot be a path: {error}") from error
    if not path.is_file():
        raise InputError(f"{path} is not a file; data come from files, such as .csv or .npz")
    suffix = path.suffix.lower()
    if suffix in TABLES:
        return _load_table(path, columns, max_memory, model)
    if suffix == ".npz":
        _refuse_columns(path, replace(columns, recorded=None))
        found = _load_npz(path, max_memory, columns.targets is not None or _has_targets(model))
        if found.layout is not None:
            return with_front(found, columns.recorded, model)
        if columns.recorded is not None:
            check_recorded(source, columns, model)
        return found
    if is_idx(path):
        _refuse_columns(path, columns)
        _refuse_targets(path, columns, model)
        return _load_idx(path, max_memory)
    raise InputError(
        f"{path}: the kind of file is unknown; its name must end in .csv, .npz,"
        f" -images-idx3-ubyte, -images-idx3-ubyte.gz, {', '.join(TABLES[1:-1])} or {TABLES[-1]}"
    )


def reads_windows(source: str | os.PathLike[str], model: Inputs | None) -> bool:
    """Tell whether a model has learned windows, and the source may have recordings."""
    return model is not None and model.layout is not None and not _has_rows(source)


def _has_rows(source: str | os.PathLike[str]) -> bool:
    return str(source) in builtin_names() or Path(source).suffix.lower() == ".npz"


def rows_of_images(columns: Columns, model: Inputs | None) -> Columns:
    """Return the columns of rows that are images.

    Raises OptionError for options of recordings, and for a model that has not learned images.
    """
    assert columns.recorded is not None
    if model is not None and (model.front is None or model.front.filters is None):
        raise OptionError("the model has not learned images; leave {frontend} out")
    if not columns.recorded.suits_rows:
        raise OptionError(
            "the front end patches is for rows that are images: for recordings, name another"
            " {frontend}; for images, leave {window} and other options of recordings out"
        )
    return replace(columns, recorded=None)


def check_recorded(source: str | os.PathLike[str], columns: Columns, model: Inputs | None) -> None:
    """Raise OptionError unless the source can be cut into windows.

    A source of rows, and a model that has learned rows, are refused. Without a model, a window must
    be given.
    """
    if model is not None and model.layout is None:
        raise OptionError("the model has learned rows, not windows; leave {window} out")
    asked = columns.recorded or Recorded()
    if _has_rows(source):
        raise asked.refused(os.fspath(source))
    if model is None and asked.window is None:
        raise OptionError("recordings are cut into windows; give a {window}, such as 100 or 2s")


def _part(path: Path, columns: Columns, max_memory: int, model: Inputs | None) -> Dataset:
    """Load one of several files; if there is a model, keep only its inputs."""
    found = load(path, columns, max_memory, model)
    return found if model is None else found.with_features(model.names)


def files_read(source: str | os.PathLike[str], recorded: bool = False) -> list[Path]:
    """Return every file that `load` reads for a source, also those of folders, patterns and lists.

    `recorded` tells that the files are recordings. A folder without data files of its own is also
    read as recordings.

    Raises InputError if a folder or a pattern has no data files, if a file occurs twice, or if idx
    images have no labels.
    """
    if recorded and not _has_rows(source):  # else `load` refuses it
        return recording_files(source)
    if isinstance(source, str) and source in builtin_names():
        return []
    try:
        if Path(source).is_dir() and not has_files(Path(source)):
            return recording_files(source)
        several = files_of(source)
        labels = is_idx(Path(source)) and Path(source).is_file()
    except (OSError, ValueError):  # not a path; `load` raises the error
        return []
    if several:
        return [path for each in several for path in files_read(each)]
    return [Path(source), *([labels_beside(Path(source))] if labels else [])]


def _refuse_columns(source: str | Path, columns: Columns) -> None:
    if replace(columns, targets=columns.targets or None) != ALL_COLUMNS:
        raise InputError(
            f"{source} has no columns to choose from; only a table, such as a CSV file, has"
        )


def _has_targets(model: Inputs | None) -> bool:
    return model is not None and bool(model.targets)


def _refuse_targets(source: str | Path, columns: Columns, model: Inputs | None) -> None:
    if columns.targets is not None or _has_targets(model):
        raise InputError(f"{source} has classes, but a regression learns numbers")


def _load_table(path: Path, columns: Columns, max_memory: int, model: Inputs | None) -> Dataset:
    table = read_table(path, columns, model, max_memory)
    if table.targets is None and not table.label_column:
        raise InputError(
            f"{path} has no labels: it has {counted(table.header.width, 'column')}, as many as the"
            " model has inputs; add a column of labels, or classify its rows with"
            " `ska-edge predict`"
        )
    if table.targets is not None:
        y, labels = np.zeros(len(table.x), dtype=np.int64), table.target_names
    else:
        y, labels = classes_of_texts(path, table.labels, table.place_in(table.label_column))
    groups, group_names = _groups(path, table)
    return Dataset(
        path.stem,
        table.inputs,
        y,
        labels,
        groups,
        targets=table.targets,
        features=table.features,
        group_names=group_names,
        origin=table.origin,
        dialect=table.dialect,
        doubts=doubts_about(table) if model is None else (),
        time=table.time,
    )


def _groups(path: Path, table: Table) -> tuple[IntArray | None, tuple[str, ...]]:
    """Return the group of each row, and the names of the groups unless all are integers."""
    if table.groups is None or table.choice.group is None:
        return None, ()
    place = table.place_in(table.choice.group + 1)
    numbers, names = classes_of_texts(path, table.groups, place, "group")
    try:
        return np.array([int(name) for name in names], dtype=np.int64)[numbers], ()
    except (ValueError, OverflowError):
        return numbers, names


def _load_npz(path: Path, max_memory: int, regression: bool) -> Dataset:
    content = read_npz(path, max_memory)
    x = npz_features(path, content)
    if content.get("y") is None:
        raise InputError(lacks(path, "y", content.held))
    targets = None
    if regression:
        y, labels, targets = _npz_targets(path, content, len(x))
    else:
        y, labels = _npz_classes(path, content, len(x))
    group, group_names = _npz_groups(path, content, len(x))
    tested = content.get("tested")
    if tested is not None and (tested.shape != (len(x),) or tested.dtype != np.bool_):
        raise InputError(
            f"{path}: tested must be booleans of shape ({len(x)},), not {kind_of(tested)}"
        )
    file, file_names = _npz_files(path, content, len(x))
    return Dataset(
        path.stem,
        x,
        y,
        labels,
        group,
        file=file,
        file_names=file_names,
        time=_npz_time(path, content),
        features=npz_feature_names(path, content, x.shape[1]),
        group_names=group_names,
        origin=content.origin,
        tested=tested,
        targets=targets,
        layout=stored_layout(path, content, x.shape[1]),
        starts=stored_starts(path, content, len(x)),
    )


def _npz_groups(
    path: Path, content: Content, count: int
) -> tuple[IntArray | None, tuple[str, ...]]:
    group = content.get("group")
    if group is None:
        return None, ()
    if group.shape == (count,) and group.dtype.kind in "US":
        numbers, names = classes_of_array(group, count)
        return numbers, names
    _check_column(path, content.name("group"), group, count)
    if group.max() > np.iinfo(np.int64).max:
        raise InputError(f"{path}: group {group.max()} does not fit 64 bits with a sign")
    return group.astype(np.int64), ()


def _npz_files(path: Path, content: Content, count: int) -> tuple[IntArray | None, tuple[str, ...]]:
    file, names = content.get("from_file"), content.get("file_names")
    if file is None or names is None:
        return None, ()
    _check_column(path, "from_file", file, count)
    if names.dtype.kind != "U" or names.ndim != 1:
        raise InputError(f"{path}: file_names must be texts, one per file, not {kind_of(names)}")
    if file.min() < 0 or file.max() >= len(names):
        raise InputError(
            f"{path}: from_file must be numbers of the {counted(len(names), 'file')} in file_names,"
            " from 0"
        )
    return file.astype(np.int64), tuple(str(name) for name in names)


def _npz_time(path: Path, content: Content) -> str:
    time = content.get("time_column")
    if time is None:
        return ""
    if time.dtype.kind != "U" or time.size != 1:
        raise InputError(f"{path}: time_column must be a single text, not {kind_of(time)}")
    return str(time.item())


def _load_idx(path: Path, max_memory: int) -> Dataset:
    images, numbers = read_idx(path, max_memory)
    x: NDArray[Any] = images  # bytes, as the file has them
    y, labels = classes_of_array(numbers, len(images))
    return Dataset(path.name.removesuffix(".gz"), x, y, labels)


def _npz_targets(
    path: Path, content: Content, count: int
) -> tuple[IntArray, tuple[str, ...], NDArray[np.float64]]:
    """Return zeros as classes, the names of the targets, and the targets (count, targets)."""
    names = content.get("labels")
    given = None if names is None else [str(name) for name in names.ravel().tolist()]
    try:
        targets, labels = targets_of(content.arrays["y"], count, given)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    return np.zeros(count, dtype=np.int64), labels, targets


def _npz_classes(path: Path, content: Content, count: int) -> tuple[IntArray, tuple[str, ...]]:
    y, names = content.arrays["y"], content.get("labels")
    if names is None:
        try:
            return classes_of_array(y, count)
        except InputError as error:
            raise InputError(f"{path}: {error}") from error
    _check_column(path, content.name("y"), y, count)
    if names.dtype.kind != "U" or names.ndim != 1 or len(set(names.tolist())) != len(names):
        raise InputError(
            f"{path}: labels must be different texts, one per class, not {kind_of(names)}"
        )
    if not len(names):
        raise InputError(f"{path}: labels is empty; it needs one name per class")
    labels = tuple(str(name) for name in names)
    outside = np.flatnonzero((y < 0) | (y >= len(labels)))
    if len(outside):
        at = int(outside[0])
        raise InputError(
            f"{path}: y[{at}] is {y[at]}, but labels names the classes 0 to {len(labels) - 1}"
        )
    return y.astype(np.int64), labels


def _check_column(path: Path, key: str, values: NDArray[Any], count: int) -> None:
    if values.shape != (count,) or values.dtype.kind not in "iu":
        raise InputError(
            f"{path}: {key} must be integers of shape ({count},), not {kind_of(values)}"
        )
