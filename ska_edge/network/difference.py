"""Finds the first integer in which two networks of the same plan differ, with its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ska_edge.network.state import State
from ska_edge.plan.plan import Plan
from ska_edge.rules.metric_sums import METRICS


@dataclass(frozen=True, slots=True)
class Difference:
    """The first integer that differs between a host's network and another, usually a device's.

    Attributes:
        step: number of updates when the difference was found.
        layer: layer index, for a field of the state that of the output layer; None for a number of
            no layer, such as the CRC-32 of all parameters.
        tensor: name of a tensor, of a field of the state (see `Plan.state_fields`), of a metric, or
            of another number that was compared, such as "decision", "value" or "step".
        index: position in the tensor, row first; empty for a single number.
        host, device: the two integers.
        format: Q format of both integers; empty for an integer without a format, such as a count.
        host_value, device_value: the two integers as real numbers; None without a format.
    """

    step: int
    layer: int | None
    tensor: str
    index: tuple[int, ...]
    host: int
    device: int
    format: str = ""
    host_value: float | None = None
    device_value: float | None = None

    def sentence(self, host: str = "host", device: str = "device") -> str:
        """Return the difference as text, in which the two sides have these names."""
        place = f"[{', '.join(str(i) for i in self.index)}]" if self.index else ""
        values = f"{host} {self.host}, {device} {self.device}"
        if self.host_value is not None and self.device_value is not None:
            values += f" ({self.format}: {self.host_value:g}, {self.device_value:g})"
        layer = "" if self.layer is None else f"layer {self.layer}, "
        return f"step {self.step}, {layer}{self.tensor}{place}: {values}"

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {**asdict(self), "index": list(self.index)}


def first_difference(state: State, raw: bytes) -> Difference | None:
    """Compare a device's state, as bytes, with the host's; return the first difference, if any."""
    plan, ours, place = state.plan, state.to_bytes(), 0
    for field in plan.state_fields():
        host, device = (
            np.frombuffer(side[place : place + field.size], dtype=field.kind)
            for side in (ours, raw)
        )
        place += field.size
        wrong = np.flatnonzero(host != device)
        if not len(wrong):
            continue
        flat = int(wrong[0])
        values = int(host[flat]), int(device[flat])
        if field.name == "parameters":
            return _parameter_difference(state, flat, *values)
        index = tuple(int(i) for i in np.unravel_index(flat, field.shape)) if field.shape else ()
        return Difference(state.step, plan.hidden, field.name, index, *values)
    return None


def _parameter_difference(state: State, flat: int, host: int, device: int) -> Difference:
    tensor = next(t for t in state.plan.tensors() if flat < t.offset + t.size)
    index = np.unravel_index(flat - tensor.offset, tensor.shape)
    unit = 2.0**-tensor.format.frac
    return Difference(
        step=state.step,
        layer=tensor.layer,
        tensor=tensor.name,
        index=tuple(int(i) for i in index),
        host=host,
        device=device,
        format=tensor.format.name,
        host_value=host * unit,
        device_value=device * unit,
    )


def decision_difference(
    plan: Plan, step: int, host: Sequence[int], device: Sequence[int]
) -> Difference | None:
    """Return the first difference between both sides' decisions (classes,) for a row, if any."""
    format = plan.output or plan.formats.decision
    unit = 2.0**-format.frac
    for index, (ours, theirs) in enumerate(zip(host, device, strict=True)):
        if ours != theirs:
            return Difference(
                step=step,
                layer=plan.hidden,
                tensor="value" if plan.regression else "decision",
                index=(index,),
                host=ours,
                device=theirs,
                format=format.name,
                host_value=ours * unit,
                device_value=theirs * unit,
            )
    return None


def metric_difference(
    step: int, host: Sequence[Mapping[str, int]], device: Sequence[Mapping[str, int]]
) -> Difference | None:
    """Return the first difference of the metric sums, in order of the layers, if there is one."""
    for layer, (ours, theirs) in enumerate(zip(host, device, strict=True)):
        for name in METRICS:
            if ours[name] != theirs[name]:
                return Difference(step, layer, name, (), ours[name], theirs[name])
    return None
