"""Checks the conversions of a plan from samples to features, and from features to inputs."""

from __future__ import annotations

from ska_edge.arithmetic.fixedpoint import INT32_MAX
from ska_edge.errors import InputError
from ska_edge.frontend.front import Front
from ska_edge.frontend.frontends import check_front, feature_count
from ska_edge.plan.plan import LONGEST_SHIFT, Plan
from ska_edge.rules.neuron import RawInput

LARGEST_OFFSET = 2**46  # largest offset: a 16-bit mean times a 31-bit multiplier
# A feature in float32 is an integer of 32 bits. The operators of ONNX need sums below 2^62; these
# bounds ensure that.
LARGEST_FLOAT_OFFSET = 2**60
LARGEST_FLOAT_MULTIPLIER = 2**30
LARGEST_POINT = 200  # float32 has numbers from 2^-149 to 2^128


def check_raw(plan: Plan, raw: RawInput) -> None:
    """Raise InputError for integers that cannot standardize raw features on a device."""
    points = raw.points if raw.points is not None else (0,) * plan.inputs
    multiplier, offset = INT32_MAX, LARGEST_OFFSET
    if raw.points is not None:
        multiplier, offset = LARGEST_FLOAT_MULTIPLIER, LARGEST_FLOAT_OFFSET
    if not (
        len(raw.multipliers) == len(raw.offsets) == len(points) == plan.inputs
        and 1 <= raw.frac <= LONGEST_SHIFT
        and min(raw.multipliers) >= 0
        and max(raw.multipliers) <= multiplier
        and max(map(abs, raw.offsets)) <= offset
        and max(map(abs, points)) <= LARGEST_POINT
    ):
        raise InputError(
            "the integers that standardize raw features are out of range, or too few or too many"
        )


def check_features(plan: Plan, front: Front) -> None:
    """Raise InputError unless the features of a front end are the raw features of the network."""
    check_front(front)
    if feature_count(front) != plan.inputs:
        raise InputError(
            f"the front end {front.kind} has {feature_count(front)} features, but the network has"
            f" {plan.inputs} inputs"
        )
    if plan.raw is None or plan.raw_float:
        raise InputError("the plan has a front end, but does not standardize its integers")
