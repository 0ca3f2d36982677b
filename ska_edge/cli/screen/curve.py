"""Shows how well a device classifies held-out rows while it learns."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ska_edge.cli.screen.console import Output
from ska_edge.device.link import Link
from ska_edge.model.model_file import Model
from ska_edge.monitor.signs.exam import Exam
from ska_edge.plural import counted

POINTS = 10  # points of the curve after the first point, which is before the first sample
MOST = 200  # held-out rows: a device classifies all of them for each point
WIDTH = 40  # characters of the bar of 100 %


class Curve:
    """The accuracy of a device on held-out rows, as a function of the samples that it has learned.

    Args:
        link: the link to the device.
        model: the model of the device, whose outputs are classes.
        features: held-out rows (m, d), in the unit of the training data; at most `MOST` are used.
        labels: (m,) class indices.
        samples: how many samples the device will learn.
    """

    def __init__(
        self,
        link: Link,
        model: Model,
        features: NDArray[np.float64],
        labels: NDArray[np.int64],
        samples: int,
    ) -> None:
        self._link = link
        self._exam = Exam(model.quantize(features[:MOST]), labels[:MOST], model.labels)
        self._marks = set(np.linspace(0, samples, POINTS + 1).astype(int).tolist())
        self._right: dict[int, int] = {}
        self.learned(0)

    def learned(self, samples: int) -> None:
        """Let the device classify the held-out rows if this number of samples is a point."""
        if samples in self._marks:
            self._exam.sit(self._link)
            assert self._exam.right is not None
            self._right[samples] = int(self._exam.right.sum())

    def document(self) -> list[dict[str, Any]]:
        """Return the points for `--json`."""
        rows = self._exam.size
        return [{"samples": at, "right": n, "rows": rows} for at, n in self._right.items()]

    def show(self, out: Output) -> None:
        """Print the points and their bars."""
        rows = self._exam.size
        out.table(
            f"what the device knows of {counted(rows, 'held-out row')}, which it only classifies",
            ["samples learned", "right", ""],
            [
                [at, f"{n / rows:.1%}", "#" * round(WIDTH * n / rows)]
                for at, n in self._right.items()
            ],
        )
