"""Makes a row of each window of recordings: its samples, or the features of a front end."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ska_edge.data.classes import class_array
from ska_edge.data.dataset import Dataset
from ska_edge.data.memory import MAX_MEMORY, check_memory
from ska_edge.data.recordings.layout import Layout
from ska_edge.data.recordings.load import Recordings, load_recordings
from ska_edge.data.recordings.overview import doubts_of, overview, summed
from ska_edge.data.recordings.timing import alike
from ska_edge.data.recordings.windows import Windows, cut
from ska_edge.data.several import name_of
from ska_edge.data.tables.columns import Columns
from ska_edge.data.tables.inputs import Inputs
from ska_edge.data.tables.recorded import Recorded
from ska_edge.errors import InputError, OptionError
from ska_edge.frontend.front import Front
from ska_edge.frontend.frontends import feature_names, features_of
from ska_edge.frontend.request import AUTO, candidates
from ska_edge.plural import counted


def load_windows(
    source: str | os.PathLike[str],
    columns: Columns,
    max_memory: int = MAX_MEMORY,
    layout: Layout | None = None,
    labeled: bool = True,
) -> tuple[Windows, Layout, Recordings]:
    """Load recordings and cut them into windows, by `columns` or by the `layout` of a model.

    Raises InputError as `load_recordings` and `cut` do, and for recordings that do not fit the
    layout.
    """
    recorded = columns.recorded or Recorded()
    if layout is not None:
        recorded = layout.recorded(columns.recorded)
    found = load_recordings(source, replace(columns, recorded=recorded), max_memory, labeled)
    if layout is not None:
        _check_rate(found, layout)
    rate = found.rate if layout is None or layout.rate is None else layout.rate
    assert recorded.window is not None
    length = recorded.window.samples("window", rate)
    hop = length if recorded.hop is None else recorded.hop.samples("hop", rate)
    axes = found.axes if layout is None else layout.axes
    made = Layout(
        length,
        hop,
        axes,
        rate,
        recorded.lsb,
        recorded.resample,
        recorded.time,
        found.label,
        found.label_from,
        found.group,
        found.group_from,
    )
    count = sum(max(len(each.samples) - length, 0) // hop + 1 for each in found.recordings)
    check_memory(Path(source), count * made.width * 8, max_memory)
    return cut(found.recordings, length, hop, rate, fixed=layout is not None), made, found


def windowed(
    source: str | os.PathLike[str],
    columns: Columns,
    max_memory: int = MAX_MEMORY,
    layout: Layout | None = None,
    front: Front | None = None,
) -> Dataset:
    """Load recordings as labeled data: each window with a label is a row.

    A row has the samples, one after the other; with a front end that is learned, it has the
    features. `layout` and `front` are those of a model.

    Raises InputError as `load_windows` and `front_of` do, for recordings without labels, and for a
    regression.
    """
    if columns.targets is not None:
        raise InputError(f"{source} has recordings, and a regression learns rows; give rows")
    windows, made, found = load_windows(source, columns, max_memory, layout)
    known = np.array([bool(label) for label in windows.y])
    if not known.any():
        raise InputError(f"{source} has no labels in its column {found.label}")
    texts = np.array(windows.y)[known]
    labels = tuple(str(name) for name in np.sort(class_array(sorted(set(texts.tolist())))))
    numbers = {label: number for number, label in enumerate(labels)}
    group, group_names = _groups(np.array(windows.groups)[known])
    several = len(windows.names) > 1
    front = front_of(columns.recorded, made, layout is not None, front)
    fronts = candidates_of(columns.recorded, made, windows)
    x, names = rows_of(windows, front)
    return Dataset(
        name_of(source),
        x[known],
        np.array([numbers[text] for text in texts.tolist()], dtype=np.int64),
        labels,
        group,
        features=names,
        group_names=group_names,
        origin=described(windows, made, found),
        doubts=doubts_of(found.recordings),
        file=windows.recording[known] if several else None,
        file_names=windows.names if several else (),
        layout=made,
        starts=_apart(windows, made)[known],
        front=front,
        windows=None if front is None and fronts is None else windows.x[known],
        candidates=fronts,
    )


def front_of(
    recorded: Recorded | None, layout: Layout, trained: bool, known: Front | None
) -> Front | None:
    """Return the front end for windows of a layout; None if their samples are the inputs.

    For a `trained` model, the result is `known`, the front end of the model; otherwise, it is the
    front end for which `recorded` asks.

    The result is also None if the training shall choose; see `candidates_of`.

    Raises OptionError if `recorded` asks for another front end than that of the model, and
    InputError for windows that do not suit the front end.
    """
    asked = None if recorded is None else recorded.frontend
    if trained:
        if asked is not None and (known is None or known.kind != asked.kind):
            raise OptionError(
                "the model has learned {what}; leave {frontend} out",
                what="samples of windows" if known is None else f"features of {known.kind}",
            )
        return known
    if asked is None or asked.kind == AUTO:
        return None
    return asked.of_windows(layout.length, layout.hop, layout.axes)


def for_model(columns: Columns, model: Inputs | None) -> Columns:
    """Return the columns without the front end "auto" if there is a model, which has its own."""
    if model is None or columns.recorded is None or not columns.recorded.auto:
        return columns
    recorded = replace(columns.recorded, frontend=None)
    return replace(columns, recorded=None if recorded == Recorded() else recorded)


def candidates_of(
    recorded: Recorded | None, layout: Layout, windows: Windows
) -> tuple[Front, ...] | None:
    """Return the front ends of which the training shall choose one; None if it shall not choose.

    Raises OptionError if the samples have more than 16 bits.
    """
    if recorded is None or not recorded.auto:
        return None
    _check_samples(windows)
    return candidates(layout.length, layout.hop, layout.axes)


def described(windows: Windows, layout: Layout, found: Recordings) -> str:
    """Return one line that says how the recordings were cut."""
    unlabeled = sum(not label for label in windows.y)
    parts = [
        found.origin,
        summed([overview(each) for each in found.recordings]),
        f"{counted(len(windows.y), 'window')} of"
        f" {counted(layout.length, 'sample')}, hop {layout.hop}",
    ]
    if unlabeled and unlabeled < len(windows.y):
        parts.append(f"{unlabeled} of them without a label")
    return "; ".join(filter(None, parts))


def rows_of(
    windows: Windows, front: Front | None
) -> tuple[NDArray[np.float64], tuple[str, ...] | None]:
    """Return each window as a row, and the names of its columns if they are features.

    Without a front end that is learned, a row has length * axes numbers: int16 if they fit,
    otherwise float64.

    Raises OptionError if the samples for a front end have more than 16 bits.
    """
    if front is None:
        rows = windows.x.reshape(len(windows.x), -1)
        return (rows if rows.dtype == np.int16 else rows.astype(np.float64)), None
    _check_samples(windows)
    if not front.learned:
        return windows.x.reshape(len(windows.x), -1), None
    features = features_of(front, windows.x).astype(np.float64)
    return features, feature_names(front, windows.axes)


def _check_samples(windows: Windows) -> None:
    """Raise OptionError, with the largest sample, if a sample has more than 16 bits."""
    if windows.x.dtype != np.int16:
        samples = windows.x.astype(np.int64)
        window, sample, axis = np.unravel_index(np.abs(samples).argmax(), samples.shape)
        recording = f" of {windows.paths[windows.recording[window]]}" if windows.paths else ""
        raise OptionError(
            "a sample of the axis {axis}{recording} is {largest}, but {frontend} takes samples of"
            " 16 bits; divide them by a larger step with {lsb}",
            axis=windows.axes[axis],
            recording=recording,
            largest=int(samples[window, sample, axis]),
        )


def _apart(windows: Windows, layout: Layout) -> NDArray[np.int64]:
    """Return the starts of windows (windows,) such that those of two recordings are far apart."""
    if not len(windows.start):
        return windows.start
    return windows.start + windows.recording * (int(windows.start.max()) + 2 * layout.length)


def _groups(texts: NDArray[np.str_]) -> tuple[NDArray[np.int64] | None, tuple[str, ...]]:
    """Return the group of each row, and the names of the groups unless all are integers."""
    if not any(texts.tolist()):
        return None, ()
    names, numbers = np.unique(texts, return_inverse=True)
    values = class_array(names.tolist())
    if values.dtype.kind == "i":
        return values[numbers].astype(np.int64), ()
    return numbers.astype(np.int64), tuple(str(name) for name in names)


def _check_rate(found: Recordings, layout: Layout) -> None:
    rate = found.rate
    if rate is None or layout.rate is None or alike(rate, layout.rate):
        return
    raise OptionError(
        "{source} is recorded at {rate} Hz, but the model has learned recordings at {known} Hz;"
        " interpolate them with {resample} {known}",
        source=found.source,
        rate=f"{rate:.4g}",
        known=f"{layout.rate:.4g}",
    )


def with_features(dataset: Dataset, front: Front) -> Dataset:
    """Return windows with the features of a front end that is learned, in place of the samples."""
    assert dataset.windows is not None and dataset.layout is not None
    return replace(
        dataset,
        x=features_of(front, dataset.windows).astype(np.float64),
        features=feature_names(front, dataset.layout.axes),
        front=front,
    )
