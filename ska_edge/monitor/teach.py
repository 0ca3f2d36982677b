"""Prepares the teaching of a new class: its name, the order of its rows, and the rate."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ska_edge.device.info import DeviceInfo
from ska_edge.device.link import Link
from ska_edge.errors import DeviceError, InputError
from ska_edge.model.model_file import Model
from ska_edge.network.spare_names import bytes_of, no_spare
from ska_edge.network.state import State
from ska_edge.plan.plan import Plan
from ska_edge.rules.confidence import UNKNOWN_NAMES

PASSES = 10  # over the rows of a new class; with 30 passes, the accuracy differs by 0.1 points
# Limit of rate * inputs while a class is taught: half of what a training begins with. The few rows
# are learned many times, so a larger rate costs the old classes more than the new class gains.
LARGEST_PRODUCT = 4.0


def as_known(link: Link, model: Model) -> Model:
    """Return the model with the classes that the device has now.

    Raises DeviceError if two classes of the device have the same name.
    """
    plan = model.plan
    if not plan.spares or not link.info.learns:
        return model
    offset, size = _place(plan)
    state = model.state.copy()
    data = np.frombuffer(link.read(offset, size), dtype=np.uint8)
    state.names[:] = data.reshape(state.names.shape)
    if len(set(state.labels)) != plan.classes:
        raise DeviceError(
            f"the device at {link.port} has two classes with the same name: forget one, or reset it"
        )
    return replace(model, state=state)


def check_name(model: Model, name: str) -> bool:
    """Tell whether a name is a new class for the model; raise InputError if it cannot be one."""
    if name in model.labels:
        return False
    bytes_of(name)
    if name in UNKNOWN_NAMES:
        raise InputError(
            f"'{name}' is the name that samples of no known class get; choose another name"
        )
    if len(model.labels) == model.plan.classes:
        raise InputError(no_spare(name, model.plan.spares))
    return True


def added_label(model: Model, name: str) -> int:
    """Return the label of a class that was added; raise InputError if it was not."""
    label = model.state.labels.index(name) if name in model.labels else -1
    if label < model.plan.named:
        added = model.labels[model.plan.named :]
        raise InputError(
            f"'{name:.40}' is not an added class"
            + (f"; {', '.join(added)} can be forgotten" if added else "; none was")
        )
    return label


def times_slower(plan: Plan) -> int:
    """Return how many times to halve the plan's rate while a device is taught a class: until
    rate * inputs is at most `LARGEST_PRODUCT`.
    """
    times = math.ceil(math.log2(plan.rate.real * plan.inputs / LARGEST_PRODUCT))
    return min(max(0, times), plan.rate_halvings_max)


def slower(plan: Plan, info: DeviceInfo) -> int | None:
    """Return `times_slower` minus the halvings by the decay of the device's rate; None if its rate
    is already that low.
    """
    times = times_slower(plan) - plan.decay.halvings(info.samples)
    return times if times > info.halvings else None


def repeated(rows: int, passes: int, seed: int) -> NDArray[np.int64]:
    """Return the indices of `rows` rows, shuffled anew in each of `passes` passes."""
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.permutation(rows) for _ in range(passes)])


def _place(plan: Plan) -> tuple[int, int]:
    """Return the offset and the size of the names in the state."""
    offset = 0
    for field in plan.state_fields():
        if field.name == "names":
            return offset, field.size
        offset += field.size
    raise InputError("the plan has no spare outputs")


def with_new_classes(model: Model, names: tuple[str, ...]) -> tuple[Model, dict[int, str]]:
    """Return the model with these classes added, and the labels of those that it lacked.

    Raises InputError if a name cannot be added. The given model stays as it is.
    """
    state: State = model.state.copy()
    added = {state.add_class(name): name for name in names if name not in model.labels}
    return replace(model, state=state), added
