"""Assembles a model from the parts of a file, and checks every part.

Model files and ONNX files share these checks. The seal of a file shows that the file is complete.
It does not show who wrote the file: anyone who edits a file can seal it again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ska_edge.data.split.kind import SPLITS
from ska_edge.errors import InputError
from ska_edge.model.encoding import FEATURES
from ska_edge.model.model_file import Model
from ska_edge.model.scaling import LEAST_SCALE, Scaling
from ska_edge.network.measures.range_tracker import ranges_from
from ska_edge.network.state import State
from ska_edge.network.twin import parameters_for
from ska_edge.plan.check import plan_from_json
from ska_edge.plan.plan import Plan
from ska_edge.plural import counted
from ska_edge.rules.reference import Parameters

MOST_STEPS = 2**63 - 1
LARGEST = 1e150  # limit of means and float weights, so that quotients and sums stay finite

Tensors = Mapping[tuple[int, str], NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a model in a file, before they are checked.

    Attributes:
        plan: plain data from `Plan.to_json`.
        state: a function that returns the file's state for a plan, or raises as
            `State.from_bytes` does.
        step: number of updates.
        mean, scale: mean and scale of each input, (inputs,); see `Scaling`.
        limit: largest magnitude of a scaled input.
        ranges, notes: see `Model`.
        reference: tensors of the float twin; None if the model has none.
        target_mean, target_scale: mean and scale of each target of a regression; None for classes.
    """

    plan: Any
    state: Callable[[Plan], State]
    step: Any
    mean: NDArray[Any]
    scale: NDArray[Any]
    limit: float
    ranges: Any
    notes: Any
    reference: Tensors | None = None
    target_mean: NDArray[Any] | None = None
    target_scale: NDArray[Any] | None = None


def assembled(parts: Parts) -> Model:
    """Assemble the model.

    Raises InputError for an invalid part, and what `parts.state` raises.
    """
    plan = plan_from_json(parts.plan)
    state = parts.state(plan)
    if type(parts.step) is not int or not 0 <= parts.step <= MOST_STEPS:
        raise InputError("the number of updates is out of range")
    state.step = parts.step
    return Model(
        plan=plan,
        state=state,
        scaling=_scaling(parts.mean, parts.scale, parts.limit, plan.inputs),
        reference=None if parts.reference is None else _reference(plan, parts.reference),
        ranges=ranges_from(plan, parts.ranges),
        notes=_notes(plan, parts.notes),
        units=_units(plan, parts),
    )


def _scaling(
    mean: NDArray[Any], scale: NDArray[Any], limit: float, count: int, noun: str = "input"
) -> Scaling:
    for values in (mean, scale):
        if values.dtype != np.float64 or values.shape != (count,):
            raise InputError(f"the scaling does not fit {counted(count, noun)}")
    # These comparisons also refuse NaN, because every comparison with NaN is false.
    if not (
        (np.abs(mean) <= LARGEST).all()
        and (scale >= LEAST_SCALE).all()
        and np.isfinite(scale).all()
        and limit > 0
    ):
        raise InputError(f"a number in the scaling of the {noun}s is out of range")
    return Scaling(mean, scale, limit)


def _units(plan: Plan, parts: Parts) -> Scaling | None:
    """Return the scaling of the targets; None for a model of classes."""
    mean, scale = parts.target_mean, parts.target_scale
    if (mean is None or scale is None) == plan.regression:
        raise InputError("the scaling of the targets does not fit the plan")
    if mean is None or scale is None:
        return None
    return _scaling(mean, scale, math.inf, plan.classes, "target")


def _reference(plan: Plan, tensors: Tensors) -> Parameters:
    """Return the float twin's parameters; raise InputError unless they fit the plan."""
    for tensor in plan.tensors():
        values = tensors.get((tensor.layer, tensor.name))
        if (
            values is None
            or values.dtype != np.float64
            or values.shape != tensor.shape
            or not (np.abs(values) <= LARGEST).all()
        ):
            raise InputError(
                f"layer {tensor.layer}: the float twin's {tensor.name} is missing or does not fit"
            )
    return parameters_for(plan, dict(tensors))


def _whole(least: int) -> Callable[[Any], bool]:
    return lambda value: value is None or (type(value) is int and least <= value <= MOST_STEPS)


# From these notes, `eval` repeats the split of the training.
SPLIT: dict[str, Callable[[Any], bool]] = {
    "split": lambda value: value is None or value in SPLITS,
    "seed": _whole(0),
    "per_class": _whole(1),
    "group": lambda value: isinstance(value, str) or _whole(-MOST_STEPS)(value),
    "test_fraction": lambda value: (
        value is None or (isinstance(value, (int, float)) and math.isfinite(value))
    ),
}


def _notes(plan: Plan, data: Any) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise InputError("the notes are not a table")
    for name, fits in SPLIT.items():
        if name in data and not fits(data[name]):
            raise InputError(f"the note {name!r} is out of range")
    names = data.get(FEATURES)
    if names is not None and not (
        isinstance(names, list)
        and len(names) == plan.inputs
        and all(isinstance(name, str) and name for name in names)
        and len(set(names)) == len(names)
    ):
        raise InputError(f"the names of the inputs are not {plan.inputs} different texts")
    return data
