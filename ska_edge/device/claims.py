"""Checks the values that a device reports: by themselves, and against the plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from ska_edge.device import device_errors
from ska_edge.device.info import DeviceInfo, Result
from ska_edge.errors import DeviceError
from ska_edge.rules.confidence import UNKNOWN
from ska_edge.rules.metric_sums import SIGNED_METRICS

Reply = tuple[str, dict[str, Any]]
"""The name of a message, and its values by field."""

WIDTHS = (1, 2)  # bytes that an element of an input can have


class HasBits(Protocol):
    """The part of a `QFormat` that the checks need."""

    @property
    def bits(self) -> int:
        """Width of the integers."""


class HasInput(Protocol):
    """The part of a `LayerPlan` that the checks need."""

    @property
    def input(self) -> HasBits:
        """Format of the layer's input."""


class PlanShape(Protocol):
    """The properties of a `Plan` with which a device's report is compared."""

    @property
    def digest(self) -> str:
        """Hexadecimal digits that identify the plan."""

    @property
    def inputs(self) -> int:
        """Number of elements of an input."""

    @property
    def classes(self) -> int:
        """Width of the output layer."""

    @property
    def layers(self) -> Sequence[HasInput]:
        """Hidden layers and the output layer."""

    @property
    def state_bytes(self) -> int:
        """Size of the state."""

    @property
    def rate_halvings_max(self) -> int:
        """How many times the rate can be halved."""


def check_info(info: DeviceInfo, plan: PlanShape | None, port: str) -> None:
    """Raise DeviceError for an impossible WELCOME, or one that contradicts the given plan."""
    for count, what in (
        (info.inputs, "inputs"),
        (info.classes, "classes"),
        (info.layers, "layers"),
        (info.credit, "requests that may be in flight"),
    ):
        if count < 1:
            raise DeviceError(f"the device at {port} says that it has 0 {what}; flash it again")
    if info.input_width not in WIDTHS:
        raise DeviceError(
            f"the device at {port} says that an element of an input has {info.input_width} bytes,"
            " which no plan has; flash it again"
        )
    if plan is not None:
        _check_plan(info, plan, port)


def _check_plan(info: DeviceInfo, plan: PlanShape, port: str) -> None:
    check_digest(info, plan.digest, port)
    for said, planned, what in (
        (info.inputs, plan.inputs, "inputs"),
        (info.input_width, plan.layers[0].input.bits // 8, "bytes in an element of an input"),
        (info.classes, plan.classes, "classes"),
        (info.layers, len(plan.layers), "layers"),
        (info.state_bytes, plan.state_bytes, "bytes of state"),
    ):
        if said != planned:
            raise DeviceError(
                f"the device at {port} has {said} {what}, but its plan has {planned};"
                " flash it again"
            )
    if info.halvings > plan.rate_halvings_max:
        raise DeviceError(
            f"the device at {port} has halved its rate {info.halvings} times, but its plan allows"
            f" {plan.rate_halvings_max}; flash it again"
        )


def check_digest(info: DeviceInfo, digest: str, port: str) -> None:
    """Raise DeviceError unless `digest` begins with the 16 digits that the device reports."""
    wanted = digest[: len(info.digest)]
    if wanted.lower() != info.digest:
        raise device_errors.other_plan(port, info.digest, wanted)


def result_of(replies: Sequence[Reply], layers: int) -> Result:
    """Read the replies to a SAMPLE or INFER; raise DeviceError for impossible values.

    Args:
        replies: METRICS sorted by layer, then RESULT, which has one decision per class.
        layers: number of layers whose METRICS may be among the replies.
    """
    metrics = []
    for index, (_, values) in enumerate(replies[:-1]):
        sums = dict(values)
        layer = sums.pop("layer")
        del sums["step"]
        if layer != index or layer >= layers:
            raise DeviceError(
                f"the device sends metrics of layer {layer}, but has {layers} layers; flash it"
                " again"
            )
        for name, value in sums.items():
            if value < 0 and name not in SIGNED_METRICS:
                raise DeviceError(
                    f"the device says that {name}, which is never negative, is {value}"
                )
        metrics.append(sums)
    result = Result(**replies[-1][1], metrics=tuple(metrics))
    if result.predicted >= len(result.decisions) and result.predicted != UNKNOWN:
        raise DeviceError(
            f"the device says that class {result.predicted} is the largest of"
            f" {len(result.decisions)} decisions; flash it again"
        )
    return result
