"""What a device says is checked here, before anybody uses it: by itself, and against its plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from ska_edge.device import device_errors
from ska_edge.device.info import DeviceInfo, Result
from ska_edge.errors import DeviceError
from ska_edge.rules.metric_sums import SIGNED_METRICS

Reply = tuple[str, dict[str, Any]]
"""Name of a message, and its values by field."""

WIDTHS = (1, 2)  # bytes that an element of an input can have


class HasBits(Protocol):
    """A format; see `QFormat`."""

    @property
    def bits(self) -> int:
        """Width of its integers."""


class HasInput(Protocol):
    """A layer; see `LayerPlan`."""

    @property
    def input(self) -> HasBits:
        """Format of what comes in."""


class PlanShape(Protocol):
    """What a device that runs a plan must say of itself; see `Plan`."""

    @property
    def digest(self) -> str:
        """Hexadecimal digits that name it."""

    @property
    def inputs(self) -> int:
        """Elements of an input."""

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
        """How often the rate can be halved."""


def check_info(info: DeviceInfo, plan: PlanShape | None, port: str) -> None:
    """DeviceError for a WELCOME that no device sends, or none of this plan, where one is given."""
    for count, what in (
        (info.inputs, "inputs"),
        (info.classes, "classes"),
        (info.layers, "layers"),
        (info.credit, "requests that may be under way"),
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
                f"the device at {port} has {said} {what}, its plan {planned}; flash it again"
            )
    if info.halvings > plan.rate_halvings_max:
        raise DeviceError(
            f"the device at {port} has halved its rate {info.halvings} times, its plan allows"
            f" {plan.rate_halvings_max}; flash it again"
        )


def check_digest(info: DeviceInfo, digest: str, port: str) -> None:
    """DeviceError unless a device runs the plan with this digest, of which it knows a beginning."""
    wanted = digest[: len(info.digest)]
    if wanted.lower() != info.digest:
        raise device_errors.other_plan(port, info.digest, wanted)


def result_of(replies: Sequence[Reply], layers: int) -> Result:
    """What the replies to a SAMPLE or INFER say; DeviceError for what no device can mean.

    Args:
        replies: METRICS sorted by layer, then RESULT, which has a decision for each class.
        layers: how many of them there should be, one per layer.
    """
    metrics = []
    for index, (_, values) in enumerate(replies[:-1]):
        sums = dict(values)
        layer = sums.pop("layer")
        del sums["step"]
        if layer != index or layer >= layers:
            raise DeviceError(
                f"the device sends metrics of layer {layer}, and has {layers} layers; flash it"
                " again"
            )
        for name, value in sums.items():
            if value < 0 and name not in SIGNED_METRICS:
                raise DeviceError(f"the device says {value} for {name}, which is never negative")
        metrics.append(sums)
    result = Result(**replies[-1][1], metrics=tuple(metrics))
    if result.predicted >= len(result.decisions):
        raise DeviceError(
            f"the device says that class {result.predicted} is the largest of"
            f" {len(result.decisions)} decisions; flash it again"
        )
    return result
