"""From float to integers and back: input scaling, and the quantization of parameters."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ska_edge.arithmetic.fixedpoint import Fixed, QFormat
from ska_edge.arithmetic.numpy_ops import NumpyOps
from ska_edge.errors import InputError
from ska_edge.network.state import State
from ska_edge.plan.plan import Plan
from ska_edge.rules.neuron import RAW, RawInput, standardized

LEAST_SCALE = 1e-150  # a feature that varies less cannot be divided by its deviation
SCALINGS = ("standardize", "global", "none")


@dataclass(frozen=True, slots=True)
class Scaling:
    """What is done to features before they are quantized: (x - mean) / scale, each (d,) float64.

    The result is kept in [-limit, limit], as the integers of an input are.
    """

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    limit: float = math.inf

    @classmethod
    def fit(cls, features: NDArray[np.float64], kind: str) -> Scaling:
        """From features (n, d): each to mean 0 and variance 1; all together, by one mean and one
        deviation (`global`, for pixels and other features of one kind); or nothing done.

        A constant feature becomes 0.
        """
        if kind not in SCALINGS:
            raise InputError(f"no scaling {kind!r}; there are {', '.join(SCALINGS)}")
        if kind == "none":
            return cls(np.zeros(features.shape[1]), np.ones(features.shape[1]))
        if kind == "global" and np.ptp(features) > 0:
            return cls(
                np.full(features.shape[1], features.mean()),
                np.full(features.shape[1], features.std()),
            )
        mean, scale = features.mean(axis=0), features.std(axis=0)
        # A constant has a deviation of rounding errors; dividing by it would blow them up.
        constant = (np.ptp(features, axis=0) == 0) | (scale < LEAST_SCALE)
        return cls(np.where(constant, features[0], mean), np.where(constant, 1.0, scale))

    def within(self, format: QFormat) -> Scaling:
        """The same with the limit of an input's format."""
        return replace(self, limit=2.0 ** (format.bits - 1 - format.frac))

    def as_dict(self) -> dict[str, list[float]]:
        """Plain data for people who feed a device with samples of their own."""
        return {"mean": self.mean.tolist(), "scale": self.scale.tolist()}

    def apply(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Scaled features, (n, d)."""
        if features.ndim != 2 or features.shape[1] != len(self.mean):
            raise InputError(
                f"the data has {features.shape[-1]} features, the model {len(self.mean)} inputs"
            )
        scaled = (features - self.mean) / self.scale
        kept: NDArray[np.float64] = np.minimum(np.maximum(scaled, -self.limit), self.limit)
        return kept


def standardize(raw: RawInput, integers: NDArray[np.int64], format: QFormat) -> NDArray[np.int64]:
    """Raw features (n, d) as the integers of an input in `format`, as a device makes them."""
    ops = NumpyOps()
    multipliers, offsets = np.array(raw.multipliers), np.array(raw.offsets)
    return standardized(
        Fixed.of(ops, integers, RAW),
        Fixed(ops, multipliers, raw.frac, 0, max(raw.multipliers)),
        Fixed(ops, offsets, raw.frac, min(raw.offsets), max(raw.offsets)),
        format,
    ).data


def quantize_state(plan: Plan, tensors: dict[tuple[int, str], NDArray[np.float64]]) -> State:
    """A state from real tensors, keyed by layer and tensor name; those that are absent are 0."""
    state = State(plan)
    for tensor in plan.tensors():
        real = tensors.get((tensor.layer, tensor.name))
        if real is None:
            continue
        if real.shape != tensor.shape:
            raise InputError(
                f"layer {tensor.layer}: the {tensor.name} has shape {real.shape},"
                f" the plan wants {tensor.shape}"
            )
        state.tensor(tensor.layer, tensor.name)[...] = tensor.format.quantize(real)
    return state


def dequantize_state(state: State) -> dict[tuple[int, str], NDArray[np.float64]]:
    """The real numbers that a state stands for, keyed as in `quantize_state`."""
    return {
        (t.layer, t.name): t.format.dequantize(state.tensor(t.layer, t.name))
        for t in state.plan.tensors()
    }
