"""Computes the learning rules in float64, without the rounding of fixed point.

This module follows the papers and shares no code with the modules for fixed point, so a comparison
of both is meaningful. It is one long file, so that it can be compared with the papers from top to
bottom.

Every layer has a knowledge z = W a + b, a decision D = sigmoid(z) and a slope D' = D (1 - D). It
learns by

    delta = alignment * z D' + shift        W += rate * delta a^T        b += rate * delta

averaged over the batch. The rules differ in the shift, and in the input of the next layer:

* ``local`` (labels; next input a = 2 D - 1). Output layer: shift = e = Y - D, Y the one-hot label.
  Hidden layer: shift = 4 D' (A^T e_l), where e_l = Y - sigmoid(A a + c) is the error of the layer's
  own readout, which has weights A and biases c. The readout of the top hidden layer is the output
  layer itself; every hidden layer below it has a readout, which learns exactly like an output
  layer.
* ``feedback`` (labels; next input 2 D - 1). Output layer: shift = e = Y - D. Hidden layers:
  shift = gain * D' (e B). B replaces the transposed weights: it is a fixed random matrix of signs,
  one per hidden layer.
* ``code`` (labels; next input 2 D - 1). Output layer: shift = Y - D. Hidden layers:
  shift = (T + 1) / 2 - D where T != 0, and 0 elsewhere. T in {-1, 0, 1} is the code of the sample's
  class in this layer: 1 asks for decision 1, -1 for decision 0, and 0 for no change.
* ``published`` (arXiv 2503.13942; no labels; next input a = D). The same batch passes K times. The
  shift of every layer is D_k - D_{k-1}, alignment is 1 and the rate is eta / ln 2.

With the activation ReLU, which ``local`` and ``feedback`` may have, the next input is a = max(0,
z), and the slope is 1 where z > 0 and 0 elsewhere. This slope replaces 4 D' in the shift:
``local`` has the shift slope * (A^T e_l) and ``feedback`` gain * slope * (e B). D remains
sigmoid(z), and only the output layer and the metrics use it.

A regression has linear outputs and targets instead of labels: the outputs are z, and the shift of
the output layer and the error of a readout are e = Y - z, limited to -1 to 1.

With one hidden layer and alignment 0, ``local`` is one step of gradient descent on the binary
cross-entropy of that network (summed over classes, mean over the batch). The hidden layer has twice
the rate, because its shift has the factor 4 D', and da/dz = 2 D'; with ReLU it has the same rate.
With more hidden layers, each hidden layer and its readout make the same step for the cross-entropy
of that readout; the layers below count as fixed.
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

RULES = ("local", "feedback", "code", "published")
RECTIFYING = ("local", "feedback")  # rules that may have ReLU
CODED = ("feedback", "code")  # rules with a fixed random (classes, width) matrix per hidden layer

LN2 = math.log(2.0)


@dataclass
class Parameters:
    """Everything that a model learns; a layer has fan_in inputs and fan_out outputs.

    ``weights``: one (fan_out, fan_in) float64 array per layer, the output layer last.
    ``biases``: one (fan_out,) array per layer.
    ``readout_weights``, ``readout_biases``: with ``local``, the readout of every hidden layer
    except the top one, (classes, width) and (classes,). They are empty with other rules, and
    with fewer than two hidden layers.
    """

    weights: list[FloatArray]
    biases: list[FloatArray]
    readout_weights: list[FloatArray] = field(default_factory=list)
    readout_biases: list[FloatArray] = field(default_factory=list)

    def copy(self) -> Parameters:
        """Return an independent copy."""
        return Parameters(
            weights=[array.copy() for array in self.weights],
            biases=[array.copy() for array in self.biases],
            readout_weights=[array.copy() for array in self.readout_weights],
            readout_biases=[array.copy() for array in self.readout_biases],
        )

    def sizes(self) -> list[int]:
        """Return (inputs, hidden widths ..., classes), as ``initial_parameters`` takes them."""
        return [self.weights[0].shape[1], *(array.shape[0] for array in self.weights)]


@dataclass(frozen=True)
class StepMetrics:
    """Metrics of one layer in step k of the published rule (sums are over batch and neurons).

    ``entropy``    -(1/ln 2) sum z (D_k - D_{k-1}); a sum, not a mean over the batch.
    ``cosine``     sum z (D_k - D_{k-1}) / (|z| |D_k - D_{k-1}|); 0 when either norm is 0.
    ``z_norm``     |z|, Frobenius norm of this step's (n, width) knowledge.
    ``w_norm``     |W|, Frobenius norm after this step's update.
    ``tensor_net`` sum (D - z D' / ln 2) (z_k - z_{k-1}).
    ``flow``       |Phi|, Frobenius norm of the knowledge flow Phi = (z_k - z_{k-1}) / eta
                   (arXiv 2504.03214).
    ``lagrangian`` -sum z D' Phi (the same paper).
    """

    entropy: float
    cosine: float
    z_norm: float
    w_norm: float
    tensor_net: float
    flow: float
    lagrangian: float


def initial_parameters(
    sizes: Sequence[int],
    rule: str,
    seed: int,
    spread: float | None = None,
    relu: bool = False,
) -> Parameters:
    """Return initial values for ``sizes`` = (inputs, hidden widths ..., classes).

    Weights are normal(0, 1 / sqrt(fan_in)), drawn layer by layer, row by row; biases are 0. With
    ``published``, every layer is random. With the other rules, the output layer and the readouts,
    which only ``local`` has, are 0 and use no random numbers.

    With ``relu``, the weights of hidden layers are normal(0, sqrt(2 / fan_in)), because about half
    of the activations are 0.

    With ``spread``, the weights of the first layer are multiplied by ``spread``, and the biases of
    this layer are uniform between -spread and spread. No other value changes.

    Raises ValueError for an unknown rule, fewer than two sizes, or a size below 1.
    """
    _check_rule(rule)
    if len(sizes) < 2 or min(sizes) < 1:
        raise ValueError(f"sizes must be inputs, hidden widths, classes, all >= 1, not {sizes!r}")
    rng = np.random.default_rng(seed)
    parameters = Parameters(weights=[], biases=[])
    for layer, (fan_in, fan_out) in enumerate(pairwise(sizes)):
        if rule != "published" and layer == len(sizes) - 2:
            weights = np.zeros((fan_out, fan_in))
        else:
            scale = math.sqrt(2.0) if relu else 1.0
            weights = rng.normal(0.0, scale / math.sqrt(fan_in), (fan_out, fan_in))
        parameters.weights.append(weights)
        parameters.biases.append(np.zeros(fan_out))
    if spread is not None:
        parameters.weights[0] *= spread
        parameters.biases[0] += rng.uniform(-spread, spread, len(parameters.biases[0]))
    if rule == "local":
        for width in sizes[1:-2]:
            parameters.readout_weights.append(np.zeros((sizes[-1], width)))
            parameters.readout_biases.append(np.zeros(sizes[-1]))
    return parameters


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
        _check_rule(rule)
        if relu and rule not in RECTIFYING:
            raise ValueError(f"rule '{rule}' has no ReLU; these have: {', '.join(RECTIFYING)}")
        _check_shapes(parameters, rule)
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
        _check_codes(self.codes, parameters, rule)

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
                    readout_decision = _sigmoid(z_readout)
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
        layers: list[_SteppedLayer] = []
        for weights, bias in zip(self.parameters.weights, self.parameters.biases, strict=True):
            # A held layer makes n^2 products per neuron, and a stepped layer 2 n fan_in. The first
            # layer can be of either kind; choose the kind with fewer products.
            kind = _HeldLayer if not layers and n < 2 * fan_in else _SteppedLayer
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
            decision = _sigmoid(z)
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


class _SteppedLayer:
    """A layer that learns by the published rule; every pass reuses the layer's arrays.

    ``z`` and ``decision``, (n, width), belong to this pass. ``last_z`` and ``last_decision`` belong
    to the previous pass, until ``learn`` overwrites them with the differences. Allocating new
    arrays in every pass would take a large part of the time.
    """

    def __init__(
        self, weights: FloatArray, bias: FloatArray, inputs: FloatArray, eta: float
    ) -> None:
        self.weights = weights
        self.bias = bias
        self.eta = eta
        self.step = eta / LN2 / len(inputs)  # factor of the sum over the batch in an update
        # One array for all, because numpy uses huge pages only for large arrays.
        block = np.empty((5, len(inputs), len(weights)))
        self.z, self.last_z, self.decision, self.last_decision, self.pull = block

    def forward(self, a: FloatArray) -> FloatArray:
        """Begin a pass with the input ``a`` (n, fan_in); return its decisions (n, width)."""
        self.z, self.last_z = self.last_z, self.z
        self.decision, self.last_decision = self.last_decision, self.decision
        self.know(a)
        return _sigmoid(self.z, self.decision)

    def learn(self, a: FloatArray) -> StepMetrics:
        """Update the layer by the product of delta and ``a`` (n, fan_in); return the metrics."""
        z, decision, pull = self.z, self.decision, self.pull
        np.subtract(1.0, decision, out=pull)
        pull *= decision
        pull *= z
        moved = np.subtract(z, self.last_z, out=self.last_z)
        shift = np.subtract(decision, self.last_decision, out=self.last_decision)

        z_shift = _dot(z, shift)
        z_norm = _norm(z)
        norms = z_norm * _norm(shift)
        pull_moved = _dot(pull, moved)
        tensor_net = _dot(decision, moved) - pull_moved / LN2
        flow = _norm(moved) / self.eta

        pull += shift
        self.update(pull, a)
        return StepMetrics(
            entropy=-z_shift / LN2,
            cosine=z_shift / norms if norms > 0.0 else 0.0,
            z_norm=z_norm,
            w_norm=self.w_norm(),
            tensor_net=tensor_net,
            flow=flow,
            lagrangian=-pull_moved / self.eta,
        )

    def know(self, a: FloatArray) -> None:
        """Compute ``z`` from the input ``a`` (n, fan_in)."""
        np.matmul(a, self.weights.T, out=self.z)
        self.z += self.bias

    def update(self, delta: FloatArray, a: FloatArray) -> None:
        """Learn from ``delta`` (n, width)."""
        self.weights += self.step * (delta.T @ a)
        self.bias += self.step * delta.sum(axis=0)

    def w_norm(self) -> float:
        """Return the Frobenius norm of the weights."""
        return _norm(self.weights)

    def finish(self) -> None:
        """Complete the weights after the last pass."""


class _HeldLayer(_SteppedLayer):
    """The first layer, whose input x is the same in every pass.

    An update adds step * delta^T x to W, so it adds step * (x x^T) delta to x W^T. Therefore one
    product with the matrix x x^T, (n, n), replaces the forward product and the outer product. W
    itself is updated after the last pass. The norm of W follows from
    |W'|^2 - |W|^2 = <W' - W, W' + W>.
    """

    def __init__(
        self, weights: FloatArray, bias: FloatArray, inputs: FloatArray, eta: float
    ) -> None:
        super().__init__(weights, bias, inputs, eta)
        self.inputs = inputs
        self.gram = self.step * (inputs @ inputs.T)
        self.weighted = inputs @ weights.T  # x W^T
        self.w_square = _dot(weights, weights)
        self.deltas = np.zeros_like(self.z)  # sum of the deltas so far

    def know(self, _a: FloatArray) -> None:
        np.add(self.weighted, self.bias, out=self.z)

    def update(self, delta: FloatArray, _a: FloatArray) -> None:
        before = _dot(delta, self.weighted)
        self.weighted += np.matmul(self.gram, delta, out=self.last_z)  # `last_z` is not needed now
        self.w_square += self.step * (before + _dot(delta, self.weighted))
        self.bias += self.step * delta.sum(axis=0)
        self.deltas += delta

    def w_norm(self) -> float:
        return math.sqrt(max(self.w_square, 0.0))

    def finish(self) -> None:
        self.weights += self.step * (self.deltas.T @ self.inputs)


def moved_averages(
    x: FloatArray, mean: FloatArray, variance: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the running mean and variance, (d,) each, after the inputs x (d,) of one sample.

    The mean moves by 1/256 of its difference to x, and the variance by 1/256 of its difference to
    (x - mean)^2, where a deviation beyond 8 counts as 8. The largest variance is 33.
    """
    deviation = np.minimum(np.maximum(x - mean, -8.0), 8.0)
    changed = np.minimum(variance + (deviation * deviation - variance) / 256.0, 33.0)
    return mean + (x - mean) / 256.0, changed


def running_factor(variance: FloatArray) -> FloatArray:
    """Return the factors (d,) that normalize inputs with these variances, as (x - mean) * factor.

    A factor is the power of two nearest to 1 / sqrt(variance), by its logarithm, from 1/8 to 4. If
    two powers are equally near, the factor is the larger power.
    """
    least = np.maximum(variance, 2.0**-5)  # the logarithm of 0 is infinite
    exponents = np.ceil(np.log2(least) / 2.0 - 0.5)
    factors: FloatArray = np.exp2(-np.minimum(np.maximum(exponents, -2.0), 3.0))
    return factors


def accuracy(decisions: ArrayLike, labels: ArrayLike) -> float:
    """Return the fraction of rows that are classified right.

    A row of ``decisions`` (n, classes) is right if its largest value is at the index in ``labels``
    (n,). Of equal values, the first counts as the largest. Raises ValueError for no rows, or for
    shapes that do not fit.
    """
    values = np.asarray(decisions)
    truth = np.asarray(labels)
    if values.ndim != 2 or truth.shape != values.shape[:1] or not len(values):
        raise ValueError(
            "decisions must be (n >= 1, classes) and labels (n,),"
            f" not {values.shape} and {truth.shape}"
        )
    return float(np.mean(np.argmax(values, axis=1) == truth))


def _sigmoid(z: FloatArray, out: FloatArray | None = None) -> FloatArray:
    # tanh never overflows, but exp(-z) can.
    result: FloatArray = np.multiply(z, 0.5, out=out)
    np.tanh(result, out=result)
    result *= 0.5
    result += 0.5
    return result


def _dot(left: FloatArray, right: FloatArray) -> float:
    """Return the sum of the products of two arrays with the same shape."""
    return float(np.vdot(left, right))


def _norm(array: FloatArray) -> float:
    return math.sqrt(_dot(array, array))


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


def _check_rule(rule: str) -> None:
    if rule not in RULES:
        raise ValueError(f"unknown rule '{rule}'; known: {', '.join(RULES)}")


def _check_shapes(p: Parameters, rule: str) -> None:
    if not p.weights or len(p.weights) != len(p.biases):
        raise ValueError("parameters need at least one layer, and a bias array for each")
    readouts = max(len(p.weights) - 2, 0) if rule == "local" else 0
    if len(p.readout_weights) != readouts or len(p.readout_biases) != readouts:
        raise ValueError(f"rule '{rule}' with {len(p.weights)} layers needs {readouts} readouts")
    sizes = p.sizes()
    for layer, (weights, bias) in enumerate(zip(p.weights, p.biases, strict=True)):
        if weights.shape != (sizes[layer + 1], sizes[layer]) or bias.shape != (sizes[layer + 1],):
            raise ValueError(
                f"layer {layer}: weights {weights.shape} and biases {bias.shape} do not continue"
                f" a layer of width {sizes[layer]}"
            )
    for layer, (weights, bias) in enumerate(zip(p.readout_weights, p.readout_biases, strict=True)):
        if weights.shape != (sizes[-1], sizes[layer + 1]) or bias.shape != (sizes[-1],):
            raise ValueError(
                f"readout {layer}: weights {weights.shape} and biases {bias.shape} do not read"
                f" {sizes[layer + 1]} neurons into {sizes[-1]} classes"
            )


def _check_codes(codes: Sequence[FloatArray], p: Parameters, rule: str) -> None:
    if not codes:
        return
    widths = p.sizes()[1:-1]
    if rule not in CODED:
        raise ValueError(f"rule '{rule}' has no codes, and {len(codes)} were given")
    if len(codes) != len(widths):
        raise ValueError(f"{len(widths)} hidden layers need as many codes, not {len(codes)}")
    for layer, (code, width) in enumerate(zip(codes, widths, strict=True)):
        if code.shape != (p.sizes()[-1], width):
            raise ValueError(
                f"code {layer} must be (classes, width) = {(p.sizes()[-1], width)},"
                f" not {code.shape}"
            )
        if not np.isin(code, (-1.0, 0.0, 1.0)).all():
            raise ValueError(f"code {layer} may hold -1, 0 and 1 only")
