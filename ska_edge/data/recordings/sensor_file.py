"""Makes the file that an emulated board's sensor reads, from recordings."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ska_edge.data.recordings.layout import Layout
from ska_edge.data.recordings.load import load_recordings
from ska_edge.data.recordings.recording import Segment
from ska_edge.data.tables.columns import ALL_COLUMNS
from ska_edge.errors import InputError

UNLABELED = -1
GAP = -2
"""In place of the label of a record that is no sample: samples are missing at this place."""


def sensor_file(
    source: str | os.PathLike[str], axes: int, labels: Sequence[str], layout: Layout | None = None
) -> bytes:
    """Return the samples of recordings as the records of an emulated sensor.

    A record has the index of the sample's label among `labels`, or -1 for a sample without a label,
    and one number per axis. All are int16, little-endian. Several recordings follow each other. A
    record with the label `GAP` is before each, and where samples of a label and group are missing.

    Args:
        source: a table, a pattern, or a folder of tables, as `load_recordings` takes it.
        axes: number of axes of the sensor.
        labels: the classes of the device.
        layout: how the recordings are read that the device's model has learned, None if it is
            unknown. The axes are then found by name.

    Raises InputError as `load_recordings` and `Layout.expect` do, for another number of axes, for
    samples of more than 16 bits, and for a label that is no class of the device.
    """
    columns = ALL_COLUMNS
    if layout is not None:
        columns = replace(columns, recorded=layout.recorded(None))
    found = load_recordings(source, columns, labeled=False)
    if layout is not None:
        layout.expect(str(source), replace(layout, axes=found.axes, rate=found.rate))
    if len(found.axes) != axes:
        raise InputError(
            f"{source} has {len(found.axes)} axes, but the sensor of this firmware has {axes}"
        )
    index = {label: number for number, label in enumerate(labels)} | {"": UNLABELED}
    records = []
    for each in found.recordings:
        if each.samples.dtype != np.int16:
            raise InputError(
                f"{source}: {each.name} has samples of more than 16 bits; record the integers of"
                " the sensor"
            )
        before: Segment | None = None
        for part in each.segments:
            if part.label not in index:
                raise InputError(
                    f"{source}: {each.name} has the label '{part.label}', which is no class of"
                    " this firmware"
                )
            if before is None or (before.label, before.group) == (part.label, part.group):
                records.append(np.array([[GAP] + [0] * axes]))
            before = part
            column = np.full((len(part), 1), index[part.label])
            records.append(np.hstack([column, each.samples[part.start : part.stop]]))
    data: bytes = np.concatenate(records).astype("<i2").tobytes()
    return data
