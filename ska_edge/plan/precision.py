"""Defines the precision profiles: the widths and formats of plans."""

from __future__ import annotations

from dataclasses import dataclass

from ska_edge.arithmetic.fixedpoint import QFormat

KNOWLEDGE = QFormat(16, 11)
DECISION = QFormat(16, 15)
SHIFT = QFormat(16, 15)
PROJECTION = QFormat(16, 12)


@dataclass(frozen=True, slots=True)
class Precision:
    """A precision profile: the widths of a plan, and its formats without calibration.

    Attributes:
        weight: format in which weights are stored and updated.
        forward_bits: width of a weight in sums, which use its upper bits, rounded.
        activation: format of activations; the input has the same width.
        knowledge, decision, shift, projection: see `neuron.NeuronFormats`.
        table_limit: the decision table covers knowledge from -table_limit to table_limit. A limit
            of 8 is enough for decisions and for shifts. The alignment z D' needs 16, because z D'
            is not yet near 0 at 8.
    """

    name: str
    summary: str
    weight: QFormat
    forward_bits: int
    activation: QFormat
    knowledge: QFormat = KNOWLEDGE
    decision: QFormat = DECISION
    shift: QFormat = SHIFT
    projection: QFormat = PROJECTION
    table_limit: int = 8


PRECISIONS = {
    precision.name: precision
    for precision in (
        Precision(
            name="w16a8",
            summary="16-bit weights, 8-bit activations",
            weight=QFormat(16, 12),
            forward_bits=16,
            activation=QFormat(8, 7),
        ),
        Precision(
            name="w32a16",
            summary="32-bit weights (sums use their upper 16 bits), 16-bit activations",
            weight=QFormat(32, 28),
            forward_bits=16,
            activation=QFormat(16, 15),
            # This format resolves small changes of large knowledge. The sum of the squares of the
            # knowledge, over the neurons and a batch, still fits into 64 bits.
            knowledge=QFormat(22, 14),
            table_limit=16,
        ),
    )
}
