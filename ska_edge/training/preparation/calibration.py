"""Chooses the Q format of every tensor from the data and from the float twin's ranges."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ska_edge.arithmetic.fixedpoint import QFormat, Rate
from ska_edge.errors import OptionError
from ska_edge.network.twin import tensors_of
from ska_edge.plan.formats import COARSEST_KNOWLEDGE, FINEST_KNOWLEDGE
from ska_edge.plan.plan import LONGEST_SHIFT
from ska_edge.plan.precision import Precision
from ska_edge.rules.neuron import RAW, WIDE_RAW, RawInput
from ska_edge.rules.reference import Parameters

Reals = NDArray[np.float64]

CLIPPED_SHARE = 1e-3  # at most this fraction of the inputs of the training may saturate
HEADROOM = 1.5  # a device keeps learning, so weights may grow by this factor before they saturate
ROWS = 1000  # training rows that are enough to measure the range of the knowledge
# For rules with labels and without ReLU, the format of the knowledge covers at most this multiple
# of the decision table's range. Beyond the table, decisions do not change any more, but metrics
# still use the knowledge.
BEYOND_TABLE = 1.9
FINER = 8  # a raw float becomes an integer with up to this many more fractional bits than the input
FLOAT_EXPONENT = 128  # a float32 is smaller than 2**128
FLOAT_FRAC = 30  # fractional bits of the integers that standardize a raw float


class Observed(Protocol):
    """A float twin: its parameters, and its knowledge (n, width) of every layer."""

    parameters: Parameters

    def knowledge(self, x: Reals) -> list[Reals]:
        """Return the knowledge for inputs (n, d)."""


@dataclass
class Magnitudes:
    """The magnitudes of values in a float twin while it learns.

    Attributes:
        weights: largest magnitude in each matrix and its bias, which share a format; by layer and
            "weight" or "readout_weight".
        knowledge: largest magnitude of the knowledge of all layers.
        activation: the value that `CLIPPED_SHARE` of max(0, z) exceed, in all hidden layers
            together.
        output: largest magnitude of the knowledge of the output layer.
    """

    weights: dict[tuple[int, str], float] = field(default_factory=dict)
    knowledge: float = 0.0
    activation: float = 0.0
    output: float = 0.0

    def copy(self) -> Magnitudes:
        """Return an independent copy."""
        return Magnitudes(dict(self.weights), self.knowledge, self.activation, self.output)

    def observe(self, reference: Observed, scaled: Reals) -> None:
        """Record the current magnitudes of a twin, for scaled inputs (n, d)."""
        tensors = tensors_of(reference.parameters)
        for (layer, name), values in tensors.items():
            if name.endswith("weight"):
                bias = tensors[layer, name.replace("weight", "bias")]
                largest = max(float(np.abs(values).max()), float(np.abs(bias).max()))
                key = layer, name
                self.weights[key] = _larger(self.weights.get(key, 0.0), largest)
        found = reference.knowledge(scaled[:ROWS])
        for knowledge in found:
            largest = float(np.abs(knowledge).max())
            self.knowledge = _larger(self.knowledge, largest)
        self.output = _larger(self.output, largest)
        if len(found) > 1:
            hidden = np.concatenate([knowledge.ravel() for knowledge in found[:-1]])
            most = float(np.quantile(hidden, 1 - CLIPPED_SHARE, method="lower"))
            self.activation = _larger(self.activation, most)


def _larger(old: float, new: float) -> float:
    """Return the larger number; NaN, which a diverged twin has, counts as infinite."""
    return math.inf if math.isnan(new) else max(old, new)


def fraction(largest: float, bits: int) -> int:
    """Return the most fractional bits, below `bits`, of a `bits`-bit format that holds a magnitude.

    Raises OptionError if no such format holds it.
    """
    for frac in range(bits - 1, -bits, -1):
        if largest < 2.0 ** (bits - 1 - frac):
            return frac
    raise OptionError(
        "a value of {largest:g} fits into no {bits}-bit format; use a smaller {rate}",
        largest=largest,
        bits=bits,
    )


def weight_formats(
    seen: Magnitudes, precision: Precision, rate: Rate
) -> dict[tuple[int, str], QFormat]:
    """Return the formats of the matrices, without those of matrices that stayed 0.

    Raises OptionError for a weight that no format holds.
    """
    bits = precision.weight.bits
    # The update of a 16-bit weight or bias is rounded, so it drops at least one bit.
    finest = precision.shift.frac + rate.shift - 1 if bits == RAW.bits else bits - 1
    return {
        place: QFormat(bits, min(fraction(HEADROOM * largest, bits), finest))
        for place, largest in seen.weights.items()
        if largest > 0
    }


def relu_format(seen: Magnitudes, precision: Precision) -> QFormat:
    """Return the format of max(0, z), as fine as its range allows.

    Raises OptionError if no format holds the range.
    """
    bits = precision.activation.bits
    return QFormat(bits, max(fraction(seen.activation, bits), 0))


def knowledge_format(
    seen: Magnitudes, precision: Precision, supervised: bool, relu: QFormat | None = None
) -> QFormat:
    """Return the format of the knowledge, as fine as its range allows.

    For rules with labels, the range is limited by `BEYOND_TABLE`, or by the range of an activation
    max(0, z) in the format `relu` if this range is larger. Rules without labels learn from the
    knowledge itself, so its range is not limited. Raises OptionError if no format holds the range.
    """
    bits = precision.knowledge.bits
    largest = HEADROOM * seen.knowledge
    if supervised:
        limit = BEYOND_TABLE * precision.table_limit
        if relu is not None:
            limit = max(limit, float(relu.dequantize(np.array(relu.maximum))))
        largest = min(largest, limit)
    frac = min(fraction(largest, bits), FINEST_KNOWLEDGE)
    if frac < COARSEST_KNOWLEDGE:
        raise OptionError(
            "the knowledge reached {largest:g}, too large for its {bits} bits; use a smaller {rate}"
            " or fewer {steps}",
            largest=seen.knowledge,
            bits=bits,
        )
    return QFormat(bits, frac)


def output_format(seen: Magnitudes, targets: Reals) -> QFormat:
    """Return the finest 16-bit format that holds the scaled targets (n, targets) of a regression.

    It also holds the outputs of the float twin. Raises OptionError if no format does.
    """
    largest = HEADROOM * max(float(np.abs(targets).max()), seen.output)
    return QFormat(RAW.bits, max(0, fraction(largest, RAW.bits)))


def input_format(scaled: Iterable[Reals], bits: int = 8) -> QFormat:
    """Return the finest `bits`-bit format in which at most `CLIPPED_SHARE` of inputs saturate.

    `scaled` are the inputs in blocks of any shape. Raises OptionError if no format suits.
    """
    total, largest = 0, 0.0
    exponents = np.zeros(bits + 1, dtype=np.int64)  # numbers of values, by their exponents of two
    for block in scaled:
        magnitudes = np.abs(block).ravel()
        total, largest = total + len(magnitudes), max(largest, float(magnitudes.max(initial=0)))
        exponent = np.minimum(np.maximum(np.frexp(magnitudes)[1], 0), bits)
        exponents += np.bincount(exponent, minlength=bits + 1)
    for frac in range(bits - 1, -1, -1):
        saturated = int(exponents[bits - frac :].sum())  # magnitudes from 2 ** (bits - 1 - frac)
        if saturated / total <= CLIPPED_SHARE:
            return QFormat(bits, frac)
    raise OptionError(
        "inputs reach {largest:g}, beyond every {bits}-bit format; use {scale} standardize",
        largest=largest,
        bits=bits,
    )


def raw_input(features: Reals, mean: Reals, scale: Reals, format: QFormat) -> RawInput | None:
    """Return integers that standardize raw features on a device.

    Returns None for features that are not integers of up to 32 bits, or whose scale is too small.

    Args:
        features: (n, d).
        mean, scale: (d,), of the training data.
        format: format of the input.
    """
    whole = features.dtype.kind in "iu" or (features == np.floor(features)).all()
    low, high = float(features.min()), float(features.max())
    if not whole or low < WIDE_RAW.minimum or high > WIDE_RAW.maximum:
        return None
    # A multiplier has one bit less for each bit of the features beyond 16, so that products stay as
    # small as `LARGEST_OFFSET` allows. The rounded multiplier then changes an input by at most half
    # a unit.
    needed = int(max(-low - 1, high)).bit_length()
    beyond = max(0, needed - (RAW.bits - 1))
    factors, bits = 2.0**format.frac / scale, 32 - beyond
    frac = min(bits - 1 - math.frexp(float(factors.max()))[1], LONGEST_SHIFT)
    if frac < (needed if beyond else 1):
        return None  # the scale is so small that the integers are too coarse
    multipliers = QFormat(bits, frac)
    offsets = QFormat(64, multipliers.frac)
    return RawInput(
        multipliers=tuple(multipliers.quantize(factors).tolist()),
        offsets=tuple(offsets.quantize(-mean * factors).tolist()),
        frac=multipliers.frac,
    )


def raw_float_input(
    mean: Reals, scale: Reals, format: QFormat, names: Sequence[str] | None = None
) -> RawInput:
    """Return integers that standardize raw features in float32 on a device.

    A feature becomes an integer whose unit is 2**-FINER of the input's unit. The unit is coarser
    where the mean or an end of the input's range would exceed 2**30, one bit below the limit.

    Args:
        mean, scale: (d,), of the training data.
        format: format of the input.
        names: the names of the features, (d,), if they are known.

    Raises OptionError for a feature that varies too little compared with its mean, or whose scale
    is outside the range of float32.
    """
    limit = 2.0 ** (format.bits - 1 - format.frac)
    span = np.frexp(np.abs(mean) / scale + limit)[1]  # |x| < scale * 2**span
    units = np.minimum(format.frac + FINER, WIDE_RAW.bits - 2 - span)  # per scale, as a logarithm
    exponents = np.frexp(scale)[1]
    points = units - exponents
    beyond = np.abs(exponents) > FLOAT_EXPONENT
    for feature in np.flatnonzero((units <= format.frac) | beyond):
        fault, cure = (
            ("varies by {scale:g}", "use another unit")
            if beyond[feature]
            else ("is about {mean:g} and varies by only {scale:g}", "subtract a constant from it")
        )
        raise OptionError(
            f"feature {{name}} {fault}, which a float32 cannot standardize; {cure}, drop the"
            " feature, or leave {raw} out",
            name=str(feature + 1) if names is None else repr(names[feature]),
            mean=float(mean[feature]),
            scale=float(scale[feature]),
        )
    factors = np.ldexp(2.0**format.frac / scale, -points)
    multipliers = QFormat(32, FLOAT_FRAC).quantize(factors)
    offsets = QFormat(64, FLOAT_FRAC).quantize(-mean / scale * 2.0**format.frac)
    return RawInput(
        multipliers=tuple(multipliers.tolist()),
        offsets=tuple(offsets.tolist()),
        frac=FLOAT_FRAC,
        points=tuple(points.tolist()),
    )
