"""Loads recordings from tables, one file per recording."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ska_edge.data.classes import class_name
from ska_edge.data.formats.table_file import read_table
from ska_edge.data.memory import MAX_MEMORY, check_memory
from ska_edge.data.recordings.files import recording_files
from ska_edge.data.recordings.names import group_of, label_of, where
from ska_edge.data.recordings.recording import Recording, Segment, narrowed
from ska_edge.data.recordings.resample import resampled
from ska_edge.data.recordings.timing import alike, tick_of, timing
from ska_edge.data.several import titles
from ska_edge.data.tables.columns import Columns, arranged
from ska_edge.data.tables.recorded import Recorded, seconds_of
from ska_edge.data.tables.table import Table
from ska_edge.errors import InputError, OptionError
from ska_edge.plural import counted, listed

LARGEST = np.iinfo(np.int32)
EXACT = 2**53  # smaller integers are exact in float64


@dataclass(frozen=True, eq=False)
class Recordings:
    """Recordings of the same axes and rate, and where their labels and groups are from.

    `label` and `group` are the names of the columns of labels and groups, or "". `label_from` and
    `group_from` are as in `Recorded`. `origin` says in one line what was found.
    """

    source: str
    recordings: tuple[Recording, ...]
    label_from: str
    group_from: str | None
    label: str
    group: str
    origin: str

    @property
    def axes(self) -> tuple[str, ...]:
        """The names of the axes."""
        return self.recordings[0].axes

    @property
    def rate(self) -> float | None:
        """The median of the known rates in Hz; None if no rate is known."""
        rates = [each.rate for each in self.recordings if each.rate is not None]
        return float(np.median(rates)) if rates else None


def load_recordings(
    source: str | os.PathLike[str],
    columns: Columns,
    max_memory: int = MAX_MEMORY,
    labeled: bool = True,
) -> Recordings:
    """Load recordings from the tables of a folder, a pattern, a list, or from a single table.

    Without `labeled`, a recording may have no label.

    Raises InputError for files that cannot be used, for example because their axes or rate differ
    from those of the first file, because their rate jumps, or because a value is not an integer.
    Raises ToolError as `read_table` does.
    """
    recorded = columns.recorded or Recorded()
    columns = replace(columns, recorded=recorded)
    paths = recording_files(source)
    tables: list[Table] = []
    for path in paths:
        tables.append(read_table(path, columns, None, max_memory))
        check_memory(Path(source), sum(each.x.nbytes for each in tables), max_memory)
    with_labels = [table.choice.label is not None for table in tables]
    if labeled or recorded.label_from in ("folder", "file"):
        label_from = where(paths, with_labels, recorded.label_from)
    else:
        label_from = "column"
    names = titles(paths)
    found: list[Recording] = []
    for name, path, table in zip(names, paths, tables, strict=True):
        one = _recording(name, path, table, recorded, label_from)
        if found:
            _check_alike(paths[0], found[0], path, one)
            one = replace(one, axes=found[0].axes, samples=_ordered(path, one, found[0].axes))
        found.append(one)
    first = tables[0]
    label, group = (
        "" if at is None else first.header.describe(at)
        for at in (first.choice.label if label_from == "column" else None, first.choice.group)
    )
    return Recordings(
        os.fspath(source),
        tuple(found),
        label_from,
        recorded.group_from,
        label,
        group,
        _origin(os.fspath(source), names, found, label_from, label, group or recorded.group_from),
    )


def _recording(
    name: str, path: Path, table: Table, recorded: Recorded, label_from: str
) -> Recording:
    time, x = _time(table, recorded), table.inputs
    axes = table.features or tuple(map(table.header.describe, table.choice.inputs))
    times: NDArray[np.float64] | None = None
    breaks: Sequence[int] = ()
    rate, clock = recorded.rate, None
    if time:
        axes, x = axes[:-1], x[:, :-1]
        if rate is None:
            times, tick = _seconds(time, table.inputs[:, -1])
            clock = timing(times, tick, _place_in(table), even=recorded.resample is None)
            rate, breaks = clock.rate, clock.breaks.tolist()
    if not axes:
        raise InputError(f"{path} has no axes beside the timestamps")
    samples = narrowed(_integers(table, x, axes, recorded))
    labels, groups = _texts(path, table, recorded, label_from)
    segments = _segments(len(x), labels, groups, breaks)
    found = Recording(name, samples, axes, segments, rate, clock, str(path))
    if recorded.resample is None:
        return found
    if rate is None:
        raise OptionError(
            "{path} has no timestamps, so it cannot be interpolated; give the {sample_rate}",
            path=path,
        )
    times = np.arange(len(x)) / rate if times is None else times
    return resampled(found, times, recorded.resample)


def _time(table: Table, recorded: Recorded) -> str:
    """Return the name of the last input if it has the timestamps, otherwise ""."""
    name = recorded.time_column(table.header.titles)
    last = table.choice.inputs[-1]
    if name is None or table.header.index(name, "column of timestamps") != last:
        return ""
    return table.header.describe(last)


def _place_in(table: Table) -> Callable[[int], str]:
    """Return a function that names the file and the line of a sample."""
    return lambda at: f"{table.header.path}: {table.noun} {table.lines[at]}"


def _axes(count: int) -> str:
    return "1 axis" if count == 1 else f"{count} axes"


def _seconds(title: str, values: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Return times in seconds, and the power of ten of which they are multiples."""
    tick = tick_of(values)
    unit = seconds_of(title, whole=tick == 1.0)
    return values * unit, tick * unit


