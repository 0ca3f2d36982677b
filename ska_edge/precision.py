"""Precision profiles: widths and formats as data, which a plan is made of."""

from __future__ import annotations

from dataclasses import dataclass

from ska_edge.fixedpoint import QFormat


@dataclass(frozen=True, slots=True)
class Precision:
    """A precision profile: the widths and default formats a plan is made of."""

    name: str
    summary: str
    weight: QFormat
    activation: QFormat
    knowledge: QFormat
    decision: QFormat
    shift: QFormat
    projection: QFormat


PRECISIONS = {
    precision.name: precision
    for precision in (
        Precision(
            name="w16a8",
            summary="16-bit weights, 8-bit activations",
            weight=QFormat(16, 12),
            activation=QFormat(8, 7),
            knowledge=QFormat(16, 11),
            decision=QFormat(16, 15),
            shift=QFormat(16, 15),
            projection=QFormat(16, 12),
        ),
    )
}
