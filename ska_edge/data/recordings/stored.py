"""Reads windows of recordings from an npz file: how they were cut, and where they begin."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ska_edge.data.dataset import Dataset
from ska_edge.data.formats.npz_table import Content, kind_of
from ska_edge.data.recordings.layout import Layout
from ska_edge.data.recordings.recording import narrowed
from ska_edge.data.recordings.window_rows import candidates_of, front_of, rows_of
from ska_edge.data.recordings.windows import Windows
from ska_edge.data.tables.inputs import Inputs
from ska_edge.data.tables.recorded import Recorded
from ska_edge.errors import InputError, OptionError


def stored_layout(path: Path, content: Content, width: int) -> Layout | None:
    """Return how the rows of an npz file were cut from recordings; None if they are no windows.

    `width` is the number of columns of x. Raises InputError for a damaged layout, and for one that
    does not suit x.
    """
    text = content.get("layout")
    if text is None:
        return None
    try:
        layout = Layout.from_dict(json.loads(str(text.item())))
    except ValueError:  # several texts, or no JSON
        layout = None
    if layout is None or layout.width != width:
        raise InputError(f"{path}: layout does not say how x was cut into windows; write it anew")
    return layout


def stored_starts(path: Path, content: Content, count: int) -> NDArray[np.int64] | None:
    """Return the first sample of each window; None if the file has none.

    Raises InputError unless they are integers, one for each row.
    """
    starts = content.get("starts")
    if starts is None:
        return None
    if starts.shape != (count,) or starts.dtype.kind != "i":
        raise InputError(
            f"{path}: starts must be integers of shape ({count},), not {kind_of(starts)}"
        )
    return starts.astype(np.int64)


def with_front(dataset: Dataset, recorded: Recorded | None, model: Inputs | None = None) -> Dataset:
    """Return stored windows with the features of a front end, if one is asked for or learned.

    Raises OptionError for options that say how to cut windows, and as `front_of` and `rows_of` do.
    Raises InputError if a sample is not an integer.
    """
    layout = dataset.layout
    assert layout is not None
    if recorded is not None and replace(recorded, frontend=None) != Recorded():
        raise OptionError(
            "{name} has windows of {layout} already; leave {window} and the like out",
            name=dataset.name,
            layout=layout.described,
        )
    learned = model is not None and model.layout is not None
    if model is not None and not learned:
        return dataset  # its rows are not windows
    front = front_of(recorded, layout, learned, None if model is None else model.front)
    if front is None and not (recorded is not None and recorded.auto):
        return dataset
    if not (dataset.x == np.floor(dataset.x)).all():
        raise InputError(
            f"{dataset.name} has samples that are not integers; a front end needs the integers of"
            " the sensor"
        )
    samples = narrowed(dataset.x).reshape(-1, layout.length, len(layout.axes))
    none = np.zeros(0, dtype=np.int64)
    windows = Windows(samples, (), (), none, none, (), layout.axes, layout.rate)
    fronts = candidates_of(recorded, layout, windows)
    x, names = rows_of(windows, front)
    return replace(dataset, x=x, features=names, front=front, windows=samples, candidates=fronts)
