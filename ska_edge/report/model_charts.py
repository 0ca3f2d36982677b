"""Makes the charts of a model and of its results: weights, confusion and recall."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ska_edge.model.evaluation import Evaluation
from ska_edge.network.state import State
from ska_edge.plan.layer import Tensor
from ska_edge.report.chart import Bars, Histogram, Matrix

BINS = 64
MOST_BARS = 40  # most bars of a chart; with more classes, the chart shows those of least recall
MOST_LAYERS = 8  # weight histograms of one page


def weight_charts(states: Mapping[str, State]) -> list[Histogram]:
    """Return a histogram of the weights of each of the first `MOST_LAYERS` layers.

    A histogram covers the whole range of the format. `states` are one state or several of the same
    plan, by a name for the legend.
    """
    plan = next(iter(states.values())).plan
    tensors = [each for each in plan.tensors() if each.name == "weight"]
    return [_weights(tensor, states) for tensor in tensors[:MOST_LAYERS]]


def _weights(tensor: Tensor, states: Mapping[str, State]) -> Histogram:
    format, layer = tensor.format, tensor.layer
    unit = 2.0**-format.frac
    least, most = format.minimum * unit, (format.maximum + 1) * unit
    edges = np.linspace(least, most, BINS + 1)
    counts = {
        name: np.histogram(state.tensor(layer, tensor.name) * unit, edges)[0].tolist()
        for name, state in states.items()
    }
    return Histogram(
        name=f"weights-{layer}",
        title=f"Weights of layer {layer}",
        note=f"All {tensor.size} weights. The axis ends where the format {format.name} ends.",
        x=f"weight ({format.name})",
        edges=tuple(edges.tolist()),
        counts={name: tuple(each) for name, each in counts.items()},
        limits=(least, most - unit),
        format=format.name,
    )


def confusion_chart(evaluation: Evaluation) -> Matrix:
    """Return the confusion matrix of the integers."""
    return Matrix(
        name="confusion",
        title="Confusion",
        note="Number of rows by their class, and by what fixed point decided. The diagonal is"
        " right. A darker cell is a larger share of the rows of its class.",
        labels=evaluation.labels,
        counts=tuple(map(tuple, evaluation.confusion.tolist())),
    )


def recall_chart(evaluation: Evaluation) -> Bars:
    """Return the recall of each class, or the `MOST_BARS` lowest if there are more classes."""
    recall, note = dict(evaluation.recall), "Share of the rows of a class that are right."
    if len(recall) > MOST_BARS:
        known = [(name, each) for name, each in recall.items() if each is not None]
        recall = dict(sorted(known, key=lambda pair: pair[1])[:MOST_BARS])
        note += f" These are the {len(recall)} lowest of {len(evaluation.labels)} classes."
    return Bars("recall", "Recall of each class", note, "recall, %", recall)
