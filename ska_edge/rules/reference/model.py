"""Has the float model that infers and learns by any of the rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ska_edge.rules.reference.arrays import FloatArray, sigmoid
from ska_edge.rules.reference.parameters import (
    CODED,
    RECTIFYING,
    Parameters,
    check_codes,
    check_rule,
    check_shapes,
)
from ska_edge.rules.reference.stepped_layer import HeldLayer, StepMetrics, SteppedLayer


class Reference:
    """A float64 model that infers and learns; it changes ``parameters`` in place.

    ``rate`` is the papers' eta for ``published``, and the learning rate for the other rules.
    ``alignment`` is the factor of the term z D' in every layer and readout; ``published`` ignores
    it, and always uses 1.
    ``codes`` has a (classes, width) array of -1, 0 and 1 per hidden layer: B of ``feedback``, or T
    of ``code``. A model that only infers may omit ``codes``. With the other rules ``codes`` must be
    empty. ``first_learned`` is the index of the first layer that learns from labels; the layers
    below it and their readouts do not change. With len(weights) - 1, only the output layer learns.
    ``gain`` is the factor of the hidden shifts of ``feedback``. With a gain of 4 / sqrt(classes),
    or 1 / sqrt(classes) with ReLU, the shifts are about as large as the errors of the output.
    ``relu``: whether the activation of the hidden layers is ReLU. ``margin``: a sample changes
    nothing if all its output errors e have |e| < ``margin``. ``hidden_rate`` is the factor of the
    rate of the hidden layers, without their readouts, when they learn from labels. ``linear``: the
    outputs are those of a regression, with ``local`` or ``feedback``; targets (n, classes) take the
    place of labels, and values that of decisions. ``output_rate`` is the factor of the rate of the
    output layer and of readouts. ``normalized`` divides the deltas of a sample by the power of two
    nearest to |x|^2/d, by its logarithm, if |x|^2/d is above 1.

    Raises ValueError for an unknown rule, for ReLU or linear outputs with a rule that has none, if
    ``first_learned`` is not a layer, or if ``parameters`` or ``codes`` do not fit each other or the
    rule.
    """

    def __init__(
        self,
        parameters: Parameters,
        rule: str,
        rate: float,
        alignment: float = 0.0,
        codes: Sequence[ArrayLike] = (),
        gain: float = 1.0,
        first_learned: int = 0,
        margin: float = 0.0,
        hidden_rate: float = 1.0,
        relu: bool = False,
        linear: bool = False,
        output_rate: float = 1.0,
        normalized: bool = False,
    ) -> None:
        check_rule(rule)
        if relu and rule not in RECTIFYING:
            raise ValueError(f"rule '{rule}' has no ReLU; these have: {', '.join(RECTIFYING)}")
        check_shapes(parameters, rule)
        self.parameters = parameters
        self.rule = rule
        self.rate = rate
        self.alignment = alignment
        self.codes = [np.array(code, dtype=np.float64) for code in codes]
        self.gain = gain
        self.first_learned = first_learned
        self.margin = margin
        self.hidden_rate = hidden_rate
        self.relu = relu
        self.linear = linear
        self.output_rate = output_rate
        if linear and rule not in ("local", "feedback"):
            raise ValueError(f"rule '{rule}' has no linear outputs")
        self.normalized = normalized
        if not 0 <= first_learned < len(parameters.weights):
            raise ValueError(f"first_learned is {first_learned}, but there is no such layer")
        check_codes(self.codes, parameters, rule)

    def infer(self, x: ArrayLike) -> FloatArray:
        """Return decisions (n, classes) of the output layer, in 0..1, for inputs ``x`` (n, d).

        With ``linear``, return the values of the outputs instead.
        """
        knowledge, decisions, _ = self._forward(self._batch(x))
        return knowledge[-1] if self.linear else decisions[-1]

    def knowledge(self, x: ArrayLike) -> list[FloatArray]:
        """Return the knowledge z of every layer, (n, width) each, for inputs ``x`` (n, d)."""
        return self._forward(self._batch(x))[0]

    def learn_one(self, x: ArrayLike, label: ArrayLike) -> FloatArray:
        """Learn ``x`` (d,) of class ``label``; return the decisions (classes,) before the update.

        Raises the errors of ``learn_batch``.
        """
        inputs = np.asarray(x, dtype=np.float64)[np.newaxis]
        decisions: FloatArray = self.learn_batch(inputs, np.asarray(label)[np.newaxis])[0]
        return decisions

    def learn_batch(self, x: ArrayLike, labels: ArrayLike | None) -> FloatArray:
        """Make one update with the mean over the batch ``x`` (n, d), ``labels`` (n,).

        Every shift is computed from the weights before this update. Returns the decisions (n,
        classes) before the update.

        Raises ValueError for missing labels, a label outside 0..classes-1, shapes that do not fit,
        an empty batch, missing codes, or the rule ``published``, which learns by ``learn_steps``.
        """
        if self.rule == "published":
            raise ValueError(
                "rule 'published' compares repeated passes of one batch: use learn_steps"
            )
        p = self.parameters
        hidden = len(p.weights) - 1
        if self.rule in CODED and len(self.codes) != hidden:
            raise ValueError(f"rule '{self.rule}' learns with codes, and none were given")
        inputs = self._batch(x)
        if labels is None:
            raise ValueError(f"rule '{self.rule}' learns from labels, and none were given")
        classes = p.weights[-1].shape[0]
        if self.linear:
            target = _targets(labels, len(inputs), classes)
        else:
            target = _one_hot(labels, len(inputs), classes)

        knowledge, decisions, seen = self._forward(inputs)
        output = knowledge[-1] if self.linear else decisions[-1]
        error = self._error(target, output)
        changes: list[_Change] = []
        for layer in range(self.first_learned, hidden):
            z, decision, a = knowledge[layer], decisions[layer], seen[layer]
            slope = decision * (1.0 - decision)
            steepness = np.where(z > 0.0, 1.0, 0.0) if self.relu else slope
            if self.rule == "feedback":
                shift = self.gain * steepness * (error @ self.codes[layer])
            elif self.rule == "code":
                code = target @ self.codes[layer]  # selects the row of each sample's class
                shift = np.where(code != 0.0, 0.5 * (code + 1.0) - decision, 0.0)
            else:
                readout_error, readout = error, p.weights[-1]
                if layer < len(p.readout_weights):
                    readout, readout_bias = p.readout_weights[layer], p.readout_biases[layer]
                    z_readout = seen[layer + 1] @ readout.T + readout_bias
                    readout_decision = sigmoid(z_readout)
                    readout_error = self._error(
                        target, z_readout if self.linear else readout_decision
                    )
                    readout_slope = readout_decision * (1.0 - readout_decision)
                    delta = self._delta(z_readout, readout_slope, readout_error)
                    pace = self.output_rate
                    changes.append(_Change(readout, readout_bias, delta, seen[layer + 1], pace))
                shift = (1.0 if self.relu else 4.0) * steepness * (readout_error @ readout)
            delta = self._delta(z, slope, shift)
            pace = self.hidden_rate
            changes.append(_Change(p.weights[layer], p.biases[layer], delta, a, pace))
        decision = decisions[-1]
        delta = self._delta(knowledge[-1], decision * (1.0 - decision), error)
        changes.append(_Change(p.weights[-1], p.biases[-1], delta, seen[hidden], self.output_rate))

        within = (np.abs(error) < self.margin).all(axis=1)
        factors = self._factors(inputs) if self.normalized else 1.0
        for change in changes:
            change.delta *= factors
            change.delta[within] = 0.0
            change.apply(self.rate * change.pace)
        return output

    def learn_steps(self, x: ArrayLike, steps: int) -> list[list[StepMetrics]]:
        """Run the published rule: ``steps`` = K forward passes of the batch ``x`` (n, d).

        Pass 0 only records z and D. Each pass k = 1..K-1 computes all layers with the weights of
        the previous pass. It then adds eta/ln 2 times the mean of delta a^T over the batch to the
        weights, with delta = z D' + (D_k - D_{k-1}), and the same times the mean of delta to the
        biases. As pass 0 changes no weight, D_1 = D_0: in step 1, entropy, cosine, tensor_net, flow
        and lagrangian are 0, and the step learns only from z D'.

        In the update of layer 0, a is the input. In the update of every other layer, a is D_{k-1}
        of the layer below, from the *previous* pass, although the forward pass uses D_k. The
        program of the paper's authors does the same. Returns K-1 lists, item k-1 for step k, with
        one ``StepMetrics`` per layer. The mean entropy of the papers is the mean over these steps,
        summed over the layers. Each call starts again at pass 0.

        Raises ValueError for a rule other than ``published``, ``steps`` below 2, a rate that is not
        above 0 (the flow divides by it), or shapes that do not fit.
        """
        if self.rule != "published":
            raise ValueError(f"rule '{self.rule}' learns from labels: use learn_batch")
        if steps < 2:
            raise ValueError(f"steps must be at least 2 (the first only records), not {steps}")
        if not self.rate > 0.0:
            raise ValueError(f"rule 'published' needs a rate above 0, not {self.rate}")
        inputs = self._batch(x)
        n, fan_in = inputs.shape
        layers: list[SteppedLayer] = []
        for weights, bias in zip(self.parameters.weights, self.parameters.biases, strict=True):
            # A held layer makes n^2 products per neuron, and a stepped layer 2 n fan_in. The first
            # layer can be of either kind; choose the kind with fewer products.
            kind = HeldLayer if not layers and n < 2 * fan_in else SteppedLayer
            layers.append(kind(weights, bias, inputs, self.rate))
        history: list[list[StepMetrics]] = []
        for k in range(steps):
            a = inputs
            for layer in layers:
                a = layer.forward(a)
            if k:
                # Go from the top down, because a layer's update overwrites values that the layer
                # above needs.
                below = [inputs, *(layer.last_decision for layer in layers[:-1])]
                pairs = list(zip(layers, below, strict=True))
                history.append([layer.learn(a) for layer, a in reversed(pairs)][::-1])
        for layer in layers:
            layer.finish()
        return history

    def _forward(
        self, inputs: FloatArray
    ) -> tuple[list[FloatArray], list[FloatArray], list[FloatArray]]:
        """Return, per layer, knowledge z and decision D, (n, width), and input a, (n, fan_in)."""
        knowledge: list[FloatArray] = []
        decisions: list[FloatArray] = []
        seen = [inputs]
        for weights, bias in zip(self.parameters.weights, self.parameters.biases, strict=True):
            z = seen[-1] @ weights.T
            z += bias
            decision = sigmoid(z)
            knowledge.append(z)
            decisions.append(decision)
            if self.relu:
                seen.append(np.maximum(z, 0.0))
            else:
                seen.append(decision if self.rule == "published" else 2.0 * decision - 1.0)
        return knowledge, decisions, seen

    def _error(self, target: FloatArray, output: FloatArray) -> FloatArray:
        """Return target - output, limited to -1 to 1; decisions never differ by more."""
        error: FloatArray = np.minimum(np.maximum(target - output, -1.0), 1.0)
        return error

    @staticmethod
    def _factors(inputs: FloatArray) -> FloatArray:
        """Return the factors (n, 1) of the deltas for inputs (n, d) if the step is normalized."""
        power = np.mean(inputs * inputs, axis=1, keepdims=True)
        factors: FloatArray = np.exp2(-np.rint(np.log2(np.maximum(power, 1.0))))
        return factors

    def _delta(self, z: FloatArray, slope: FloatArray, shift: FloatArray) -> FloatArray:
        """Return alignment * z D' + shift."""
        if self.alignment == 0.0:  # the usual case, which needs no product
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
    """An update of a matrix and its bias that is computed but not yet applied."""

    weights: FloatArray
    bias: FloatArray
    delta: FloatArray
    a: FloatArray
    pace: float = 1.0  # factor of the rate

    def apply(self, rate: float) -> None:
        step = (rate / len(self.delta)) * self.delta
        self.weights += step.T @ self.a
        self.bias += step.sum(axis=0)


def _one_hot(labels: ArrayLike, count: int, classes: int) -> FloatArray:
    indices = np.asarray(labels)
    if indices.shape != (count,) or indices.dtype.kind not in "iu":
        raise ValueError(f"labels must be {count} integers, one per row of the input")
    if indices.min() < 0 or indices.max() >= classes:
        raise ValueError(f"labels must be in 0..{classes - 1}")
    target = np.zeros((count, classes))
    target[np.arange(count), indices] = 1.0
    return target


def _targets(targets: ArrayLike, count: int, outputs: int) -> FloatArray:
    found = np.asarray(targets, dtype=np.float64)
    if found.shape != (count, outputs):
        raise ValueError(f"targets must be ({count}, {outputs}), not {found.shape}")
    return found
