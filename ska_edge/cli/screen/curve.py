"""Shows how well a device does held-out rows while it learns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ska_edge.cli.screen.console import Output
from ska_edge.data.dataset import Dataset
from ska_edge.device.link import Link
from ska_edge.model.model_file import Model
from ska_edge.model.regression import mean_r2
from ska_edge.monitor.signs.exam import Exam
from ska_edge.plural import counted

POINTS = 10  # points of the curve after the first point, which is before the first sample
MOST = 200  # held-out rows: a device answers all of them for each point
WIDTH = 40  # characters of the bar of 100 %, or of an R2 of 1


class Curve:
    """The result of a device on held-out rows, as a function of the samples that it has learned.

    The result is how many rows are right, or the mean R2 of the targets of a regression.

    Args:
        link: the link to the device.
        model: the model of the device.
        held_out: held-out rows, as `Model.matched` returns them; at most `MOST` are used.
        samples: how many samples the device will learn.
    """

    def __init__(self, link: Link, model: Model, held_out: Dataset, samples: int) -> None:
        self._link, self._model = link, model
        self._rows = held_out.take(np.arange(min(len(held_out.y), MOST)))
        self._inputs = model.quantize(self._rows.x)
        self._marks = set(np.linspace(0, samples, POINTS + 1).astype(int).tolist())
        self._results: dict[int, float] = {}
        self.learned(0)

    def learned(self, samples: int) -> None:
        """Let the device answer the held-out rows if this number of samples is a point."""
        if samples in self._marks:
            regression = self._model.plan.regression
            self._results[samples] = self._r2() if regression else self._right()

    def _right(self) -> int:
        exam = Exam(self._inputs, self._rows.y, self._model.labels)
        exam.sit(self._link)
        assert exam.right is not None
        return int(exam.right.sum())

    def _r2(self) -> float:
        model, truth = self._model, self._rows.targets
        assert truth is not None
        answers = [self._link.infer(row).decisions for row in self._inputs.tolist()]
        values = np.array(answers, dtype=np.int64)
        return mean_r2(truth, model.values_of(values))

    def document(self) -> list[dict[str, Any]]:
        """Return the points for `--json`."""
        rows = len(self._rows.y)
        name = "r2" if self._model.plan.regression else "right"
        return [{"samples": at, name: found, "rows": rows} for at, found in self._results.items()]

    def show(self, out: Output) -> None:
        """Print the points and their bars."""
        rows = counted(len(self._rows.y), "held-out row")
        out.table(
            f"what the device knows of {rows}, which it only answers",
            ["samples learned", "R2" if self._model.plan.regression else "right", ""],
            [[at, text, "#" * round(WIDTH * max(share, 0))] for at, text, share in self._points()],
        )

    def _points(self) -> Iterable[tuple[int, str, float]]:
        """Yield the samples of each point, its cell, and the length of its bar, at most 1."""
        for at, found in self._results.items():
            if self._model.plan.regression:
                yield at, f"{found:.3f}", found
            else:
                share = found / len(self._rows.y)
                yield at, f"{share:.1%}", share
