"""Computes the terms of a layer's metric sums, one per neuron, on `Fixed` values.

The device and the trainer give integer sums; `network/measures/metrics.py` converts them to real
metrics.
"""

from __future__ import annotations

from ska_edge.arithmetic.fixedpoint import Fixed, QFormat, T
from ska_edge.rules.neuron import slope

# Sums over a layer (and the samples of a batch), which a device sends.
METRIC_PURPOSE = {
    "entropy": "sum of z * shift",
    "z_square": "sum of z * z",
    "shift_square": "sum of shift * shift",
    "decision_net": "sum of D * (z - z of the previous step); 0 for rules with labels",
    "alignment_net": "sum of z * D' * (z - z of the previous step); 0 for rules with labels",
    "flow_square": "sum of (z - z of the previous step)^2; 0 for rules with labels",
    "w_square": "sum of W * W; for 32-bit weights, W is the upper 16 bits",
    "z_saturated": "number of knowledge values at a limit of their format",
    "w_saturated": "number of weights at a limit of their format",
    "zero_updates": "number of weights whose update rounded to zero in the last step",
}
METRICS = tuple(METRIC_PURPOSE)

METRIC_TERMS = METRICS[:6]
# These sums may be negative. All others add squares or counts.
SIGNED_METRICS = ("entropy", "decision_net", "alignment_net")
METRIC_WEIGHT_BITS = 16  # with wider weights, the sum of squares could exceed 64 bits


def metric_term(
    name: str, knowledge: Fixed[T], decision: Fixed[T], shift: Fixed[T], previous: Fixed[T]
) -> Fixed[T]:
    """Return the exact term that one neuron adds to the sum with this name in `METRIC_TERMS`.

    `previous` is the knowledge one step before; for rules with labels, it is the same knowledge.
    Raises ValueError for another name.
    """
    if name == "entropy":
        return knowledge * shift
    if name == "z_square":
        return knowledge * knowledge
    if name == "shift_square":
        return shift * shift
    if name == "decision_net":
        return decision * (knowledge - previous)
    if name == "flow_square":
        change = (knowledge - previous).named("change")
        return change * change
    if name == "alignment_net":
        pull = (knowledge * slope(decision, QFormat(16, decision.frac))).named("pull")
        return pull * (knowledge - previous)
    raise ValueError(f"{name!r} is not a sum over neurons")
