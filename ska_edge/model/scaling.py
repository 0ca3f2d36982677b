"""Scales features in the unit of the data to inputs of a network."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ska_edge.arithmetic.fixedpoint import Fixed, QFormat, float32_integers
from ska_edge.arithmetic.numpy_ops import NumpyOps
from ska_edge.data.row_blocks import row_blocks
from ska_edge.errors import InputError
from ska_edge.rules.neuron import WIDE_RAW, RawInput, standardized

LEAST_SCALE = 1e-150  # a feature with a smaller deviation counts as constant
SCALINGS = ("standardize", "global", "none")


@dataclass(frozen=True, slots=True)
class Scaling:
    """The scaling of features before quantization: (x - mean) / scale.

    `mean` and `scale` are (d,) float64, one element per feature. The result is clipped to
    [-limit, limit], as the integers of an input are.
    """

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    limit: float = math.inf

    @classmethod
    def fit(cls, features: NDArray[np.float64], kind: str) -> Scaling:
        """Fit the scaling to features (n, d).

        "standardize" gives each feature mean 0 and variance 1. "global" uses one mean and one
        deviation for all features, such as pixels. "none" does not scale. With "standardize", a
        constant feature becomes 0. Raises InputError for another kind.
        """
        if kind not in SCALINGS:
            raise InputError(f"no scaling {kind!r}; there are {', '.join(SCALINGS)}")
        if kind == "none":
            return cls(np.zeros(features.shape[1]), np.ones(features.shape[1]))
        low, high = features.min(axis=0), features.max(axis=0)
        if kind == "global" and low.min() < high.max():
            return cls(
                np.full(features.shape[1], features.mean()),
                np.full(features.shape[1], features.std()),
            )
        mean = features.mean(axis=0)
        scale = deviation(features, mean)
        # Do not divide by the deviation of a constant feature: it is only rounding errors.
        constant = (low == high) | (scale < LEAST_SCALE)
        return cls(np.where(constant, features[0], mean), np.where(constant, 1.0, scale))

    def within(self, format: QFormat) -> Scaling:
        """Return the same scaling with the limit that an input format has."""
        return replace(self, limit=2.0 ** (format.bits - 1 - format.frac))

    def as_dict(self) -> dict[str, list[float]]:
        """Return plain data for programs that send their own samples to a device."""
        return {"mean": self.mean.tolist(), "scale": self.scale.tolist()}

    def apply(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return scaled features, (n, d); raise InputError for another width."""
        if features.ndim != 2 or features.shape[1] != len(self.mean):
            raise InputError(_other_width(features, len(self.mean)))
        scaled = (features - self.mean) / self.scale
        kept: NDArray[np.float64] = np.minimum(np.maximum(scaled, -self.limit), self.limit)
        return kept

    def undo(self, scaled: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return values (n, d) in the unit of the data, the inverse of `apply`."""
        return scaled * self.scale + self.mean


def deviation(features: NDArray[Any], mean: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the standard deviation of each feature, (d,), as numpy's `std` gives it.

    For integers (n, d), the squares are computed in blocks, so that not all features are copied as
    floats. They are added in the order of the rows, as numpy adds them, so the bits are the same.
    """
    count, width = features.shape
    if features.dtype.kind not in "iu" or width < 2 or not features.flags.c_contiguous:
        spread: NDArray[np.float64] = features.std(axis=0)
        return spread
    total = np.zeros((1, width))
    for block in row_blocks(count):
        centered = features[block] - mean
        total = np.add.reduce(np.concatenate([total, centered * centered]), axis=0, keepdims=True)
    return np.asarray(np.sqrt(total[0] / count))


def standardize(raw: RawInput, features: NDArray[np.float64], format: QFormat) -> NDArray[np.int64]:
    """Convert raw features (n, d) to integers of an input in `format`: x * multiplier + offset.

    A device computes the same from integers (`ska_standardize`), because float64 is exact in every
    step. Other features, such as 3.5, are converted by the same formula. If the raw features are
    float32, the features are narrowed to float32 first, and NaN becomes the input 0. Raises
    InputError for another width.
    """
    if features.ndim != 2 or features.shape[1] != len(raw.multipliers):
        raise InputError(_other_width(features, len(raw.multipliers)))
    if raw.points is not None:
        return _standardize_float32(raw, raw.points, features, format)
    line = features * np.array(raw.multipliers, dtype=np.float64) + np.array(
        raw.offsets, dtype=np.float64
    )
    return format.quantize(np.ldexp(line, -(raw.frac + format.frac)))


def _standardize_float32(
    raw: RawInput, points: tuple[int, ...], features: NDArray[np.float64], format: QFormat
) -> NDArray[np.int64]:
    """Convert float32 features, with the same operations as `ska_standardize_f32` in C."""
    ops = NumpyOps(check=False)
    integers = float32_integers(features, np.array(points), WIDE_RAW)
    multipliers, offsets = np.array(raw.multipliers), np.array(raw.offsets)
    inputs = standardized(
        Fixed.of(ops, integers, WIDE_RAW),
        Fixed(ops, multipliers, raw.frac, 0, max(raw.multipliers)),
        Fixed(ops, offsets, raw.frac, min(raw.offsets), max(raw.offsets)),
        format,
    )
    return np.where(np.isnan(features), 0, inputs.data)


def _other_width(features: NDArray[np.float64], inputs: int) -> str:
    return f"the data have {features.shape[-1]} features, but the model has {inputs} inputs"
