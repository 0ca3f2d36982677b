"""Computes the learning rules in float64, without the rounding of fixed point.

This package follows the papers and shares no code with the modules for fixed point, so a comparison
of both is meaningful. It imports only numpy.

Every layer has a knowledge z = W a + b, a decision D = sigmoid(z) and a slope D' = D (1 - D). It
learns by

    delta = alignment * z D' + shift        W += rate * delta a^T        b += rate * delta

averaged over the batch. The rules differ in the shift, and in the input of the next layer:

* ``local`` (labels; next input a = 2 D - 1). Output layer: shift = e = Y - D, Y the one-hot label.
  Hidden layer: shift = 4 D' (A^T e_l), where e_l = Y - sigmoid(A a + c) is the error of the layer's
  own readout, which has weights A and biases c. The readout of the top hidden layer is the output
  layer itself; every hidden layer below it has a readout, which learns exactly like an output
  layer.
* ``feedback`` (labels; next input 2 D - 1). Output layer: shift = e = Y - D. Hidden layers:
  shift = gain * D' (e B). B replaces the transposed weights: it is a fixed random matrix of signs,
  one per hidden layer.
* ``code`` (labels; next input 2 D - 1). Output layer: shift = Y - D. Hidden layers:
  shift = (T + 1) / 2 - D where T != 0, and 0 elsewhere. T in {-1, 0, 1} is the code of the sample's
  class in this layer: 1 asks for decision 1, -1 for decision 0, and 0 for no change.
* ``published`` (arXiv 2503.13942; no labels; next input a = D). The same batch passes K times. The
  shift of every layer is D_k - D_{k-1}, alignment is 1 and the rate is eta / ln 2.

With the activation ReLU, which ``local`` and ``feedback`` may have, the next input is a = max(0,
z), and the slope is 1 where z > 0 and 0 elsewhere. This slope replaces 4 D' in the shift:
``local`` has the shift slope * (A^T e_l) and ``feedback`` gain * slope * (e B). D remains
sigmoid(z), and only the output layer and the metrics use it.

A regression has linear outputs and targets instead of labels: the outputs are z, and the shift of
the output layer and the error of a readout are e = Y - z, limited to -1 to 1.

With one hidden layer and alignment 0, ``local`` is one step of gradient descent on the binary
cross-entropy of that network (summed over classes, mean over the batch). The hidden layer has twice
the rate, because its shift has the factor 4 D', and da/dz = 2 D'; with ReLU it has the same rate.
With more hidden layers, each hidden layer and its readout make the same step for the cross-entropy
of that readout; the layers below count as fixed.
"""

from __future__ import annotations

from ska_edge.rules.reference.accuracy import accuracy
from ska_edge.rules.reference.model import Reference
from ska_edge.rules.reference.parameters import Parameters, initial_parameters
from ska_edge.rules.reference.running import moved_averages, running_factor
from ska_edge.rules.reference.stepped_layer import StepMetrics

__all__ = (
    "Parameters",
    "Reference",
    "StepMetrics",
    "accuracy",
    "initial_parameters",
    "moved_averages",
    "running_factor",
)
