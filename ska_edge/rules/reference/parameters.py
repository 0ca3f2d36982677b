"""Has the parameters of a float model, and checks that they fit the rule."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from ska_edge.rules.reference.arrays import FloatArray

RULES = ("local", "feedback", "code", "published")
RECTIFYING = ("local", "feedback")  # rules that may have ReLU
CODED = ("feedback", "code")  # rules with a fixed random (classes, width) matrix per hidden layer


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
    check_rule(rule)
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


def check_rule(rule: str) -> None:
    """Raise ValueError for an unknown rule."""
    if rule not in RULES:
        raise ValueError(f"unknown rule '{rule}'; known: {', '.join(RULES)}")


def check_shapes(p: Parameters, rule: str) -> None:
    """Raise ValueError if the arrays do not fit each other, or the rule has other readouts."""
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


def check_codes(codes: Sequence[FloatArray], p: Parameters, rule: str) -> None:
    """Raise ValueError if the rule has no such codes, or if they do not fit the parameters.

    No codes are always right, because a model that only infers needs none.
    """
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
