"""Computes the running normalization of inputs."""

from __future__ import annotations

import numpy as np

from ska_edge.rules.reference.arrays import FloatArray


def moved_averages(
    x: FloatArray, mean: FloatArray, variance: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the running mean and variance, (d,) each, after the inputs x (d,) of one sample.

    The mean moves by 1/256 of its difference to x, and the variance by 1/256 of its difference to
    (x - mean)^2, where a deviation beyond 8 counts as 8. The largest variance is 33.
    """
    deviation = np.minimum(np.maximum(x - mean, -8.0), 8.0)
    changed = np.minimum(variance + (deviation * deviation - variance) / 256.0, 33.0)
    return mean + (x - mean) / 256.0, changed


def running_factor(variance: FloatArray) -> FloatArray:
    """Return the factors (d,) that normalize inputs with these variances, as (x - mean) * factor.

    A factor is the power of two nearest to 1 / sqrt(variance), by its logarithm, from 1/8 to 4. If
    two powers are equally near, the factor is the larger power.
    """
    least = np.maximum(variance, 2.0**-5)  # the logarithm of 0 is infinite
    exponents = np.ceil(np.log2(least) / 2.0 - 0.5)
    factors: FloatArray = np.exp2(-np.minimum(np.maximum(exponents, -2.0), 3.0))
    return factors
