"""Describes the layers of a network: their matrices and their tensors."""

from __future__ import annotations

from dataclasses import dataclass

from ska_edge.arithmetic.fixedpoint import QFormat


@dataclass(frozen=True, slots=True)
class Matrix:
    """W (outputs, inputs) and b (outputs,) in `weight` format; the inputs are in `input` format.

    The matrix learns at the plan's rate, halved `halvings` times.
    """

    inputs: int
    outputs: int
    input: QFormat
    weight: QFormat
    halvings: int = 0


@dataclass(frozen=True, slots=True)
class LayerPlan:
    """One layer; a hidden layer may have its own readout, A (classes, width) and c (classes,).

    The output layer is also the readout of the top hidden layer, because a separate readout would
    have the same input, target and initial values.
    """

    matrix: Matrix
    readout: Matrix | None = None

    @property
    def matrices(self) -> tuple[Matrix, ...]:
        """The layer's own matrix, then the matrix of its readout, if any."""
        return (self.matrix,) if self.readout is None else (self.matrix, self.readout)

    @property
    def inputs(self) -> int:
        """Number of inputs."""
        return self.matrix.inputs

    @property
    def outputs(self) -> int:
        """Number of neurons."""
        return self.matrix.outputs

    @property
    def input(self) -> QFormat:
        """Format of the layer's input."""
        return self.matrix.input


@dataclass(frozen=True, slots=True)
class Tensor:
    """The position of a tensor in the flat parameter array that host and device share.

    The order is layer by layer: weight (row-major), bias, then the readout's weight and bias.
    """

    layer: int
    name: str  # "weight", "bias", "readout_weight" or "readout_bias"
    shape: tuple[int, ...]
    format: QFormat
    offset: int

    @property
    def size(self) -> int:
        """Number of integers in the tensor."""
        rows = 1
        for length in self.shape:
            rows *= length
        return rows
