"""Makes the charts of what a device learned: its answers, and the metrics of its layers."""

from __future__ import annotations

from array import array

import numpy as np
from numpy.typing import NDArray

from ska_edge.model.model_file import Model
from ska_edge.plural import counted
from ska_edge.report.chart import Line, Lines, Matrix, block_means
from ska_edge.report.course import Course
from ska_edge.rules.confidence import UNKNOWN, UNKNOWN_NAME

POINTS = 120  # most points of a line over rows
PATH_POINTS = 16  # most points of a line without an axis for time, which may cross itself
ROWS = "rows that the device has learned"
UPDATES = "updates of the device"


def course_charts(course: Course, model: Model) -> list[Lines]:
    """Return the charts for which a log has numbers."""
    found = [*_answers(course), *_layers(course, model), *_rates(course)]
    return [each for each in found if each is not None]


def decided_chart(course: Course) -> Matrix | None:
    """Return the confusion of the rows that a device learned; None without any decision."""
    if not course.decided:
        return None
    lost = any(predicted == UNKNOWN for _, predicted in course.decided)
    labels = (*course.labels, UNKNOWN_NAME) if lost else tuple(course.labels)
    counts = np.zeros((len(labels), len(labels)), dtype=np.int64)
    for (label, predicted), count in course.decided.items():
        place = len(course.labels) if predicted == UNKNOWN else predicted
        if label < len(course.labels) and place < len(labels):
            counts[label, place] += count
    return Matrix(
        name="decided",
        title="Confusion on the device",
        note="Number of rows by their class (down), and by what the device decided (across) before"
        " it learned them. The diagonal is right.",
        labels=labels,
        counts=tuple(map(tuple, counts.tolist())),
    )


def _answers(course: Course) -> list[Lines | None]:
    if course.missed:
        return [_errors(course)]
    right = _reals(course.right)
    if not np.isfinite(right).any():
        return []
    ends, means, size = block_means(right, POINTS // 3)
    known = np.isfinite(right)
    so_far = np.cumsum(np.where(known, right, 0)) / np.maximum(np.cumsum(known), 1)
    places = [int(end) - 1 for end in ends]
    lines = [
        Line(f"last {counted(size, 'row')}", ends, means),
        Line("all rows so far", ends, tuple(so_far[places].tolist())),
    ]
    if course.held_out:
        rows = tuple(float(at) for at, _, _ in course.held_out)
        share = tuple(right / of if of else None for _, right, of in course.held_out)
        lines.append(Line("held-out rows", rows, share, points=True))
    note = (
        "Share of rows whose class the device decided correctly, each before it learned the row."
        + (" It learns nothing from held-out rows." if course.held_out else "")
    )
    title = "Learning curve"
    return [Lines("learning-curve", title, note, ROWS, "right, %", tuple(lines), share=True)]


def _errors(course: Course) -> Lines | None:
    lines, size = [], 1
    for name, values in course.missed.items():
        ends, means, size = block_means(_reals(values), POINTS // 3)
        lines.append(Line(name, ends, means))
    if not course.rows:
        return None
    note = (
        "Mean of |target - value| in the unit of the data, each before the device learned the row;"
        f" a point is the mean of {counted(size, 'row')}."
    )
    axis = "mean absolute error"
    return Lines("learning-curve", "Learning curve", note, ROWS, axis, tuple(lines))


def _layers(course: Course, model: Model) -> list[Lines | None]:
    if not len(course.updates):
        return []
    names = [
        f"layer {index} ({counted(layer.outputs, 'neuron')})"
        for index, layer in enumerate(model.plan.layers)
    ]
    size = block_means(_reals(course.layers[0]["entropy"]), POINTS)[2]
    means = f" A point is the mean of {counted(size, 'update')}." if size > 1 else ""

    def over(key: str, name: str, title: str, note: str, axis: str, share: bool) -> Lines | None:
        lines = [
            Line(label, *block_means(_reals(layer[key]), POINTS)[:2])
            for label, layer in zip(names, course.layers, strict=True)
        ]
        if all(value is None for line in lines for value in line.y):
            return None
        return Lines(name, title, note + means, UPDATES, axis, tuple(lines), share)

    entropy = (
        "The entropy of an update is -(1/ln 2) times the sum of z times shift over the neurons of a"
        " layer."
    )
    return [
        over("entropy", "entropy", "Layer entropy", entropy, "entropy", False),
        _entropy_path(course, names),
        over(
            "cosine",
            "cosine",
            "Knowledge and shift",
            "Cosine of the angle between z and its shift; above 0, an update enlarges z.",
            "cosine",
            False,
        ),
        over(
            "z_saturated",
            "z-saturated",
            "Saturated knowledge",
            "Share of values of z at an end of their format. A confident output layer has many; in"
            " a hidden layer, a large share says that the rate is too large.",
            "saturated, %",
            True,
        ),
        over(
            "zero_updates",
            "zero-updates",
            "Updates that round to 0",
            "Share of weights that an update leaves as they are, because the change rounds to 0.",
            "zero updates, %",
            True,
        ),
    ]


def _entropy_path(course: Course, names: list[str]) -> Lines | None:
    """Return the figure of the paper (arXiv 2503.13942): the entropy over the norm of z."""
    lines, size = [], 1
    for label, layer in zip(names, course.layers, strict=True):
        _, norms, size = block_means(_reals(layer["z_norm"]), PATH_POINTS)
        _, entropies, _ = block_means(_reals(layer["entropy"]), PATH_POINTS)
        pairs = zip(norms, entropies, strict=True)
        known = [(norm, each) for norm, each in pairs if norm is not None]
        if known:
            x, y = zip(*known, strict=True)
            lines.append(Line(label, x, y, path=True))
    if not lines:
        return None
    note = (
        "Each line goes from the first updates (open circle) to the last ones (square)."
        f" A point is the mean of {counted(size, 'update')}."
    )
    title = "Layer entropy over the knowledge"
    return Lines("entropy-path", title, note, "|z|, norm of the knowledge", "entropy", tuple(lines))


def _rates(course: Course) -> list[Lines | None]:
    if len(course.rates) < 2:
        return []
    x = (*(float(at) for at, _ in course.rates), float(course.rows))
    y = (*(rate for _, rate in course.rates), course.rates[-1][1])
    line = Line("rate", x, y, steps=True)
    return [Lines("rate", "Learning rate", "The rate of the output layer.", ROWS, "rate", (line,))]


def _reals(values: array[float]) -> NDArray[np.float64]:
    return np.array(values, dtype=np.float64)
