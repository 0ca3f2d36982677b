"""Makes a table of samples from columns that a file gives as arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ska_edge.data.formats.dialect import SAMPLE_LINES
from ska_edge.data.memory import FEATURE, check_memory
from ska_edge.data.tables.columns import Columns, Header, choose
from ska_edge.data.tables.inputs import Inputs
from ska_edge.data.tables.number import LARGEST_INPUT, too_large
from ska_edge.data.tables.table import Table
from ska_edge.errors import InputError

TEXT = 64  # bytes of memory, about, for a label as text


@dataclass(frozen=True)
class Frame:
    """All columns of a file, before the inputs and the labels are chosen from them.

    Attributes:
        path: the file.
        width: number of columns.
        names: the name of each column; None for a file without names.
        column: returns the values of a column (rows,) by its index from 0: numbers, booleans,
            times, text or objects.
        lines: the place of each row in the file, from 1.
        noun: what `lines` counts, "line" or "row".
        said: what is unusual about the file, in a few words, or "".
    """

    path: Path
    width: int
    names: tuple[str, ...] | None
    column: Callable[[int], NDArray[Any]]
    lines: Sequence[int]
    noun: str = "line"
    said: str = ""


def frame_table(frame: Frame, columns: Columns, model: Inputs | None, max_memory: int) -> Table:
    """Return the chosen columns as a table; `columns.choose` describes which columns are used.

    Raises InputError if `columns` names a separator or a decimal sign, if there are no samples, if
    a column is missing, if an input or target is not a finite number, or if the data take more than
    `max_memory` MB.
    """
    if columns.separator is not None or columns.decimal is not None:
        raise InputError(
            f"{frame.path} has no separator and no decimal sign; only a CSV file has them"
        )
    if not len(frame.lines):
        raise InputError(f"{frame.path} has no samples; add a row per sample")
    header = Header(frame.path, frame.width, frame.names)
    choice = choose(header, columns, model)
    rows = len(frame.lines)
    check_memory(frame.path, rows * (len(choice.features) * FEATURE + TEXT), max_memory)
    x = np.empty((rows, len(choice.features)))
    for at, index in enumerate(choice.features):
        x[:, at] = _numbers(frame, header, index, f"{choice.noun(index)}s")
    labels, groups = (
        None if index is None else _texts(frame.column(index))
        for index in (choice.label, choice.group)
    )
    others = {*range(frame.width)} - {*choice.features, choice.label, choice.group}
    return Table(
        x,
        labels or [],
        groups,
        list(frame.lines),
        header,
        choice,
        frame.said,
        {at: _texts(frame.column(at)[:SAMPLE_LINES]) for at in sorted(others)},
        frame.noun,
    )


def _numbers(frame: Frame, header: Header, index: int, noun: str) -> NDArray[np.float64]:
    values = frame.column(index)
    if values.dtype.kind in "biuf":
        bad = np.flatnonzero(~(np.abs(values.astype(np.float64)) <= LARGEST_INPUT)).tolist()
    else:
        bad = [at for at, value in enumerate(values.tolist()) if not _is_number(value)]
    if not bad:
        return values.astype(np.float64)
    at = bad[0]
    value = values[at]
    advice = "drop the column, or leave the row out" if noun == "inputs" else "leave the row out"
    reason = f"{noun} must be finite numbers; {advice}"
    if values.dtype.kind == "f" and np.isfinite(value):
        reason = too_large(noun)
    missing = value is None or (isinstance(value, float) and np.isnan(value))
    shown = "missing" if missing else repr(str(value)[:40])
    raise InputError(
        f"{frame.path}: {frame.noun} {frame.lines[at]}, column {index + 1}"
        f" ({header.describe(index)}) is {shown}; {reason}"
    )


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and abs(value) <= LARGEST_INPUT


def _texts(values: NDArray[Any]) -> list[str]:
    """Return values as text, empty where a value is missing."""
    if values.dtype.kind in "mM":
        return ["" if text == "NaT" else text for text in values.astype(np.str_).tolist()]
    return [_text(value) for value in values.tolist()]


def _text(value: object) -> str:
    if value is None or (isinstance(value, float) and value != value):
        return ""
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
