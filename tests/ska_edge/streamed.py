"""Stream rows to a fake device."""

from __future__ import annotations

import numpy as np

from ska_edge.device.link import Link
from ska_edge.device.sample import Sample
from ska_edge.device.stream import Reconnection, Stream
from ska_edge.wire.protocol import BY_NAME, Want
from tests.fake_device import CLASSES, DIGEST, INPUTS, FakeDevice

ROWS = 30
NOTHING = Want(0)
SAMPLE = BY_NAME["SAMPLE"].code
INPUT = np.arange(ROWS * INPUTS).reshape(ROWS, INPUTS) % 128
LABELS = np.arange(ROWS) % CLASSES
ALL = [(int(row[0]), int(label)) for row, label in zip(INPUT, LABELS, strict=True)]


def opened(
    device: FakeDevice, *, timeout: float = 20, patience: float = 20, want: Want = NOTHING
) -> Stream:
    """Return a stream whose link retries only when something is missing."""
    connect = lambda: Link(device.port, timeout=timeout, tries=20)  # noqa: E731
    return Stream(connect, DIGEST, patience=patience, want=want)


def events(stream: Stream) -> list[Sample | Reconnection]:
    try:
        return list(stream.learn(INPUT, LABELS))
    finally:
        stream.close()


def rows(found: list[Sample | Reconnection]) -> list[int]:
    return [event.row for event in found if isinstance(event, Sample)]
