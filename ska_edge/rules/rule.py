"""Defines the learning rules: a table of the functions of `neuron` that each rule uses.

A rule is a row of `RULES`. `neuron` has the computations of one neuron; `functions` lists the
computations that a rule needs, for the C generator and for tests.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from ska_edge.arithmetic.fixedpoint import Fixed, QFormat, T
from ska_edge.rules.neuron import (
    aligned_delta,
    plain_activation,
    plain_delta,
    projected_shift,
    relu_activation,
    relu_shift,
    signed_activation,
)

# The teacher of a hidden layer: the source of its shift.
READOUT = "readout"  # the error of the layer's own readout
SIGNS = "signs"  # the output layer's error, through fixed random signs
CODE = "code"  # a fixed random code of the class
PAST = "past"  # the layer's own decisions one step before

# The activation of the hidden layers: 2D - 1 or D, as the rule says, or max(0, z).
ACTIVATIONS = SIGMOID, RELU = "sigmoid", "relu"


@dataclass(frozen=True, slots=True)
class Rule:
    """A learning rule: a choice of the functions of `neuron`.

    Attributes:
        name: the name on the command line.
        summary: one line of description.
        teacher: the source of a hidden layer's shift, READOUT, SIGNS, CODE or PAST.
        signed: whether the next layer's input is a = 2D - 1; otherwise it is a = D.
        aligned: whether delta has the alignment term z D'.
        relu: whether the next layer's input is a = max(0, z), whatever `signed` says.
    """

    name: str
    summary: str
    teacher: str
    signed: bool
    aligned: bool
    relu: bool = False

    def with_activation(self, activation: str) -> Rule:
        """Return the rule with an activation of `ACTIVATIONS`."""
        return replace(self, relu=True) if activation == RELU else self

    @property
    def rectifies(self) -> bool:
        """Whether hidden layers may have the activation RELU, which needs a projected error."""
        return self.teacher in (READOUT, SIGNS)

    @property
    def supervised(self) -> bool:
        """Whether the rule uses labels or targets.

        If so, it makes one step per batch, otherwise the plan's number of steps.
        """
        return self.teacher != PAST

    @property
    def readouts(self) -> bool:
        """Whether hidden layers have readouts; that of the top hidden layer is the output layer."""
        return self.teacher == READOUT

    def gain(self, classes: int) -> int:
        """Return the exponent g of the factor 2**g in a projected shift.

        With readouts, the shift is 4 D' (A^T e). With random signs, the factor is 4 / sqrt(classes)
        with its exponent rounded, because a sum of random signs grows with the root of their
        number. With ReLU, the factor is 4 times smaller, because the largest slope is 1 and not
        1/4.
        """
        steepest = 0 if self.relu else 2
        return steepest - round(math.log2(classes) / 2) if self.teacher == SIGNS else steepest

    def activation(self, knowledge: Fixed[T], decision: Fixed[T], format: QFormat) -> Fixed[T]:
        """Return the next layer's input."""
        if self.relu:
            return relu_activation(knowledge, format)
        return (signed_activation if self.signed else plain_activation)(decision, format)

    def projected(
        self,
        projection: Fixed[T],
        knowledge: Fixed[T],
        decision: Fixed[T],
        gain: int,
        format: QFormat,
    ) -> Fixed[T]:
        """Return the shift of a hidden neuron from a projected error."""
        if self.relu:
            return relu_shift(projection, knowledge, gain, format)
        return projected_shift(projection, decision, gain, format)

    def delta(self, knowledge: Fixed[T], decision: Fixed[T], shift: Fixed[T]) -> Fixed[T]:
        """Return the delta, which an update multiplies by the input of the layer."""
        return (aligned_delta if self.aligned else plain_delta)(knowledge, decision, shift)


RULES = {
    rule.name: rule
    for rule in (
        Rule(
            name="local",
            summary="every hidden layer follows the error of its own small readout (needs labels)",
            teacher=READOUT,
            signed=True,
            aligned=False,
        ),
        Rule(
            name="feedback",
            summary="hidden layers follow the output's error through random signs (needs labels)",
            teacher=SIGNS,
            signed=True,
            aligned=False,
        ),
        Rule(
            name="code",
            summary="hidden layers follow a random code of the class (needs labels)",
            teacher=CODE,
            signed=True,
            aligned=False,
        ),
        Rule(
            name="published",
            summary="the paper's dynamics: decisions follow their own change (no labels)",
            teacher=PAST,
            signed=False,
            aligned=True,
        ),
    )
}
