"""Precision profiles: widths and formats as data, which a plan is made of."""

from __future__ import annotations

from dataclasses import dataclass

from ska_edge.arithmetic.fixedpoint import QFormat

KNOWLEDGE = QFormat(16, 11)
DECISION = QFormat(16, 15)
SHIFT = QFormat(16, 15)
PROJECTION = QFormat(16, 12)


@dataclass(frozen=True, slots=True)
class Precision:
    """A precision profile: the widths a plan is made of, with formats for want of calibration.

    Attributes:
        weight: a weight as it is stored and learns.
        forward_bits: a weight as it takes part in sums, its rounded upper bits.
        activation: also the width of the input.
        knowledge, decision, shift, projection: see `rule.NeuronFormats`.
        table_limit: the decision table spans this much knowledge to both sides of 0; 8 is enough
            to decide and to learn a target, 16 where the alignment z D' must vanish in the end.
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
            name="w8a8",
            summary="16-bit weights of which sums see the upper 8, 8-bit activations",
            weight=QFormat(16, 12),
            forward_bits=8,
            activation=QFormat(8, 7),
        ),
        Precision(
            name="w32a16",
            summary="32-bit weights of which sums see the upper 16, 16-bit activations",
            weight=QFormat(32, 28),
            forward_bits=16,
            activation=QFormat(16, 15),
            # Wide enough to see small steps of a large knowledge; the sum of squares over the
            # neurons and a batch still fits 64 bits.
            knowledge=QFormat(22, 14),
            table_limit=16,
        ),
    )
}
