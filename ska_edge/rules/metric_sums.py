"""Computes the terms of a layer's metric sums, one per neuron, on `Fixed` values.

The device and the trainer give integer sums; `network/metrics.py` divides them.
"""

from __future__ import annotations

from ska_edge.arithmetic.fixedpoint import Fixed, QFormat, T
from ska_edge.rules.neuron import slope

# Sums over the neurons of a layer (and the samples of a batch), which the device sends after a
# step. `metrics.py` computes the paper's quantities from them. The first six are sums of
# `METRIC_TERMS`.
METRICS = (
    "entropy",  # sum of z * shift
    "z_square",  # sum of z * z
    "shift_square",  # sum of shift * shift
    "decision_net",  # sum of D * (z - z of the previous step); `published` only
    "alignment_net",  # sum of z * D' * (z - previous z)
    "flow_square",  # sum of (z - previous z) ** 2
    "w_square",  # sum of W * W; only the upper 16 bits of wider weights count
    "z_saturated",  # knowledge values at a limit of their format
    "w_saturated",  # weights at a limit of their format
    "zero_updates",  # weights whose update rounded to zero in the last step
)

METRIC_TERMS = METRICS[:6]
SIGNED_METRICS = ("entropy", "decision_net", "alignment_net")  # others are squares and counts
METRIC_WEIGHT_BITS = 16  # the sum of squares of wider weights would exceed 64 bits


def metric_term(
    name: str, knowledge: Fixed[T], decision: Fixed[T], shift: Fixed[T], previous: Fixed[T]
) -> Fixed[T]:
    """Return the term of one neuron, an exact product, in the sum of this name in `METRICS`.

    `previous` is the knowledge one step before; rules without steps pass the knowledge itself.
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
