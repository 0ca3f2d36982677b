"""Trains in float64 by the learning rules with labels, with the same bits on every computer.

The results are those of `rules.reference` up to rounding; the reference is an independent check.
The last bits of numpy's matrix products and exponentials depend on the processor. Here every sum
adds its terms in order, and the exponential is defined by sums and products, so a training gives
the same model on every computer. `engine/float_native.c` does the same operations in the same
order.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ska_edge.rules.reference import Parameters

Reals = NDArray[np.float64]

MOST_PRODUCTS = 2**18  # about this many products are in memory at once
ROOT_2 = 1.4142135623730951
MOST_HALVINGS = 64  # most halvings of the rate of one sample
LOG2_E = 1.4426950408889634
LN2_HIGH = 0.6931471803691238  # ln 2 with 32 bits, so that its multiples are exact
LN2_LOW = 1.9082149292705877e-10  # ln 2 minus LN2_HIGH
LEAST_EXPONENT = -700.0  # replaces smaller exponents; a sigmoid changes by less than 1e-303
# The coefficients of the Taylor series of exp, the highest power first.
TERMS = tuple(1.0 / math.factorial(power) for power in range(13, -1, -1))


@dataclass(frozen=True, slots=True)
class FloatRule:
    """The properties of a plan that the float trainer needs.

    Attributes:
        rule: "local", "feedback" or "code".
        codes: one (classes, width) array of -1, 0 and 1 for every hidden layer, or none.
        gain: factor of the hidden shifts of `feedback`.
        first_learned: index of the first layer that learns.
        margin: a sample whose output errors are all smaller, in absolute value, changes nothing.
        hidden_rate: rate of the hidden layers, without their readouts, as a multiple of the rate.
        relu: whether the activation of the hidden layers is max(0, z).
        linear: whether the outputs are values, not decisions; an error is then limited to -1 to 1,
            the range of a shift.
        output_rate: rate of the output layer and of readouts, as a multiple of the rate.
        normalized: whether a large |x|^2/d divides the rate of its sample by a power of two; the
            batch is then 1.
    """

    rule: str
    codes: Sequence[Reals]
    gain: float
    first_learned: int
    margin: float = 0.0
    hidden_rate: float = 1.0
    relu: bool = False
    linear: bool = False
    output_rate: float = 1.0
    normalized: bool = False


class FloatTrainer:
    """Learns in float64; changes `parameters` in place.

    Args:
        parameters: the parameters, as `initial_parameters` makes them.
        rule: the rule and the other properties of the plan.
        rate: the learning rate, by which the mean over a batch is multiplied.

    Attributes:
        parameters: the parameters that it changes.
        rate: the rate of the next update.
    """

    def __init__(self, parameters: Parameters, rule: FloatRule, rate: float) -> None:
        self.parameters = parameters
        self.rate = rate
        self._rule = rule

    # A twin that diverges has infinite numbers and NaN, which calibration refuses.
    @np.errstate(over="ignore", invalid="ignore")
    def learn_many(
        self, x: Reals, labels: NDArray[Any], rows: NDArray[np.int64], batch: int = 1
    ) -> None:
        """Learn rows in order, `batch` of them per update.

        Args:
            x: inputs (n, d).
            labels: class indices (n,); if the outputs are linear, targets (n, classes).
            rows: indices (m,) of the rows to learn; m is a multiple of `batch`.
            batch: rows per update.
        """
        for start in range(0, len(rows), batch):
            chosen = rows[start : start + batch]
            self._update(x[chosen], labels[chosen])

    @np.errstate(over="ignore", invalid="ignore")
    def knowledge(self, x: Reals) -> list[Reals]:
        """Return the knowledge z of every layer, (n, width) each, for inputs (n, d)."""
        return self._forward(x)[0]

    def _forward(self, x: Reals) -> tuple[list[Reals], list[Reals], list[Reals]]:
        """Return three lists: the knowledge (n, width) of all layers, the decisions (n, width) of
        the hidden layers, and the inputs (n, fan_in) of all layers.
        """
        p = self.parameters
        knowledge, decisions, seen = [], [], [x]
        for weights, bias in zip(p.weights, p.biases, strict=True):
            z = products(seen[-1].T, weights.T) + bias
            knowledge.append(z)
            if len(knowledge) < len(p.weights):
                decisions.append(sigmoid(z))
                relu = self._rule.relu
                seen.append(np.where(z > 0.0, z, 0.0) if relu else 2.0 * decisions[-1] - 1.0)
        return knowledge, decisions, seen

    def _error(self, labels: NDArray[Any], knowledge: Reals) -> Reals:
        """Return the errors (n, classes) of the outputs or of a readout, from its knowledge."""
        if self._rule.linear:
            error: Reals = np.minimum(np.maximum(labels - knowledge, -1.0), 1.0)
            return error
        target = np.zeros_like(knowledge)
        target[np.arange(len(labels)), labels] = 1.0
        return target - sigmoid(knowledge)

    def _update(self, x: Reals, labels: NDArray[Any]) -> None:
        """Make one update with the mean over a batch, inputs (n, d) with labels or targets."""
        p, rule = self.parameters, self._rule
        knowledge, decisions, seen = self._forward(x)
        outputs = len(p.weights) - 1
        error = self._error(labels, knowledge[-1])
        within = (np.abs(error) < rule.margin).all(axis=1)
        if within.all():
            return
        rate = self.rate / len(labels)
        if rule.normalized:
            rate = normalized_rate(rate, x[0])
        output_rate = rate * rule.output_rate
        changes = [(p.weights[-1], p.biases[-1], error, seen[outputs], output_rate)]
        for layer in range(rule.first_learned, outputs):
            decision = decisions[layer]
            slope = decision * (1.0 - decision)
            if rule.relu:
                slope = np.where(knowledge[layer] > 0.0, 1.0, 0.0)
            if rule.rule == "code":
                code = rule.codes[layer][labels]
                shift = np.where(code != 0.0, 0.5 * (code + 1.0) - decision, 0.0)
            elif rule.rule == "feedback":
                shift = rule.gain * slope * products(error.T, rule.codes[layer])
            else:
                missed, readout = error, p.weights[-1]
                if layer < len(p.readout_weights):
                    readout, bias, signal = (
                        p.readout_weights[layer],
                        p.readout_biases[layer],
                        seen[layer + 1],
                    )
                    missed = self._error(labels, products(signal.T, readout.T) + bias)
                    changes.append((readout, bias, missed, signal, output_rate))
                shift = (1.0 if rule.relu else 4.0) * slope * products(missed.T, readout)
            hidden_rate = rate * rule.hidden_rate
            changes.append((p.weights[layer], p.biases[layer], shift, seen[layer], hidden_rate))
        for weights, bias, delta, inputs, factor in changes:
            delta[within] = 0.0
            step = factor * delta
            weights += products(step, inputs)
            bias += in_order(step)


def normalized_rate(rate: float, x: Reals) -> float:
    """Return `rate`, halved h times for a sample with inputs (d,).

    h is the least number with |x|^2 / d <= 2**h sqrt(2), and at most `MOST_HALVINGS`.
    """
    square, limit = float(in_order((x * x)[:, None])[0]), len(x) * ROOT_2
    for _ in range(MOST_HALVINGS):
        if square <= limit:
            break
        square, rate = 0.5 * square, 0.5 * rate
    return rate


def products(left: Reals, right: Reals) -> Reals:
    """Return left^T right, (m, p), for (k, m) and (k, p); the k products are added in order."""
    at_once = max(1, MOST_PRODUCTS // (len(left) * right.shape[1]))
    parts = [
        in_order(left[:, start : start + at_once, None] * right[:, None, :])
        for start in range(0, left.shape[1], at_once)
    ]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def in_order(terms: Reals) -> Reals:
    """Return the sum over the first axis: 0 + first + second ..., in this order."""
    if terms[0].size > 1:
        # numpy adds in order along the first axis. Along the last axis, it adds in pairs.
        total: Reals = np.add.reduce(np.ascontiguousarray(terms), axis=0, initial=0.0)
        return total
    ordered: Reals = np.add.accumulate(terms)[-1] + 0.0
    return ordered


def sigmoid(z: Reals) -> Reals:
    """Return 1 / (1 + exp(-z))."""
    small = _exp(-np.abs(z))
    decided: Reals = np.where(z >= 0.0, 1.0, small) / (1.0 + small)
    return decided


def _exp(x: Reals) -> Reals:
    """Return exp(x) for x <= 0; only the last two bits may be wrong."""
    x = np.maximum(x, LEAST_EXPONENT)
    twos = np.rint(x * LOG2_E)
    rest = (x - twos * LN2_HIGH) - twos * LN2_LOW
    power = np.full_like(x, TERMS[0])
    for term in TERMS[1:]:
        power *= rest
        power += term
    scaled: Reals = np.ldexp(power, twos.astype(np.int64))
    return scaled
