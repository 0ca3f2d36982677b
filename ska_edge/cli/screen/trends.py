"""Keeps how a device's figures change over a session, and draws them as small lines."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ska_edge.arithmetic.numpy_ops import NumpyOps
from ska_edge.cli.screen.columns import METRICS
from ska_edge.device.sample import Truth
from ska_edge.errors import ContactLost
from ska_edge.monitor.log.line import LogLine, LogRow
from ska_edge.monitor.monitor import Activity, Monitor
from ska_edge.network.measures.metrics import LayerMetrics
from ska_edge.network.output import Output, output_distance
from ska_edge.plan.plan import Plan

WIDTH = 16  # characters of a line
LAST = 20  # last rows whose predictions are kept
BLOCKS = "▁▂▃▄▅▆▇█"
PLAIN_BLOCKS = "_.-=+*#@"  # for a terminal without these characters


class Trend:
    """The means of a number over equal parts of a session, at most `2 * WIDTH` of them.

    When there are more, two neighbors become one, so that the whole session stays visible.
    """

    def __init__(self) -> None:
        self._means: list[float] = []
        self._part: list[float] = []
        self._size = 1  # numbers of a part

    def add(self, value: float) -> None:
        """Add the next number."""
        self._part.append(value)
        if len(self._part) < self._size:
            return
        self._means.append(sum(self._part) / self._size)
        self._part.clear()
        if len(self._means) == 2 * WIDTH:
            pairs = zip(self._means[::2], self._means[1::2], strict=True)
            self._means = [(one + other) / 2 for one, other in pairs]
            self._size *= 2

    def line(self, plain: bool = False) -> str:
        """Return the last `WIDTH` parts as blocks, from the lowest part to the highest."""
        shown = self._means[-WIDTH:]
        if not shown:
            return ""
        blocks = PLAIN_BLOCKS if plain else BLOCKS
        low, span = min(shown), max(shown) - min(shown)
        steps = (round((value - low) / span * (len(blocks) - 1)) if span else 0 for value in shown)
        return "".join(blocks[step] for step in steps)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the screen shows of the last rows of a device.

    Attributes:
        last: label and prediction of the last rows, the latest first.
        right, error: lines of the share of right rows and of the mean error of the outputs.
        mean_error: mean absolute error of the outputs of the last row; None without an answer.
        layers: the metrics of the last step; layers[i][j] is the line of metric j of layer i.
    """

    last: Sequence[tuple[int, int]]
    right: str
    error: str
    mean_error: float | None
    layers: Sequence[tuple[LayerMetrics, Sequence[str]]]


class Trends:
    """A `Sink` that keeps the trends of one device; another thread may call `snapshot`."""

    def __init__(self, plan: Plan) -> None:
        self._plan, self._supervised = plan, plan.rule_definition.supervised
        self._output = Output(plan, NumpyOps(check=False))
        self._lock = threading.Lock()
        self._last: deque[tuple[int, int]] = deque(maxlen=LAST)
        self._right, self._error = Trend(), Trend()
        self._mean_error: float | None = None
        self._layers: list[LayerMetrics] = []
        self._lines = [[Trend() for _ in METRICS] for _ in plan.layers]

    def snapshot(self, plain: bool = False) -> Snapshot:
        """Return what to show now; `plain` draws lines without block characters."""
        with self._lock:
            layers = [
                (metrics, [trend.line(plain) for trend in lines])
                for metrics, lines in zip(self._layers, self._lines, strict=False)
            ]
            return Snapshot(
                list(reversed(self._last)),
                self._right.line(plain),
                self._error.line(plain),
                self._mean_error,
                layers,
            )

    def write(self, line: LogLine) -> None:
        """Add a row that the device has learned."""
        if not isinstance(line, LogRow) or line.decisions is None or line.predicted is None:
            return
        with self._lock:
            if isinstance(line.label, int) and self._supervised:
                self._last.append((line.label, line.predicted))
                self._right.add(float(line.predicted == line.label))
            if self._supervised:
                self._mean_error = self._distance(line.decisions, line.label)
                self._error.add(self._mean_error)
            if not line.layers:
                return
            self._layers = [LayerMetrics(**each) for each in line.layers]
            for metrics, trends in zip(self._layers, self._lines, strict=True):
                for metric, trend in zip(METRICS, trends, strict=True):
                    trend.add(metric.value(metrics))

    def _distance(self, values: Sequence[int], truth: Truth) -> float:
        """Return the mean |target - value| of the outputs, as a real number."""
        targets = self._output.targets(np.array([truth])).data[0]
        format = self._plan.output or self._plan.formats.decision
        return float(format.dequantize(output_distance(values, targets.tolist())).mean())

    def open(self, monitor: Monitor) -> None:
        """Do nothing: the rows tell all."""

    def status(self, activity: Activity) -> None:
        """Do nothing: the screen asks the device's `Member`."""

    def lost(self, reason: ContactLost) -> None:
        """Do nothing: the screen asks the device's `Member`."""

    def close(self) -> None:
        """Do nothing."""
