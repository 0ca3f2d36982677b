"""Computes the quantities of the paper (arXiv 2503.13942) from the integer sums of `METRICS`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from ska_edge.plan.plan import Plan
from ska_edge.rules.metric_sums import METRIC_WEIGHT_BITS


@dataclass(frozen=True, slots=True)
class LayerMetrics:
    """The metrics of one layer after one update, as real numbers.

    Attributes:
        entropy: -(1/ln 2) sum z * shift.
        cosine: cosine between z and the shift, 0 if either is 0.
        z_norm, shift_norm, w_norm: Euclidean norms of the knowledge, of the shift, and of W after
            the update.
        tensor_net: sum (D - z D' / ln 2) (z - previous z). `tensor_net`, `flow` and `lagrangian`
            are 0 for rules with one step per sample.
        flow: norm of the knowledge flow Phi = (z - previous z) / eta (arXiv 2504.03214).
        lagrangian: -sum z D' Phi.
        z_saturated, w_saturated: fractions (0 to 1) of values at a limit of their format.
        zero_updates: fraction of weights whose update rounded to zero.
    """

    entropy: float
    cosine: float
    z_norm: float
    shift_norm: float
    w_norm: float
    tensor_net: float
    flow: float
    lagrangian: float
    z_saturated: float
    w_saturated: float
    zero_updates: float

    def as_dict(self) -> dict[str, float]:
        """Return plain data for JSON."""
        return asdict(self)


class Meter:
    """Converts the integer sums of any number of steps to real metrics of a plan's layers."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        # The eta of the papers; the rate of the plan is eta / ln 2 / batch size.
        self._eta = plan.rate.real * plan.batch * math.log(2)

    def layers(self, sums: Sequence[Mapping[str, int]]) -> list[LayerMetrics]:
        """Return the metrics of each layer in `sums`, those of one step; [] without an update."""
        if not updated(sums):
            return []
        metrics = []
        for index, layer in enumerate(sums):
            metrics.append(_metrics(self._plan, index, layer, self._eta))
        return metrics

    def layer(self, index: int, sums: Mapping[str, int]) -> LayerMetrics:
        """Return the metrics of one layer."""
        return _metrics(self._plan, index, sums, self._eta)


def updated(sums: Sequence[Mapping[str, int]]) -> bool:
    """Tell whether the sums of a step describe an update; without one, a device sends zeros."""
    return any(any(layer.values()) for layer in sums)


def layer_metrics(plan: Plan, index: int, sums: Mapping[str, int]) -> LayerMetrics:
    """Return the real metrics of layer `index` from the integer sums of the host or a device."""
    return Meter(plan).layer(index, sums)


def _metrics(plan: Plan, index: int, sums: Mapping[str, int], eta: float) -> LayerMetrics:
    matrix, formats = plan.layers[index].matrix, plan.formats
    z_unit, shift_unit = 2.0**-formats.knowledge.frac, 2.0**-formats.shift.frac
    decision_unit = 2.0**-formats.decision.frac
    w_frac = matrix.weight.frac - max(matrix.weight.bits - METRIC_WEIGHT_BITS, 0)
    weights = matrix.inputs * matrix.outputs
    samples = plan.batch
    norms = math.sqrt(sums["z_square"] * sums["shift_square"])
    net = sums["decision_net"] * decision_unit * z_unit
    pull = sums["alignment_net"] * z_unit * decision_unit * z_unit
    return LayerMetrics(
        entropy=-sums["entropy"] * z_unit * shift_unit / math.log(2),
        cosine=sums["entropy"] / norms if norms else 0.0,
        z_norm=math.sqrt(sums["z_square"]) * z_unit,
        shift_norm=math.sqrt(sums["shift_square"]) * shift_unit,
        w_norm=math.sqrt(sums["w_square"]) * 2.0**-w_frac,
        tensor_net=net - pull / math.log(2),
        flow=math.sqrt(sums["flow_square"]) * z_unit / eta,
        lagrangian=-pull / eta,
        z_saturated=sums["z_saturated"] / (matrix.outputs * samples),
        w_saturated=sums["w_saturated"] / weights,
        zero_updates=sums["zero_updates"] / weights,
    )
