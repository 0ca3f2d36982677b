"""Has the layers that learn by the published rule, pass after pass of one batch."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ska_edge.rules.reference.arrays import LN2, FloatArray, dot, norm, sigmoid


@dataclass(frozen=True)
class StepMetrics:
    """Metrics of one layer in step k of the published rule (sums are over batch and neurons).

    ``entropy``    -(1/ln 2) sum z (D_k - D_{k-1}); a sum, not a mean over the batch.
    ``cosine``     sum z (D_k - D_{k-1}) / (|z| |D_k - D_{k-1}|); 0 when either norm is 0.
    ``z_norm``     |z|, Frobenius norm of this step's (n, width) knowledge.
    ``w_norm``     |W|, Frobenius norm after this step's update.
    ``tensor_net`` sum (D - z D' / ln 2) (z_k - z_{k-1}).
    ``flow``       |Phi|, Frobenius norm of the knowledge flow Phi = (z_k - z_{k-1}) / eta
                   (arXiv 2504.03214).
    ``lagrangian`` -sum z D' Phi (the same paper).
    """

    entropy: float
    cosine: float
    z_norm: float
    w_norm: float
    tensor_net: float
    flow: float
    lagrangian: float


class SteppedLayer:
    """A layer that learns by the published rule; every pass reuses the layer's arrays.

    ``z`` and ``decision``, (n, width), belong to this pass. ``last_z`` and ``last_decision`` belong
    to the previous pass, until ``learn`` overwrites them with the differences. Allocating new
    arrays in every pass would take a large part of the time.
    """

    def __init__(
        self, weights: FloatArray, bias: FloatArray, inputs: FloatArray, eta: float
    ) -> None:
        self.weights = weights
        self.bias = bias
        self.eta = eta
        self.step = eta / LN2 / len(inputs)  # factor of the sum over the batch in an update
        # One array for all, because numpy uses huge pages only for large arrays.
        block = np.empty((5, len(inputs), len(weights)))
        self.z, self.last_z, self.decision, self.last_decision, self.pull = block

    def forward(self, a: FloatArray) -> FloatArray:
        """Begin a pass with the input ``a`` (n, fan_in); return its decisions (n, width)."""
        self.z, self.last_z = self.last_z, self.z
        self.decision, self.last_decision = self.last_decision, self.decision
        self.know(a)
        return sigmoid(self.z, self.decision)

    def learn(self, a: FloatArray) -> StepMetrics:
        """Update the layer by the product of delta and ``a`` (n, fan_in); return the metrics."""
        z, decision, pull = self.z, self.decision, self.pull
        np.subtract(1.0, decision, out=pull)
        pull *= decision
        pull *= z
        moved = np.subtract(z, self.last_z, out=self.last_z)
        shift = np.subtract(decision, self.last_decision, out=self.last_decision)

        z_shift = dot(z, shift)
        z_norm = norm(z)
        norms = z_norm * norm(shift)
        pull_moved = dot(pull, moved)
        tensor_net = dot(decision, moved) - pull_moved / LN2
        flow = norm(moved) / self.eta

        pull += shift
        self.update(pull, a)
        return StepMetrics(
            entropy=-z_shift / LN2,
            cosine=z_shift / norms if norms > 0.0 else 0.0,
            z_norm=z_norm,
            w_norm=self.w_norm(),
            tensor_net=tensor_net,
            flow=flow,
            lagrangian=-pull_moved / self.eta,
        )

    def know(self, a: FloatArray) -> None:
        """Compute ``z`` from the input ``a`` (n, fan_in)."""
        np.matmul(a, self.weights.T, out=self.z)
        self.z += self.bias

    def update(self, delta: FloatArray, a: FloatArray) -> None:
        """Learn from ``delta`` (n, width)."""
        self.weights += self.step * (delta.T @ a)
        self.bias += self.step * delta.sum(axis=0)

    def w_norm(self) -> float:
        """Return the Frobenius norm of the weights."""
        return norm(self.weights)

    def finish(self) -> None:
        """Complete the weights after the last pass."""


class HeldLayer(SteppedLayer):
    """The first layer, whose input x is the same in every pass.

    An update adds step * delta^T x to W, so it adds step * (x x^T) delta to x W^T. Therefore one
    product with the matrix x x^T, (n, n), replaces the forward product and the outer product. W
    itself is updated after the last pass. The norm of W follows from
    |W'|^2 - |W|^2 = <W' - W, W' + W>.
    """

    def __init__(
        self, weights: FloatArray, bias: FloatArray, inputs: FloatArray, eta: float
    ) -> None:
        super().__init__(weights, bias, inputs, eta)
        self.inputs = inputs
        self.gram = self.step * (inputs @ inputs.T)
        self.weighted = inputs @ weights.T  # x W^T
        self.w_square = dot(weights, weights)
        self.deltas = np.zeros_like(self.z)  # sum of the deltas so far

    def know(self, _a: FloatArray) -> None:
        """Compute ``z``."""
        np.add(self.weighted, self.bias, out=self.z)

    def update(self, delta: FloatArray, _a: FloatArray) -> None:
        """Learn from ``delta`` (n, width), but leave the weights for ``finish``."""
        before = dot(delta, self.weighted)
        self.weighted += np.matmul(self.gram, delta, out=self.last_z)  # `last_z` is not needed now
        self.w_square += self.step * (before + dot(delta, self.weighted))
        self.bias += self.step * delta.sum(axis=0)
        self.deltas += delta

    def w_norm(self) -> float:
        """Return the Frobenius norm that the weights will have."""
        return math.sqrt(max(self.w_square, 0.0))

    def finish(self) -> None:
        """Add all updates to the weights."""
        self.weights += self.step * (self.deltas.T @ self.inputs)