def _integers(
    table: Table, x: NDArray[np.float64], axes: Sequence[str], recorded: Recorded
) -> NDArray[np.float64]:
    """Return the integers that the sensor gave; divide by `recorded.lsb` if it is given.

    Raises InputError for numbers that are not integers or need more than 32 bits.
    """
    if recorded.lsb:
        if len(recorded.lsb) not in (1, len(axes)):
            raise OptionError(
                "{lsb} has {count} steps, but {path} has {axes}: {names}; give one for all, or one"
                " for each",
                count=len(recorded.lsb),
                path=table.header.path,
                axes=_axes(len(axes)),
                names=listed(axes),
            )
        x = np.floor(x / np.array(recorded.lsb) + 0.5)
    bad = np.argwhere((x != np.rint(x)) | (x < LARGEST.min) | (x > LARGEST.max))
    if not len(bad):
        return x
    row, axis = bad[0].tolist()
    value, place = float(x[row, axis]), table.place_in(table.choice.inputs[axis] + 1)(row)
    start = f"{table.header.path}: {place} ({axes[axis]}) is "
    if value == np.rint(value):
        given = f"{value:.0f}" if abs(value) < EXACT else f"{value:g}"
        raise OptionError(
            "{start}{given}; a sample is an integer of at most 32 bits, so divide the samples by a"
            " larger step with {lsb}",
            start=start,
            given=given,
        )
    raise OptionError(
        "{start}{value:g}, but a recording has integers, as the sensor gave them; record the"
        " integers, or give the value of one step with {lsb}",
        start=start,
        value=value,
    )


def _texts(
    path: Path, table: Table, recorded: Recorded, label_from: str
) -> tuple[Sequence[str], Sequence[str]]:
    count = len(table.x)
    labels: Sequence[str] = [""] * count
    if label_from != "column":
        labels = [label_of(path, label_from)] * count
    elif table.choice.label is not None:
        known = {text: class_name(text) for text in set(table.labels)}
        labels = [known[text] for text in table.labels]
    groups: Sequence[str] = [""] * count
    if table.groups is not None:
        groups = table.groups
    elif recorded.group_from in ("folder", "file"):
        groups = [group_of(path, recorded.group_from, label_from)] * count
    return labels, groups


def _segments(
    count: int, labels: Sequence[str], groups: Sequence[str], breaks: Sequence[int]
) -> tuple[Segment, ...]:
    """Return the parts in which no sample is missing and neither label nor group changes."""
    starts = {0, *breaks}
    for texts in (labels, groups):
        if any(text != texts[0] for text in texts):
            starts |= {at for at in range(1, count) if texts[at] != texts[at - 1]}
    ordered = sorted(starts)
    return tuple(
        Segment(start, stop, labels[start], groups[start])
        for start, stop in zip(ordered, [*ordered[1:], count], strict=True)
    )


def _check_alike(first_path: Path, first: Recording, path: Path, one: Recording) -> None:
    if set(one.axes) != set(first.axes):
        name = sorted({*one.axes} ^ {*first.axes})[0]
        has, lacks = (path, first_path) if name in one.axes else (first_path, path)
        raise InputError(
            f"{has} has the axis {name}, but {lacks} has not; recordings that belong together have"
            " the same axes"
        )
    if first.rate is not None and one.rate is not None and not alike(first.rate, one.rate):
        raise OptionError(
            "{path} is recorded at {rate} Hz, but {first} at {other} Hz; interpolate the samples of"
            " all with {resample}",
            path=path,
            rate=f"{one.rate:.4g}",
            first=first_path,
            other=f"{first.rate:.4g}",
        )


def _ordered(path: Path, one: Recording, axes: tuple[str, ...]) -> NDArray[Any]:
    samples: NDArray[Any] = one.samples
    return arranged(str(path), samples, one.axes, axes)


def _origin(
    source: str,
    names: Sequence[str],
    found: Sequence[Recording],
    label_from: str,
    label: str,
    group: str | None,
) -> str:
    axes, rate = found[0].axes, found[0].rate
    parts = [
        f"{counted(len(names), 'recording')} ({listed(names)})",
        f"{_axes(len(axes))} ({listed(axes)})" + (f" at {rate:.4g} Hz" if rate else ""),
    ]
    if all(each.rate is None for each in found):
        parts.append("no timestamps, so gaps and the rate are not checked")
    if any(each.labels for each in found):
        places = {"folder": "the names of the folders", "file": "the names of the files"}
        parts.append(f"labels from {places.get(label_from, label)}")
    if group:
        places = {"folder": "the names of the folders", "file": "the files"}
        parts.append(f"groups from {places.get(group, group)}")
    return f"{source}: {'; '.join(parts)}"
