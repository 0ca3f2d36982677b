"""Pushes the raw samples of windows into a device's front end, and compares what it computes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ska_edge.data.dataset import Dataset
from ska_edge.device.link import Link
from ska_edge.frontend.front import FEATURE, Front
from ska_edge.frontend.frontends import features_of
from ska_edge.plan.plan import Plan
from ska_edge.progress import Progress
from ska_edge.wire.protocol import RAW_MAX


@dataclass(frozen=True, slots=True)
class FeatureDifference:
    """The first integer of a window that differs between host and device.

    Attributes:
        recording: name of the recording, or of the data if they are a single one.
        window: row of the window in the data, from 0.
        what: "feature", "input" (made of the feature), or "complete": 1 if the samples so far
            complete a window.
        feature: name of the feature; empty for "complete".
        host, device: the two integers.
        format: Q format of both integers; empty for "complete".
        image: whether the window is an image, a row of a table.
    """

    recording: str
    window: int
    what: str
    feature: str
    host: int
    device: int
    format: str = ""
    image: bool = False

    def sentence(self) -> str:
        """Return the difference as text."""
        what = f"{self.what} {self.feature!r}" if self.feature else self.what
        format = f" ({self.format})" if self.format else ""
        data, row = ("data", "image") if self.image else ("recording", "window")
        return (
            f"{data} {self.recording}, {row} {self.window}, {what}: host {self.host},"
            f" device {self.device}{format}"
        )

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return asdict(self)


def has_raw_windows(plan: Plan, data: Dataset) -> bool:
    """Tell whether data have the raw samples from which a device of the plan computes features."""
    return plan.front is not None and data.windows is not None


def compare_windows(
    link: Link, plan: Plan, data: Dataset, inputs: NDArray[np.integer], progress: Progress
) -> FeatureDifference | None:
    """Push the windows of the data into a device's front end; return the first difference.

    All features of each window are compared. The input that the device makes of them is compared
    with the row of `inputs` (windows, inputs). If a window continues the window before it, only its
    new samples are pushed; otherwise the device first forgets its samples.

    `progress` is called with (windows compared, all windows) after every window.

    Raises DeviceError if the device has no front end, or stops answering.
    """
    front = plan.front
    assert front is not None and data.windows is not None
    link.expect_front()
    features = features_of(front, data.windows)
    names = data.features or tuple(map(str, range(plan.inputs)))
    for row, pushes in enumerate(_pushes(front, data)):
        recording = data.name if data.file is None else data.file_names[data.file[row]]
        for samples, reset, complete in pushes:
            found = link.push_samples(samples.astype("<i2").tobytes(), reset)
            if found != complete:
                values = int(complete), int(found)
                return FeatureDifference(recording, row, "complete", "", *values, image=front.image)
        theirs = link.read_window(plan.inputs, plan.layers[0].input.bits // 8)
        for what, ours, got, format in (
            ("feature", features[row], theirs[0], FEATURE),
            ("input", inputs[row], theirs[1], plan.layers[0].input),
        ):
            index = _first_unequal(ours, got)
            if index is not None:
                values = int(ours[index]), int(got[index])
                return FeatureDifference(
                    recording, row, what, names[index], *values, format.name, front.image
                )
        progress(row + 1, len(features))
    return None


def _first_unequal(ours: NDArray[np.integer], theirs: Sequence[int]) -> int | None:
    wrong = np.flatnonzero(ours != np.array(theirs))
    return int(wrong[0]) if len(wrong) else None


Push = tuple[NDArray[np.int16], bool, bool]
"""Samples (n, axes), whether the device first forgets, and whether they complete a window."""


def _pushes(front: Front, data: Dataset) -> Iterator[list[Push]]:
    """Yield the pushes of each window; the last one completes it."""
    assert data.windows is not None
    at_once = max(1, RAW_MAX // (2 * front.axes))
    before, pushed = None, 0
    for row, window in enumerate(data.windows):
        start = None if data.starts is None else int(data.starts[row])
        new = front.length
        if before is not None and start is not None and _continues(front, start - before):
            new = start - before
        else:
            pushed = 0
        before, pushes = start, []
        for first in range(front.length - new, front.length, at_once):
            samples = window[first : min(first + at_once, front.length)]
            reset, pushed = pushed == 0, pushed + len(samples)
            beyond = pushed - front.length
            pushes.append((samples, reset, beyond >= 0 and beyond % front.hop == 0))
        yield pushes


def _continues(front: Front, step: int) -> bool:
    """Tell whether a window that begins `step` samples after another one continues its samples."""
    return 0 < step <= front.length and step % front.hop == 0
