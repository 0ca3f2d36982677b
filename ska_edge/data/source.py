"""Loads data from any source: a built-in name, a file, arrays in memory, or a Dataset."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable, Sequence
from typing import ParamSpec, TypeAlias, TypeVar

from numpy.typing import ArrayLike

from ska_edge.data.arrays import from_arrays, with_targets
from ska_edge.data.dataset import Dataset
from ska_edge.data.load import load
from ska_edge.data.memory import MAX_MEMORY
from ska_edge.data.tables.columns import Columns
from ska_edge.data.tables.recorded import Recorded
from ska_edge.data.targets import REGRESSION
from ska_edge.errors import InputError

Source: TypeAlias = (
    "str | os.PathLike[str] | list[str] | list[os.PathLike[str]] | Dataset"
    " | tuple[ArrayLike, ArrayLike]"
)

P = ParamSpec("P")
Result = TypeVar("Result")


def takes_one(function: Callable[P, Result]) -> Callable[P, Result]:
    """Make a function with a `Source` as its parameter `data` refuse x and y as two arguments."""
    name = function.__qualname__.rpartition(".")[2]
    others = [*inspect.signature(function).parameters].index("data") + 1

    @functools.wraps(function)
    def refusing(*arguments: P.args, **named: P.kwargs) -> Result:
        arrays = [each for each in arguments[others:] if hasattr(each, "__len__")]
        if arrays or "y" in named:
            raise InputError(f"{name} takes the data as one argument: {name}((x, y))")
        return function(*arguments, **named)

    return refusing


def _names(columns: Sequence[str | int] | str) -> tuple[str, ...]:
    """Return columns by name or number as texts; a single text is one column."""
    return (columns,) if isinstance(columns, str) else tuple(map(str, columns))


def _listed(columns: str | int | Sequence[str | int]) -> tuple[str, ...]:
    return _names([columns] if isinstance(columns, int) else columns)


def load_data(
    data: Source,
    label_column: str | int | Sequence[str | int] | None = None,
    max_memory: int = MAX_MEMORY,
    *,
    group_column: str | int | None = None,
    features: Sequence[str | int] | str = (),
    drop: Sequence[str | int] | str = (),
    separator: str | None = None,
    decimal: str | None = None,
    task: str | None = None,
    window: int | str | None = None,
    hop: int | str | None = None,
    label_from: str | None = None,
    group_from: str | None = None,
    time_column: str | None = None,
    sample_rate: float | None = None,
    resample: float | None = None,
    lsb: float | Sequence[float] = (),
    frontend: str | None = None,
) -> Dataset:
    """Load and check labeled data, from any source that `ska_edge.train` accepts.

    Args:
        data: the name of built-in data, such as "digits"; the path of a CSV, Parquet, Arrow,
            ARFF, .ts, npz or MNIST-idx file, or of a folder; a list of paths, which are joined;
            `(x, y)` with features x (rows, features) and labels y (rows,), for example numpy
            arrays, lists or data frames; or a Dataset, which is returned unchanged.
        label_column: the column of a table that holds the labels: its name, or its number from 1;
            for a regression, the column of the target, or the columns of several targets.
        max_memory: MB that data from a file may take; larger data are refused.
        group_column: the column of a table that holds the groups, such as persons or sessions.
        features: the columns of a table that are inputs, by name or number, in this order; by
            default all other columns.
        drop: columns of a table to leave out.
        separator: the character between two columns of a CSV file, or its name; by default it is
            found.
        decimal: the decimal sign of a CSV file, "." or ","; by default it is found.
        task: "regression" if the labels are numbers to learn: in arrays (rows,) or (rows,
            targets); by default, labels are classes.
        window: the data are recordings of a sensor, one per file, which are cut into windows of
            this length: a number of samples, or a time such as "2s"; each window is a row.
        hop: the samples or the time from one window to the next; by default the window's length.
        label_from: where a recording has its label: "column", or "folder" or "file" for the name of
            its folder or file; by default a column if there is one, otherwise the folders if there
            are several, otherwise the files.
        group_from: "folder" or "file", if these have the group of a recording.
        time_column: the column of the timestamps; by default it is found.
        sample_rate: samples per second in Hz; by default that of the timestamps.
        resample: the rate in Hz to which the samples are interpolated; by default they are not.
        lsb: for samples that are not integers, the value of one step of the sensor, for all axes or
            for each.
        frontend: the front end that computes features of each window in integers, as a device does,
            such as "statistics"; by default the samples themselves are the features. With
            "kernels" or "echo", x has the samples until these are learned. With "patches", each row
            is an image, and x has its pixels until filters are learned. With "auto",
            `ska_edge.train` chooses one that suits the data, or none; until then, x has the samples
            or pixels.

    Returns:
        A Dataset: x (rows, features) in the unit of the data, y (rows,) with class indices, and
        labels with the class names. For a regression, it has targets (rows, targets), and labels
        with the names of the targets. `features` has the names of the columns if they are known.
        `doubts` has sentences about columns that perhaps should not be inputs.

    Raises InputError for data that cannot be used. Raises ToolError if a package that the data need
    is not installed (that of built-in data, or pyarrow for Parquet and Arrow files), or if the
    built-in data cannot be read out of their package.

    Example: ``digits = ska_edge.load_data("digits")``
    """
    if isinstance(data, Dataset):
        return data
    if isinstance(data, tuple):
        if len(data) != 2:
            raise InputError(f"data is a tuple of {len(data)}; give two arrays, (x, y)")
        return with_targets(*data) if task == REGRESSION else from_arrays(*data)
    if isinstance(data, list) and data and all(isinstance(e, (str, os.PathLike)) for e in data):
        data = ",".join(map(os.fspath, data))
    if isinstance(data, (str, os.PathLike)):
        named = () if label_column is None else _listed(label_column)
        if task != REGRESSION and len(named) > 1:
            raise InputError("only a regression takes several label columns")
        columns = Columns(
            named[0] if named and task != REGRESSION else None,
            None if group_column is None else str(group_column),
            _names(features),
            _names(drop),
            separator,
            decimal,
            named if task == REGRESSION else None,
            Recorded.of(
                *(window, hop, label_from, group_from),
                *(time_column, sample_rate, resample, lsb),
                frontend=frontend,
            ),
        )
        return load(data, columns, max_memory)
    if hasattr(data, "__array__") or isinstance(data, list):
        raise InputError(f"data is a {type(data).__name__} without labels; give two arrays, (x, y)")
    raise InputError(
        f"data is a {type(data).__name__}; give a built-in name, a path, a Dataset or arrays (x, y)"
    )
