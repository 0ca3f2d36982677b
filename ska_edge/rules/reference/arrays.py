"""Has functions of float64 arrays."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

LN2 = math.log(2.0)


def sigmoid(z: FloatArray, out: FloatArray | None = None) -> FloatArray:
    """Return 1 / (1 + exp(-z)), written to `out` if it is given."""
    # tanh never overflows, but exp(-z) can.
    result: FloatArray = np.multiply(z, 0.5, out=out)
    np.tanh(result, out=result)
    result *= 0.5
    result += 0.5
    return result


def dot(left: FloatArray, right: FloatArray) -> float:
    """Return the sum of the products of two arrays with the same shape."""
    return float(np.vdot(left, right))


def norm(array: FloatArray) -> float:
    """Return the Frobenius norm."""
    return math.sqrt(dot(array, array))
