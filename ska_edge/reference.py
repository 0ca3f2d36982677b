"""The float64 model: what the learning rules mean before any rounding.

It follows the papers and shares no code with the fixed-point side, so that the two can be compared.
Every layer has a knowledge z = W a + b, a decision D = sigmoid(z) and a slope D' = D (1 - D). It
learns by

    delta = alignment * z D' + shift        W += rate * delta a^T        b += rate * delta

averaged over the batch. The rules differ in the shift, and in what the next layer sees:

* ``local`` (labels; next input a = 2 D - 1). Output layer: shift = e = Y - D, Y the one-hot label.
  Hidden layer: shift = 4 D' (A^T e_l), where A, c is the layer's own readout and
  e_l = Y - sigmoid(A a + c). The readout of the top hidden layer is the output layer itself; every
  hidden layer below it has a head, which learns exactly as an output layer does.
* ``published`` (arXiv 2503.13942; no labels; next input a = D). The same batch passes K times, the
  shift of every layer is D_k - D_{k-1}, alignment is 1 and the rate is eta / ln 2.

With one hidden layer and alignment 0, ``local`` is one step of gradient descent on the binary
cross-entropy of that network (summed over classes, mean over the batch), the hidden layer at twice
the rate (4 D' where da/dz = 2 D'). With more, each hidden layer and its readout do the same for the
cross-entropy of that readout, the layers below held fixed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

RULES = ("local", "published")


@dataclass
class Parameters:
    """Everything a model learns; layer l maps shape[1] inputs to shape[0] outputs.

    ``weights``: one (fan_out, fan_in) float64 array a layer, the output layer last.
    ``biases``: one (fan_out,) array a layer.
    ``head_weights``, ``head_biases``: with ``local``, the readout of every hidden layer but the top
    one, (classes, width) and (classes,); empty with ``published``, and below two hidden layers.
    """

    weights: list[FloatArray]
    biases: list[FloatArray]
    head_weights: list[FloatArray] = field(default_factory=list)
    head_biases: list[FloatArray] = field(default_factory=list)

    def copy(self) -> Parameters:
        """An independent copy: learning on one leaves the other as it is."""
        return Parameters(
            weights=[array.copy() for array in self.weights],
            biases=[array.copy() for array in self.biases],
            head_weights=[array.copy() for array in self.head_weights],
            head_biases=[array.copy() for array in self.head_biases],
        )

    def sizes(self) -> list[int]:
        """Inputs, hidden widths and classes, as ``initial_parameters`` takes them."""
        return [self.weights[0].shape[1], *(array.shape[0] for array in self.weights)]


@dataclass(frozen=True)
class LayerMetrics:
    """What one layer did in one step k of the published rule (sums run over batch and neurons).

    ``entropy``    -(1/ln 2) sum z (D_k - D_{k-1}); a sum, not a mean over the batch.
    ``cosine``     sum z (D_k - D_{k-1}) / (|z| |D_k - D_{k-1}|); 0 when either norm is 0.
    ``z_norm``     |z|, Frobenius norm of this step's (n, width) knowledge.
    ``w_norm``     |W|, Frobenius norm after this step's update.
    ``tensor_net`` sum (D - z D' / ln 2) (z_k - z_{k-1}).
    """

    entropy: float
    cosine: float
    z_norm: float
    w_norm: float
    tensor_net: float


def initial_parameters(sizes: Sequence[int], rule: str, seed: int) -> Parameters:
    """Start values for ``sizes`` = (inputs, hidden widths ..., classes).

    Weights are normal(0, 1 / sqrt(fan_in)), drawn layer by layer, row by row; biases are 0. With
    ``local`` the output layer and the heads are 0 and draw nothing; with ``published`` every layer
    is random and there are no heads.

    ValueError: unknown rule, fewer than two sizes, a size below 1.
    """
    _check_rule(rule)
    if len(sizes) < 2 or min(sizes) < 1:
        raise ValueError(f"sizes must be inputs, hidden widths, classes, all >= 1, not {sizes!r}")
    rng = np.random.default_rng(seed)
    parameters = Parameters(weights=[], biases=[])
    for layer, (fan_in, fan_out) in enumerate(pairwise(sizes)):
        if rule == "local" and layer == len(sizes) - 2:
            weights = np.zeros((fan_out, fan_in))
        else:
            weights = rng.normal(0.0, 1.0 / math.sqrt(fan_in), (fan_out, fan_in))
        parameters.weights.append(weights)
        parameters.biases.append(np.zeros(fan_out))
    if rule == "local":
        for width in sizes[1:-2]:
            parameters.head_weights.append(np.zeros((sizes[-1], width)))
            parameters.head_biases.append(np.zeros(sizes[-1]))
    return parameters


class Reference:
    """A float64 model that infers and learns; it changes ``parameters`` in place.

    ``rate`` is the learning rate of ``local``, and the papers' eta of ``published``. ``alignment``
    weighs the term z D' in ``local``; ``published`` has it at 1 by definition and ignores it.
    ValueError: unknown rule, or shapes of ``parameters`` that do not fit each other or the rule.
    """

    def __init__(
        self, parameters: Parameters, rule: str, rate: float, alignment: float = 0.0
    ) -> None:
        _check_rule(rule)
        _check_shapes(parameters, rule)
        self.parameters = parameters
        self.rule = rule
        self.rate = rate
        self.alignment = alignment

    def infer(self, x: ArrayLike) -> FloatArray:
        """Decisions (n, classes) of the output layer, in 0..1, for inputs ``x`` (n, d)."""
        return _sigmoid(self._forward(self._batch(x))[-1])

    def learn_one(self, x: ArrayLike, label: int) -> FloatArray:
        """Learn ``x`` (d,) of class ``label``; returns the decisions (classes,) from before.

        Errors as ``learn_batch``.
        """
        inputs = np.asarray(x, dtype=np.float64)[np.newaxis]
        decisions: FloatArray = self.learn_batch(inputs, [label])[0]
        return decisions

    def learn_batch(self, x: ArrayLike, labels: ArrayLike | None) -> FloatArray:
        """One update by ``local`` with the mean over the batch ``x`` (n, d), ``labels`` (n,).

        Every shift is computed from the weights before this update. Returns the decisions
        (n, classes) from before the update. ValueError: no labels, a label outside 0..classes-1,
        shapes that do not fit, an empty batch, or the rule ``published``, which learns by steps.
        """
        if self.rule != "local":
            raise ValueError(
                "rule 'published' compares repeated passes of one batch: use learn_steps"
            )
        inputs = self._batch(x)
        if labels is None:
            raise ValueError(f"rule '{self.rule}' learns from labels, and none were given")
        p = self.parameters
        classes = p.weights[-1].shape[0]
        target = _one_hot(labels, len(inputs), classes)
        readouts = [*zip(p.head_weights, p.head_biases, strict=True), (p.weights[-1], p.biases[-1])]

        changes: list[_Change] = []
        a = inputs
        for layer in range(len(p.weights) - 1):
            z = a @ p.weights[layer].T + p.biases[layer]
            decision = _sigmoid(z)
            slope = decision * (1.0 - decision)
            seen = 2.0 * decision - 1.0
            readout, readout_bias = readouts[layer]
            z_readout = seen @ readout.T + readout_bias
            decision_readout = _sigmoid(z_readout)
            error = target - decision_readout
            shift = 4.0 * slope * (error @ readout)
            changes.append(
                _Change(p.weights[layer], p.biases[layer], self._delta(z, slope, shift), a)
            )
            if layer < len(p.head_weights):
                slope_readout = decision_readout * (1.0 - decision_readout)
                delta = self._delta(z_readout, slope_readout, error)
                changes.append(_Change(readout, readout_bias, delta, seen))
            a = seen
        z = a @ p.weights[-1].T + p.biases[-1]
        decision = _sigmoid(z)
        delta = self._delta(z, decision * (1.0 - decision), target - decision)
        changes.append(_Change(p.weights[-1], p.biases[-1], delta, a))

        for change in changes:
            change.apply(self.rate)
        return decision

    def learn_steps(self, x: ArrayLike, steps: int) -> list[list[LayerMetrics]]:
        """Run the published rule: ``steps`` = K forward passes of the batch ``x`` (n, d).

        Pass 0 only records z and D. Each pass k = 1..K-1 computes all layers from the weights of
        the pass before, then updates every layer with eta/ln 2 times the mean over the batch of
        delta a^T, delta = z D' + (D_k - D_{k-1}); biases learn by the mean of delta in the same
        way. Since no weight changes after pass 0, D_1 = D_0: step 1 has entropy, cosine and
        tensor_net 0 and learns from z D' alone.

        As in the authors' program, a^T in the update of layer l > 0 is D_{k-1} of the layer below,
        the decision of the *previous* pass (layer 0: the input), although the forward pass itself
        uses D_k. Returns K-1 lists, item k-1 for step k, of one ``LayerMetrics`` a layer; the mean
        entropy of the papers is the mean over these steps, summed over the layers.
        Each call starts anew at pass 0.

        ValueError: another rule than ``published``, ``steps`` below 2, shapes that do not fit.
        """
        if self.rule != "published":
            raise ValueError(f"rule '{self.rule}' learns from labels: use learn_batch")
        if steps < 2:
            raise ValueError(f"steps must be at least 2 (the first only records), not {steps}")
        inputs = self._batch(x)
        p = self.parameters
        last_z = self._forward(inputs)
        last_decisions = [_sigmoid(z) for z in last_z]
        history: list[list[LayerMetrics]] = []
        for _ in range(1, steps):
            knowledge = self._forward(inputs)
            decisions = [_sigmoid(z) for z in knowledge]
            metrics: list[LayerMetrics] = []
            for layer, (z, decision) in enumerate(zip(knowledge, decisions, strict=True)):
                slope = decision * (1.0 - decision)
                shift = decision - last_decisions[layer]
                a = inputs if layer == 0 else last_decisions[layer - 1]
                change = _Change(p.weights[layer], p.biases[layer], z * slope + shift, a)
                change.apply(self.rate / math.log(2.0))
                metrics.append(
                    LayerMetrics(
                        entropy=-float(np.sum(z * shift)) / math.log(2.0),
                        cosine=_cosine(z, shift),
                        z_norm=float(np.linalg.norm(z)),
                        w_norm=float(np.linalg.norm(p.weights[layer])),
                        tensor_net=float(
                            np.sum((decision - z * slope / math.log(2.0)) * (z - last_z[layer]))
                        ),
                    )
                )
            history.append(metrics)
            last_z, last_decisions = knowledge, decisions
        return history

    def _forward(self, inputs: FloatArray) -> list[FloatArray]:
        """Knowledge z of every layer, (n, width) each."""
        knowledge: list[FloatArray] = []
        a = inputs
        for weights, bias in zip(self.parameters.weights, self.parameters.biases, strict=True):
            z = a @ weights.T + bias
            knowledge.append(z)
            decision = _sigmoid(z)
            a = 2.0 * decision - 1.0 if self.rule == "local" else decision
        return knowledge

    def _delta(self, z: FloatArray, slope: FloatArray, shift: FloatArray) -> FloatArray:
        """Alignment * z D' + shift of the rule ``local``."""
        if self.alignment == 0.0:  # the usual case, and learning one by one should be quick
            return shift
        return self.alignment * z * slope + shift

    def _batch(self, x: ArrayLike) -> FloatArray:
        inputs = np.asarray(x, dtype=np.float64)
        fan_in = self.parameters.weights[0].shape[1]
        if inputs.ndim != 2 or inputs.shape[1] != fan_in or not len(inputs):
            raise ValueError(f"input must be (n >= 1, {fan_in}), not {inputs.shape}")
        return inputs


@dataclass
class _Change:
    """An update of one layer that is known but not applied yet."""

    weights: FloatArray
    bias: FloatArray
    delta: FloatArray
    a: FloatArray

    def apply(self, rate: float) -> None:
        step = (rate / len(self.delta)) * self.delta
        self.weights += step.T @ self.a
        self.bias += step.sum(axis=0)


def accuracy(decisions: ArrayLike, labels: ArrayLike) -> float:
    """Fraction of rows of ``decisions`` (n, classes) whose largest value stands at ``labels`` (n,).

    Of equal decisions the first class counts. ValueError: shapes that do not fit, or no rows.
    """
    values = np.asarray(decisions)
    truth = np.asarray(labels)
    if values.ndim != 2 or truth.shape != values.shape[:1] or not len(values):
        raise ValueError(
            "decisions must be (n >= 1, classes) and labels (n,),"
            f" not {values.shape} and {truth.shape}"
        )
    return float(np.mean(np.argmax(values, axis=1) == truth))


def _sigmoid(z: FloatArray) -> FloatArray:
    # Through tanh: no overflow for any z, where exp(-z) has one.
    result: FloatArray = 0.5 + 0.5 * np.tanh(0.5 * z)
    return result


def _cosine(z: FloatArray, shift: FloatArray) -> float:
    norms = float(np.linalg.norm(z)) * float(np.linalg.norm(shift))
    return float(np.sum(z * shift)) / norms if norms > 0.0 else 0.0


def _one_hot(labels: ArrayLike, count: int, classes: int) -> FloatArray:
    indices = np.asarray(labels)
    if indices.shape != (count,) or indices.dtype.kind not in "iu":
        raise ValueError(f"labels must be {count} integers, one a row of the input")
    if indices.min() < 0 or indices.max() >= classes:
        raise ValueError(f"labels must be in 0..{classes - 1}")
    target = np.zeros((count, classes))
    target[np.arange(count), indices] = 1.0
    return target


def _check_rule(rule: str) -> None:
    if rule not in RULES:
        raise ValueError(f"unknown rule '{rule}'; known: {', '.join(RULES)}")


def _check_shapes(p: Parameters, rule: str) -> None:
    if not p.weights or len(p.weights) != len(p.biases):
        raise ValueError("parameters need at least one layer, and a bias array for each")
    heads = max(len(p.weights) - 2, 0) if rule == "local" else 0
    if len(p.head_weights) != heads or len(p.head_biases) != heads:
        raise ValueError(f"rule '{rule}' with {len(p.weights)} layers needs {heads} heads")
    sizes = p.sizes()
    for layer, (weights, bias) in enumerate(zip(p.weights, p.biases, strict=True)):
        if weights.shape != (sizes[layer + 1], sizes[layer]) or bias.shape != (sizes[layer + 1],):
            raise ValueError(
                f"layer {layer}: weights {weights.shape} and biases {bias.shape} do not continue"
                f" a layer of width {sizes[layer]}"
            )
    for layer, (weights, bias) in enumerate(zip(p.head_weights, p.head_biases, strict=True)):
        if weights.shape != (sizes[-1], sizes[layer + 1]) or bias.shape != (sizes[-1],):
            raise ValueError(
                f"head {layer}: weights {weights.shape} and biases {bias.shape} do not read"
                f" {sizes[layer + 1]} neurons into {sizes[-1]} classes"
            )
