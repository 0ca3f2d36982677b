"""From float to integers: input scaling and calibration of the input's format."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ska_edge.errors import InputError
from ska_edge.fixedpoint import QFormat
from ska_edge.plan import Plan
from ska_edge.trainer import State

SCALINGS = ("standardize", "none")
CLIPPED_SHARE = 1e-3  # at most this share of calibration values may saturate the input's format


@dataclass(frozen=True, slots=True)
class Scaling:
    """What is done to features before they are quantized: (x - mean) / scale, each (d,) float64."""

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]

    @classmethod
    def fit(cls, features: NDArray[np.float64], kind: str) -> Scaling:
        """Mean 0, variance 1 over features (n, d), or nothing done; constant features become 0."""
        if kind not in SCALINGS:
            raise InputError(f"no scaling {kind!r}; there are {', '.join(SCALINGS)}")
        if kind == "none":
            return cls(np.zeros(features.shape[1]), np.ones(features.shape[1]))
        mean, scale = features.mean(axis=0), features.std(axis=0)
        # A constant has a deviation of rounding errors; dividing by it would blow them up.
        constant = np.ptp(features, axis=0) == 0
        return cls(np.where(constant, features[0], mean), np.where(constant, 1.0, scale))

    def as_dict(self) -> dict[str, list[float]]:
        """Plain data for people who feed a device with samples of their own."""
        return {"mean": self.mean.tolist(), "scale": self.scale.tolist()}

    def apply(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Scaled features, (n, d)."""
        if features.ndim != 2 or features.shape[1] != len(self.mean):
            raise InputError(
                f"the data has {features.shape[-1]} features, the model {len(self.mean)} inputs"
            )
        return (features - self.mean) / self.scale


def input_format(scaled: NDArray[np.float64], bits: int = 8) -> QFormat:
    """The finest format of `bits` in which at most `CLIPPED_SHARE` of scaled inputs saturate."""
    magnitudes = np.abs(scaled).ravel()
    for frac in range(bits - 1, -1, -1):
        limit = 2.0 ** (bits - 1 - frac)
        if (magnitudes >= limit).mean() <= CLIPPED_SHARE:
            return QFormat(bits, frac)
    raise InputError(
        f"inputs reach {magnitudes.max():g}, beyond every {bits}-bit format;"
        " use --scale standardize"
    )


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
