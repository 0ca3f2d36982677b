"""Defines the value of an edge in a foreign graph: an affine map of the last layer's activations.

Every operator between two activation functions only scales, shifts, mixes or moves elements, so
all of them together are one affine map. A graph is read by composing these maps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ska_edge.errors import InputError

Reals = NDArray[np.float64]

MOST_CELLS = 2**24  # largest number of weights of a layer
SIGMOID, TANH, RELU, SOFTMAX, LOGITS = "Sigmoid", "Tanh", "Relu", "Softmax", "none"


@dataclass(frozen=True, eq=False, slots=True)
class Layer:
    """One layer of a foreign network: activation(weight x + bias).

    `weight` is (outputs, inputs), `bias` is (outputs,). `activation` is SIGMOID, TANH or
    RELU; for the last layer it is SIGMOID, SOFTMAX or LOGITS.
    """

    weight: Reals
    bias: Reals
    activation: str


@dataclass(frozen=True, eq=False, slots=True)
class Signal:
    """The value of an edge for one row: weight s + offset, where s is the source of the map.

    Attributes:
        layers: the layers below; the source is the activations of the last of them, or the
            features of a row if there is none.
        width: number of elements of the source.
        shape: shape of a row, without the axis of the rows.
        weight: (size, width); or (size,) if element i is weight[i] * s[columns[i]] + offset[i].
        offset: (size,).
        columns: (size,), or None for a matrix.
        softmax: whether a softmax of these values was taken.
        labels: class names that the graph gives to these values.
    """

    layers: tuple[Layer, ...]
    width: int
    shape: tuple[int, ...]
    weight: Reals
    offset: Reals
    columns: NDArray[np.int64] | None = None
    softmax: bool = False
    labels: tuple[str, ...] | None = None

    @classmethod
    def of_source(
        cls,
        layers: tuple[Layer, ...],
        width: int,
        columns: NDArray[np.int64] | None = None,
        shape: tuple[int, ...] | None = None,
    ) -> Signal:
        """Return elements of the source, unchanged: all of them, or those at `columns`."""
        taken = np.arange(width, dtype=np.int64) if columns is None else columns
        size = len(taken)
        return cls(layers, width, shape or (size,), np.ones(size), np.zeros(size), taken)

    @property
    def size(self) -> int:
        """Number of elements of a row."""
        return len(self.offset)

    def scaled(self, factor: Reals) -> Signal:
        """Return the product with `factor`, (size,)."""
        by_row = factor if self.columns is not None else factor[:, None]
        return replace(self, weight=self.weight * by_row, offset=self.offset * factor)

    def shifted(self, by: Reals) -> Signal:
        """Return the sum with `by`, (size,)."""
        return replace(self, offset=self.offset + by)

    def times(self, matrix: Reals) -> Signal:
        """Return matrix @ x, for a matrix (outputs, size).

        Raises InputError as `check_cells` does.
        """
        check_cells(len(matrix), self.width)
        if self.columns is None:
            weight = matrix @ self.weight
        else:
            weight = np.zeros((len(matrix), self.width))
            np.add.at(weight.T, self.columns, (matrix * self.weight).T)
        offset = matrix @ self.offset
        return replace(self, weight=weight, offset=offset, columns=None, shape=(len(matrix),))

    def taken(self, places: NDArray[np.int64], shape: tuple[int, ...]) -> Signal:
        """Return the elements at `places`, in a row of another shape."""
        columns = None if self.columns is None else self.columns[places]
        return replace(
            self,
            weight=self.weight[places],
            offset=self.offset[places],
            columns=columns,
            shape=shape,
        )

    def dense(self) -> Reals:
        """Return the weight as a matrix (size, width); raise InputError as `check_cells` does."""
        if self.columns is None:
            return self.weight
        check_cells(self.size, self.width)
        matrix = np.zeros((self.size, self.width))
        matrix[np.arange(self.size), self.columns] = self.weight
        return matrix

    def activated(self, activation: str) -> Signal:
        """Return the activations of a new layer that applies `activation` to this signal.

        Raises InputError as `check_cells` does.
        """
        layer = Layer(self.dense(), self.offset, activation)
        made = Signal.of_source((*self.layers, layer), self.size)
        return replace(made, shape=self.shape)


def joined(parts: tuple[Signal, ...]) -> Signal:
    """Return the elements of several signals of the same source, in order, as one signal.

    Raises InputError as `check_cells` does.
    """
    first = parts[0]
    offset = np.concatenate([part.offset for part in parts])
    shape = (len(offset),)
    if all(part.columns is not None for part in parts):
        columns = np.concatenate([part.columns for part in parts if part.columns is not None])
        weight = np.concatenate([part.weight for part in parts])
        return replace(first, weight=weight, offset=offset, columns=columns, shape=shape)
    check_cells(len(offset), first.width)
    weight = np.concatenate([part.dense() for part in parts])
    return replace(first, weight=weight, offset=offset, columns=None, shape=shape)


def check_cells(rows: int, columns: int) -> None:
    """Raise InputError for a matrix with more than `MOST_CELLS` elements."""
    if rows * columns > MOST_CELLS:
        raise InputError(
            f"a layer has {rows} x {columns} weights, more than {MOST_CELLS}, the most that an"
            " import takes; train a smaller network"
        )


def elements(shape: tuple[int, ...]) -> int:
    """Return the number of elements of a row of this shape."""
    return math.prod(shape)
