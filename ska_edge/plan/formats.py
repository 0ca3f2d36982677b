"""Derives the formats of a plan from precision and rule, and from the choices of calibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ska_edge.arithmetic.fixedpoint import QFormat, largest_frac
from ska_edge.plan.layer import LayerPlan, Matrix
from ska_edge.plan.precision import Precision
from ska_edge.rules.neuron import TABLE_STEPS_LOG2, NeuronFormats
from ska_edge.rules.rule import RELU, Rule

COARSEST_KNOWLEDGE = (
    TABLE_STEPS_LOG2 + 1
)  # fractional bits; with fewer, there is nothing to interpolate
# A linear output has slope 1, four times the largest slope of a sigmoid. Its rate, and that of
# linear readouts, is a quarter of the plan's rate, so that a step does not overshoot.
LINEAR_HALVINGS = 2
FINEST_KNOWLEDGE = 15  # fractional bits, as many as the decision has
RELU_LIMIT = 8  # without calibration, max(0, z) saturates here


def activation_format(profile: Precision, activation: str) -> QFormat:
    """Return the format of an activation that was not calibrated."""
    format = profile.activation
    if activation == RELU:
        return QFormat(format.bits, format.bits - 1 - (RELU_LIMIT - 1).bit_length())
    return format


def neuron_formats(
    profile: Precision, classes: int, knowledge: QFormat, activation: QFormat
) -> NeuronFormats:
    """Return the formats of one neuron.

    All except `knowledge` and `activation` follow from the profile and the number of classes.
    """
    error_frac = largest_frac(classes, profile.forward_bits, profile.shift.frac)
    return NeuronFormats(
        knowledge=knowledge,
        decision=profile.decision,
        activation=activation,
        shift=profile.shift,
        error=QFormat(error_frac + 1, error_frac),
        projection=profile.projection,
        weight_bits=profile.weight.bits,
        forward_bits=profile.forward_bits,
    )


def layer_plans(
    sizes: Sequence[int],
    rule: Rule,
    profile: Precision,
    incoming: QFormat,
    activation: QFormat,
    weights: Mapping[tuple[int, str], QFormat],
    hidden_halvings: int = 0,
    linear: bool = False,
) -> tuple[LayerPlan, ...]:
    """Return the layers of a network, with readouts of hidden layers if the rule has them.

    Args:
        sizes: inputs, hidden widths, classes.
        rule: determines whether hidden layers have readouts.
        profile: gives the formats of the weights that `weights` lacks.
        incoming: format of the network's input.
        activation: format of the inputs of all layers after the first.
        weights: formats of weights, by layer and name, "weight" or "readout_weight".
        hidden_halvings: how many times the rate of the hidden layers is halved.
        linear: whether the output layer is linear, as for a regression.
    """
    hidden, layers = len(sizes) - 2, []
    slower = LINEAR_HALVINGS if linear else 0
    for index in range(hidden + 1):
        weight = weights.get((index, "weight"), profile.weight)
        readout = None
        if rule.readouts and index < hidden - 1:
            readout_weight = weights.get((index, "readout_weight"), profile.weight)
            readout = Matrix(sizes[index + 1], sizes[-1], activation, readout_weight, slower)
        matrix = Matrix(
            sizes[index],
            sizes[index + 1],
            activation if index else incoming,
            weight,
            hidden_halvings if index < hidden else slower,
        )
        layers.append(LayerPlan(matrix, readout))
    return tuple(layers)
