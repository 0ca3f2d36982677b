"""Reads .ts files of time series, as sktime and aeon write them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ska_edge.data.formats.frame import Frame
from ska_edge.errors import InputError
from ska_edge.plural import counted, listed


def read_series(path: Path, lines: Iterable[str]) -> Frame:
    """Read the lines of a .ts file.

    Each row has the values of all channels, then the label if the file has labels. The columns have
    no names. All steps of the first channel come first, then all steps of the second.

    Raises InputError for series with time stamps or of different lengths, for files with targets in
    place of classes, and for damaged files.
    """
    tags: dict[str, str] = {}
    rows: list[NDArray[np.float64]] = []
    labels: list[str] = []
    places: list[int] = []
    shape: tuple[int, ...] | None = None
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text.startswith(("#", "%")):
            continue
        if "data" not in tags:
            if not text.startswith("@"):
                raise InputError(f"{path} is no .ts file: line {number} comes before @data")
            tag, _, value = text[1:].partition(" ")
            tags[tag.lower()] = value.strip()
            if tag.lower() == "data":
                _check_tags(path, tags)
            continue
        channels = text.split(":")
        labels.append(channels.pop().strip() if _labeled(tags) else "")
        values = [_values(path, number, channel) for channel in channels]
        found = tuple(len(each) for each in values)
        if not channels:
            raise InputError(f"{path}: line {number} has no series before its label")
        if shape is None:
            shape = found
        if len(found) != len(shape):
            raise InputError(
                f"{path}: line {number} has {counted(len(found), 'channel')}, but the first series"
                f" has {len(shape)}; give every series the same channels"
            )
        if found != shape:
            raise InputError(
                f"{path}: line {number} has a series of length {_lengths(found)}, but the first one"
                f" has length {_lengths(shape)}, and a network needs one length; cut or pad them"
            )
        rows.append(np.concatenate(values))
        places.append(number)
    if shape is None:
        raise InputError(f"{path} has no series; it needs @data, and a line per series")
    x = np.array(rows)
    size = f"{counted(len(shape), 'channel')} x {_lengths(tuple(sorted(set(shape))))} steps"
    said = f"series of {size} are rows of {counted(x.shape[1], 'input')}"

    def column(at: int) -> NDArray[Any]:
        return x[:, at] if at < x.shape[1] else np.array(labels, dtype=object)

    return Frame(path, x.shape[1] + _labeled(tags), None, column, places, said=said)


def _labeled(tags: dict[str, str]) -> bool:
    return tags.get("classlabel", "").lower().startswith("true")


def _check_tags(path: Path, tags: dict[str, str]) -> None:
    """Raise InputError for a file whose series cannot be rows with a class."""
    if tags.get("timestamps", "").lower() == "true":
        raise InputError(f"{path} has time stamps; write the file with values only")
    if tags.get("targetlabel", "").lower() == "true":
        raise InputError(f"{path} has numbers to predict (@targetLabel), but no classes")


def _values(path: Path, number: int, channel: str) -> NDArray[np.float64]:
    """Return the values of one channel; a missing value is NaN."""
    try:
        cells = (cell.strip() for cell in channel.split(","))
        return np.array([np.nan if cell == "?" else float(cell) for cell in cells])
    except ValueError as error:
        raise InputError(f"{path}: line {number} has a value that is no number: {error}") from None


def _lengths(lengths: tuple[int, ...]) -> str:
    """Return the lengths of the channels as text; a single number if all are the same."""
    shown = lengths[:1] if len(set(lengths)) == 1 else lengths
    return listed([str(length) for length in shown])
