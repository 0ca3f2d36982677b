"""Builds the float twin of a plan: the reference with the same rule, weights and random codes."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ska_edge.errors import InputError
from ska_edge.network.codes import class_codes
from ska_edge.npz import Archive
from ska_edge.plan.plan import Plan
from ska_edge.rules.reference import Parameters, Reference

Reals = NDArray[np.float64]
LARGEST = 1e6  # limit of initial weights; with far larger ones, sums overflow in float


def twin(plan: Plan, parameters: Parameters, rate: float) -> Reference:
    """Create the float model of a plan; it changes `parameters` in place.

    `rate` is the learning rate for the mean over the batch or, for `published`, the paper's eta.
    """
    return Reference(
        parameters,
        plan.rule,
        rate,
        codes=class_codes(plan),
        gain=2.0**plan.gain,
        first_learned=plan.first_learned,
        margin=plan.real_margin,
        hidden_rate=2.0**-plan.hidden_halvings,
        relu=plan.rule_definition.relu,
        linear=plan.regression,
        output_rate=2.0 ** -plan.layers[-1].matrix.halvings,
        normalized=plan.normalized,
    )


def tensors_of(parameters: Parameters) -> dict[tuple[int, str], Reals]:
    """Return float parameters by the layers and names of `Plan.tensors`."""
    named: dict[tuple[int, str], Reals] = {}
    for kind, arrays in (
        ("weight", parameters.weights),
        ("bias", parameters.biases),
        ("readout_weight", parameters.readout_weights),
        ("readout_bias", parameters.readout_biases),
    ):
        named.update({(layer, kind): values for layer, values in enumerate(arrays)})
    return named


def named_part(parameters: Parameters, classes: int) -> Parameters:
    """Return views of the parameters without the spare outputs, which come after the `classes`.

    A float twin that learns in these views does not change the spare outputs.
    """
    hidden = len(parameters.weights) - 1
    return Parameters(
        weights=[*parameters.weights[:hidden], parameters.weights[hidden][:classes]],
        biases=[*parameters.biases[:hidden], parameters.biases[hidden][:classes]],
        readout_weights=[weights[:classes] for weights in parameters.readout_weights],
        readout_biases=[bias[:classes] for bias in parameters.readout_biases],
    )


def parameters_for(plan: Plan, tensors: dict[tuple[int, str], Reals]) -> Parameters:
    """Return a plan's float parameters, the inverse of `tensors_of`; missing tensors are 0."""
    parameters = Parameters(weights=[], biases=[])
    lists = {
        "weight": parameters.weights,
        "bias": parameters.biases,
        "readout_weight": parameters.readout_weights,
        "readout_bias": parameters.readout_biases,
    }
    for tensor in plan.tensors():
        found = tensors.get((tensor.layer, tensor.name), np.zeros(tensor.shape))
        lists[tensor.name].append(np.array(found, dtype=np.float64))
    return parameters


def read_parameters(path: Path, sizes: tuple[int, ...]) -> Parameters:
    """Read initial weights from an npz: W0 (fan_out, fan_in), b0 (fan_out,), W1, b1, ...

    Missing biases are 0. Raises InputError for any other content.
    """
    try:
        with path.open("rb") as file:
            return _parameters(path, Archive(file), sizes)
    except InputError:
        raise
    except FileNotFoundError as error:
        raise InputError(f"there is no file {path}") from error
    except Exception as error:  # a damaged byte can cause any error in zipfile and numpy
        raise InputError(f"{path} is not an npz with arrays of numbers") from error


def _parameters(path: Path, archive: Archive, sizes: tuple[int, ...]) -> Parameters:
    parameters = Parameters(weights=[], biases=[])
    for index, (fan_in, fan_out) in enumerate(pairwise(sizes)):
        weight, bias = f"W{index}", f"b{index}"
        if weight not in archive.names or archive.header(weight).shape != (fan_out, fan_in):
            raise InputError(f"{path}: {weight} of shape {(fan_out, fan_in)} is missing")
        parameters.weights.append(_reals(path, archive, weight))
        if bias not in archive.names:
            parameters.biases.append(np.zeros(fan_out))
            continue
        shape = archive.header(bias).shape
        if shape != (fan_out,):
            raise InputError(f"{path}: {bias} has shape {shape}, not ({fan_out},)")
        parameters.biases.append(_reals(path, archive, bias))
    return parameters


def _reals(path: Path, archive: Archive, name: str) -> Reals:
    """Read an array; its shape is already checked, so it cannot fill the memory."""
    if archive.header(name).dtype.kind not in "fiub":
        raise InputError(
            f"{path} is not an npz with arrays of numbers: {name} is not such an array"
        )
    values = archive.read(name).astype(np.float64)
    if not np.isfinite(values).all():
        raise InputError(f"{path}: {name} holds a number that is not finite")
    if np.abs(values).max(initial=0) > LARGEST:
        raise InputError(f"{path}: {name} holds a number beyond {LARGEST:,.0f}")
    return values
