"""Turns the output layer of a softmax into one sigmoid per class, with the same largest output.

A softmax does not change if a number is added to all its inputs. The same output stays the largest
if all inputs are multiplied by a positive number. So the mean over the classes is subtracted, and
one factor and one offset, the same for all classes, bring the sigmoids close to the probabilities
of the softmax. For two classes this is exact.
"""

from __future__ import annotations

import numpy as np

from ska_edge.model.foreign.signal import SIGMOID, Layer, Reals

ROWS = 5000  # rows that are enough to fit two numbers
ROUNDS = 50  # steps of Newton's method; about ten are enough
HOLD = 1e-3  # weight of the term that keeps the factor finite in a perfect fit
LEAST, MOST = 2.0**-6, 2.0**6  # limits of the factor


def binary(layer: Layer) -> Layer:
    """Return a layer of two sigmoids for an output layer of one; the first is 1 minus the other."""
    weight, bias = layer.weight, layer.bias
    return Layer(np.concatenate([-weight, weight]), np.concatenate([-bias, bias]), SIGMOID)


def centered(layer: Layer) -> Layer:
    """Return an output layer from which the mean over the classes is subtracted."""
    return Layer(
        layer.weight - layer.weight.mean(axis=0), layer.bias - layer.bias.mean(), layer.activation
    )


def fitted(layer: Layer, x: Reals) -> Layer:
    """Return sigmoids for a centered output layer's softmax, fitted on inputs x (n, width)."""
    factor, offset = 2.0, 0.0  # exact for two classes: z_0 - z_1 = 2 (z_0 - mean)
    if len(layer.bias) > 2:
        factor, offset = _fit(x[:ROWS] @ layer.weight.T + layer.bias)
    return Layer(factor * layer.weight, factor * layer.bias + offset, SIGMOID)


def _fit(z: Reals) -> tuple[float, float]:
    """Return t and c so that sigmoid(t z + c) is close to softmax(z), for z (n, classes).

    They minimize the cross-entropy plus a small term that holds t near 1 and c near 0; the sum is
    convex.
    """
    exponents = np.exp(z - z.max(axis=1, keepdims=True))
    target = (exponents / exponents.sum(axis=1, keepdims=True)).ravel()
    flat = z.ravel()
    t, c = 1.0, 0.0
    for _ in range(ROUNDS):
        decided = 0.5 + 0.5 * np.tanh((t * flat + c) / 2)
        error, slope = decided - target, decided * (1 - decided)
        gradient = np.array([(error * flat).mean() + HOLD * (t - 1), error.mean() + HOLD * c])
        mixed = (slope * flat).mean()
        curve = np.array(
            [[(slope * flat * flat).mean() + HOLD, mixed], [mixed, slope.mean() + HOLD]]
        )
        move = np.linalg.solve(curve, gradient)
        move *= min(1.0, 1.0 / max(float(np.abs(move).max()), 1e-12))  # a long step may overshoot
        t, c = min(max(t - float(move[0]), LEAST), MOST), c - float(move[1])
    return t, c
