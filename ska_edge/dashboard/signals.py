"""Finds the raw samples from which a front end computed an input of a device."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ska_edge.data.dataset import Dataset
from ska_edge.model.model_file import Model
from ska_edge.report.chart import Line, Lines


class Signals:
    """The windows of the data that devices learn.

    Args:
        model: the model of the devices.
        data: the rows, as `Model.matched` returns them, with the raw samples of their windows.
    """

    def __init__(self, model: Model, data: Dataset) -> None:
        assert data.windows is not None and model.layout is not None
        self._windows: NDArray[np.int16] = data.windows
        self._axes = model.layout.axes
        self._places = {tuple(row): n for n, row in enumerate(model.quantize(data.x).tolist())}

    @classmethod
    def of(cls, model: Model, data: Dataset | None) -> Signals | None:
        """Return the signals of data, or None if the data have no windows of raw samples."""
        known = data is not None and data.windows is not None and model.layout is not None
        return cls(model, data) if data is not None and known else None

    def chart(self, x: Sequence[int], words: str) -> Lines | None:
        """Return the signal from which an input (inputs,) was computed; None if it is unknown.

        `words` say what the device decided.
        """
        place = self._places.get(tuple(x))
        if place is None:
            return None
        return signal_chart(self._windows[place], self._axes, words)


def signal_chart(window: NDArray[np.integer], axes: Sequence[str], words: str) -> Lines:
    """Return the signal of a window of raw samples (length, axes); `words` are the note below."""
    numbers = tuple(map(float, range(len(window))))
    return Lines(
        name="signal",
        title="Signal of the last window",
        note=words,
        x="sample of the window",
        y="raw value",
        lines=tuple(
            Line(axis, numbers, tuple(map(float, values)))
            for axis, values in zip(axes, window.T.tolist(), strict=True)
        ),
    )
