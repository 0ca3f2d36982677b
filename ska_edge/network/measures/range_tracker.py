"""Tracks the ranges of a learning model's integers: largest values, headroom, saturations."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ska_edge.arithmetic.fixedpoint import QFormat
from ska_edge.arithmetic.numpy_ops import at_limits
from ska_edge.errors import InputError
from ska_edge.network.engine.interface import Trainer
from ska_edge.plan.plan import Plan

ROWS = 1000  # at most this many rows of the inputs are examined
WIDEST = 64  # a format, and its fraction, has at most this many bits
MOST_VALUES = 2**63 - 1


@dataclass
class Range:
    """One quantity of one layer.

    Attributes:
        layer: layer index.
        quantity: "input", "knowledge", "activation", "shift", or the name of a tensor.
        bits, frac: the format of its integers.
        largest: largest magnitude of an integer.
        saturated, values: number of integers at a limit of the format, and number of all integers.
            For a tensor, they are those of the last observation.
    """

    layer: int
    quantity: str
    bits: int
    frac: int
    largest: int = 0
    saturated: int = 0
    values: int = 0

    @property
    def format(self) -> QFormat:
        """The Q format."""
        return QFormat(self.bits, self.frac)

    @property
    def real(self) -> float:
        """The largest magnitude as a real number."""
        return math.ldexp(self.largest, -self.frac)

    @property
    def headroom(self) -> float:
        """Bits between the largest magnitude and the limit of the format."""
        return math.log2(-self.format.minimum / self.largest) if self.largest else float(self.bits)

    def as_dict(self) -> dict[str, Any]:
        """Return plain data; `Range.from_dict` is the inverse."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Range:
        """Read plain data; the inverse of `as_dict`. In old files, "head" means a readout.

        Raises TypeError or ValueError for any other data.
        """
        values = dict(data)
        if "quantity" in values:
            values["quantity"] = str(values["quantity"]).replace("head_", "readout_")
        return cls(**values)


def ranges_from(plan: Plan, data: Any) -> list[Range]:
    """Convert plain data to the ranges of a plan; raise InputError for impossible numbers."""
    known = {"input", "knowledge", "activation", "shift", *(t.name for t in plan.tensors())}
    try:
        found = [Range.from_dict(entry) for entry in data]
        if all(_fits(entry, len(plan.layers)) and entry.quantity in known for entry in found):
            return found
    except (TypeError, ValueError) as error:
        raise InputError("the ranges of the model are not a list of ranges") from error
    raise InputError("a range of the model is out of range")


def _fits(found: Range, layers: int) -> bool:
    numbers = (found.layer, found.bits, found.frac, found.largest, found.saturated, found.values)
    return (
        all(type(number) is int for number in numbers)
        and 0 <= found.layer < layers
        and 1 <= found.bits <= WIDEST
        and -WIDEST <= found.frac <= WIDEST
        and 0 <= found.largest <= -found.format.minimum
        and 0 <= found.saturated <= found.values <= MOST_VALUES
        and found.values > 0
    )


class RangeTracker:
    """Tracks the ranges of a model's tensors and intermediate values; `observe` adds to them."""

    def __init__(self) -> None:
        self._ranges: dict[tuple[int, str], Range] = {}

    def observe(self, trainer: Trainer, inputs: NDArray[np.integer]) -> None:
        """Record the ranges of the trainer's tensors and last shifts, and of inputs (n, d).

        Of the inputs, and of the knowledge and activations for them, only the first `ROWS` rows are
        examined.
        """
        plan, formats = trainer.plan, trainer.plan.formats
        rows = inputs[:ROWS].astype(np.int64)
        self._add(0, "input", plan.layers[0].input, rows)
        for tensor in plan.tensors():
            values = trainer.state.tensor(tensor.layer, tensor.name)
            found = self._add(tensor.layer, tensor.name, tensor.format, values)
            # Count only the final values of a tensor, because training replaces all others.
            found.saturated, found.values = at_limits(values, tensor.format), values.size
        for layer, trace in enumerate(trainer.forward(rows)):
            self._add(layer, "knowledge", formats.knowledge, trace.knowledge)
            self._add(layer, "activation", formats.activation, trace.activation)
        for layer, shift in enumerate(trainer.last_shifts()):
            self._add(layer, "shift", formats.shift, shift)

    def _add(self, layer: int, quantity: str, format: QFormat, values: NDArray[np.int64]) -> Range:
        key = layer, quantity
        if key not in self._ranges:
            self._ranges[key] = Range(layer, quantity, format.bits, format.frac)
        found = self._ranges[key]
        found.largest = max(found.largest, int(np.abs(values).max(initial=0)))
        found.saturated += at_limits(values, format)
        found.values += values.size
        return found

    def ranges(self) -> list[Range]:
        """Return the ranges, layer by layer."""
        return sorted(self._ranges.values(), key=lambda found: found.layer)
