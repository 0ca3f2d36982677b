"""Holds the defaults of training options, and computes those that depend on the data."""

from __future__ import annotations

import math

from ska_edge.plan.resolve import RATE

LARGEST_RATE = RATE
# With more hidden layers, ReLU and random signs diverge at most rates (docs/LEARNING.md).
MOST_RELU_SIGNS = 2
PUBLISHED_RATE = 0.01
HIDDEN = (64,)
TWO_HIDDEN = (64, 32)  # for data that one hidden layer learns clearly worse
EPOCHS = 20
REGRESSION_EPOCHS = 40  # numbers need more passes than classes (docs/LEARNING.md)
HALVINGS = 4  # how many times the rate is halved while a new model learns a fixed set
TEST_FRACTION = 0.2
SPARE_STORED = SPARE_RELEARNED = 10  # for the replay buffer of a model with spare classes
LARGEST_SPREAD = 8  # sigmoid of a larger knowledge is almost constant


def default_rate(inputs: int, rectified: int = 0) -> float:
    """Return the power of two closest to 8 / inputs, at most 0.125, or a part of it with ReLU.

    `rectified` is the number of hidden layers with ReLU. With one, the rate is a quarter of this
    power; with more, an eighth.

    A step changes the knowledge of a neuron by rate * delta * |a|^2. For standardized inputs, |a|^2
    is about the number of inputs, so a step with this rate does not overshoot. The activations of
    ReLU have no bound, and about half of the slopes are 1.
    """
    return min(LARGEST_RATE, 2.0 ** round(math.log2(8 / inputs))) / (1, 4, 8)[min(rectified, 2)]


def default_epochs(classes: int) -> int:
    """Return the number of passes for this number of classes; 0 classes are a regression."""
    return EPOCHS if classes else REGRESSION_EPOCHS


def default_hidden_halvings(classes: int) -> int:
    """Return how many times the rate of hidden layers is halved for this number of classes.

    The rate is halved once for every doubling of the classes beyond 4. A hidden neuron learns from
    the errors of all classes together, so its steps grow with the number of classes.
    """
    return max(0, (classes // 4).bit_length() - 1)


def auto_spread(inputs: int) -> float:
    """Return the initial spread of a first hidden layer for this number of inputs.

    With few inputs, neurons must differ in more than their direction: they need steep decisions at
    different places. With many inputs, a large spread tends to fit noise.
    """
    return min(3.0, max(1.0, 10 / math.sqrt(inputs)))
