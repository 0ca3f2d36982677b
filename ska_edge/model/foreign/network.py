"""Defines a network from another program, and folds it into the layers of ska-edge.

A hidden layer of ska-edge with sigmoids passes on a = 2 sigmoid(z) - 1 = tanh(z / 2). So the
weights and biases of a layer with tanh are doubled. The layer after a sigmoid s is folded with s =
(a + 1) / 2. Layers with ReLU do not change. The scaling of the features goes into the first layer.
All of this is exact in real numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ska_edge.data.dataset import Dataset
from ska_edge.errors import InputError
from ska_edge.model.foreign.readout import binary, centered, fitted
from ska_edge.model.foreign.signal import RELU, SIGMOID, TANH, Layer, Reals
from ska_edge.model.scaling import Scaling
from ska_edge.rules import rule
from ska_edge.rules.reference import Parameters

LARGEST = 1e6  # limit of folded weights; with far larger ones, sums overflow in float


@dataclass(frozen=True, eq=False, slots=True)
class ForeignNetwork:
    """A chain of layers from an ONNX file of another program.

    Attributes:
        path: the file.
        producer: the program that wrote the file, as the file says.
        features: names of the inputs, if the file has an input for each feature.
        hidden: the hidden layers, with the scaling of the features folded into the first layer.
        output: the output layer; its activation is Sigmoid, Softmax or none.
        labels: class names, if the file has them.
        operators: the operators of the graph, each once.
        content: the file with all tensors, for a run of the original graph.
    """

    path: Path
    producer: str
    features: tuple[str, ...] | None
    hidden: tuple[Layer, ...]
    output: Layer
    labels: tuple[str, ...] | None
    operators: tuple[str, ...]
    content: bytes

    @property
    def inputs(self) -> int:
        """Number of features of a row."""
        return int((*self.hidden, self.output)[0].weight.shape[1])

    @property
    def classes(self) -> int:
        """Number of classes; a single sigmoid decides between two."""
        return max(len(self.output.bias), 2)

    @property
    def activation(self) -> str:
        """The activation for the hidden layers, one of `rule.ACTIVATIONS`."""
        rectified = self.hidden and self.hidden[0].activation == RELU
        return rule.RELU if rectified else rule.SIGMOID

    @property
    def widths(self) -> tuple[int, ...]:
        """Widths of the hidden layers."""
        return tuple(len(layer.bias) for layer in self.hidden)

    def matched(self, dataset: Dataset) -> Dataset:
        """Return data as the network takes them: features in order, classes numbered as outputs.

        Features are matched by name if the file has names that occur in the data. Classes are
        matched by name. A file without class names has the numbers of its outputs as names. If
        the data have other names than such numbers, output k is class k of the data in sorted
        order. Raises InputError for other features and for classes that do not fit the network.
        """
        if self.features is not None and dataset.features is not None:
            known = {_identifier(name): name for name in dataset.features}
            wanted = [known.get(_identifier(name), name) for name in self.features]
            if set(wanted) & set(dataset.features):
                dataset = dataset.with_features(wanted)
        if dataset.x.shape[1] != self.inputs:
            raise InputError(
                f"{dataset.name} has {dataset.x.shape[1]} features, but {self.path} has"
                f" {self.inputs} inputs; name data like those that it was trained on"
            )
        labels = self._labels_for(dataset)
        if labels not in (self.labels, self._numbers):
            order = ", ".join(f"{at} is {name}" for at, name in enumerate(labels))
            doubt = f"{self.path} numbers its classes; taken in sorted order, {order}"
            dataset = replace(dataset, doubts=(*dataset.doubts, doubt))
        return dataset.with_classes(labels)

    @property
    def _numbers(self) -> tuple[str, ...]:
        return tuple(map(str, range(self.classes)))

    def _labels_for(self, dataset: Dataset) -> tuple[str, ...]:
        if self.labels is not None and self.labels != self._numbers:
            return self.labels
        if set(dataset.labels) <= set(self._numbers):
            return self._numbers
        if dataset.classes != self.classes:
            raise InputError(
                f"{self.path} has {self.classes} classes without names, and '{dataset.name}' has"
                f" {dataset.classes}: give data with all classes, or labels from 0 to"
                f" {self.classes - 1}"
            )
        return dataset.labels

    def parameters(self, scaling: Scaling, x: Reals) -> Parameters:
        """Return the parameters of ska-edge that compute this network.

        Args:
            scaling: the scaling of the features before the first layer.
            x: features (n, d); a softmax is approximated by sigmoids for these rows.

        Raises InputError if a weight or bias becomes too large.
        """
        factor, offset = scaling.scale, scaling.mean
        folded = Parameters(weights=[], biases=[])
        for layer in (*self.hidden, self._readout(x)):
            weight, bias = layer.weight * factor, layer.bias + layer.weight @ offset
            stretch = 2.0 if layer.activation == TANH else 1.0
            folded.weights.append(stretch * weight)
            folded.biases.append(stretch * bias)
            half = 0.5 if layer.activation == SIGMOID else 1.0
            factor, offset = np.full(len(bias), half), np.full(len(bias), 1.0 - half)
        for values in (*folded.weights, *folded.biases):
            if not (np.abs(values) <= LARGEST).all():
                raise InputError(
                    f"{self.path} has a weight beyond {LARGEST:,.0f} for scaled features: train"
                    " the network on standardized features"
                )
        return folded

    def _readout(self, x: Reals) -> Layer:
        """Return an output layer of one sigmoid per class that chooses the same classes."""
        if self.output.activation == SIGMOID:
            return self.output if len(self.output.bias) > 1 else binary(self.output)
        return fitted(centered(self.output), self._top(x))

    def _top(self, x: Reals) -> Reals:
        """Return the input of the output layer, (n, width)."""
        for layer in self.hidden:
            z = x @ layer.weight.T + layer.bias
            x = _ACTIVATIONS[layer.activation](z)
        return x


_ACTIVATIONS: dict[str, Callable[[Reals], Reals]] = {
    SIGMOID: lambda z: 0.5 + 0.5 * np.tanh(z / 2),
    TANH: np.tanh,
    RELU: lambda z: np.maximum(z, 0.0),
}


def _identifier(name: str) -> str:
    """Return a name as exporters write it, with _ for all but ASCII letters and digits."""
    return re.sub(r"\W", "_", name, flags=re.ASCII)
