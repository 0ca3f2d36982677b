"""The proof: device and host learn the same samples, and all integers are compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ska_edge.device.info import Result
from ska_edge.device.link import Link
from ska_edge.model.model_file import Model
from ska_edge.network.state import State
from ska_edge.network.trainer import FixedTrainer
from ska_edge.plan.plan import Plan
from ska_edge.rules.metric_sums import METRICS
from ska_edge.wire.protocol import Want


@dataclass(frozen=True, slots=True)
class Difference:
    """The first integer in which device and host differ.

    Attributes:
        step: number of updates when it was found.
        layer: layer index.
        tensor: "weight", "bias", "readout_weight", "readout_bias", another field of the state (see
            `Plan.state_fields`), "decision", "predicted" or the name of a metric.
        index: position in the tensor, row first; empty for a single number.
        host, device: the two integers.
        format: Q format of both, empty for steps, classes and metrics.
        host_value, device_value: the two integers as real numbers; None without a format.
    """

    step: int
    layer: int
    tensor: str
    index: tuple[int, ...]
    host: int
    device: int
    format: str = ""
    host_value: float | None = None
    device_value: float | None = None

    def sentence(self) -> str:
        """The difference as text."""
        place = f"[{', '.join(str(i) for i in self.index)}]" if self.index else ""
        values = f"host {self.host}, device {self.device}"
        if self.host_value is not None and self.device_value is not None:
            values += f" ({self.format}: {self.host_value:g}, {self.device_value:g})"
        return f"step {self.step}, layer {self.layer}, {self.tensor}{place}: {values}"

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {**asdict(self), "index": list(self.index)}


@dataclass(frozen=True, slots=True)
class Report:
    """Result of `verify`.

    Attributes:
        samples: number of samples that both learned.
        steps: the host's number of updates after them.
        parameters: number of learned integers that were compared at the end.
        correct: samples that the device classified correctly before it learned them.
        first_difference: None if everything was equal.
    """

    samples: int
    steps: int
    parameters: int
    correct: int
    first_difference: Difference | None

    @property
    def equal(self) -> bool:
        """Whether no integer differed."""
        return self.first_difference is None


OnSample = Callable[[int, int, Result], None]


def _unwatched(*_: object) -> None:
    """An `OnSample` that does nothing."""


def verify(
    link: Link,
    model: Model,
    inputs: NDArray[np.integer],
    labels: NDArray[np.integer],
    on_sample: OnSample = _unwatched,
) -> Report:
    """Let a device learn quantized inputs (n, d) with labels (n,) and compare it with the host.

    The device starts from its flashed weights. The whole state is compared before the first sample
    and after the last. After every sample, the step, the decisions, the class and the CRC-32 of the
    state are compared, and after an update all metrics of all layers. A difference is thus found
    in the step that caused it. It ends the run; the state is then read to find the first integer
    that differs.
    `on_sample(number, label, result)` is called after every sample.

    Raises DeviceError if the device runs another plan or stops answering.
    """
    link.hello()
    link.expect_plan(model.plan)
    link.reset()
    trainer = FixedTrainer(model.state.flashed(), check=False)
    found = compare_state(link, trainer.state)
    samples = correct = 0
    for row, label in zip(inputs, labels, strict=True):
        if found:
            break
        before = trainer.state.step
        decisions = trainer.learn_one(row, int(label))
        updated = trainer.state.step > before
        want = Want.CRC | (Want.METRICS if updated else Want(0))
        result = link.learn(row.tolist(), int(label), want)
        found = _compare_result(trainer, decisions, result, updated)
        samples += 1
        correct += int(result.predicted == int(label))
        on_sample(samples, int(label), result)
        if found or result.crc != trainer.state.crc:
            # A metric or the CRC shows that something differs; the state shows where.
            found = compare_state(link, trainer.state) or found
    if not found:
        found = compare_state(link, trainer.state)
    return Report(samples, trainer.state.step, model.plan.parameter_count, correct, found)


def compare_state(link: Link, state: State) -> Difference | None:
    """The first integer, in memory order, in which a device's state differs from the host's."""
    return first_difference(state, link.pull(state.plan.state_bytes))


def first_difference(state: State, raw: bytes) -> Difference | None:
    """The first integer in which a device's state, as bytes, differs from the host's."""
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
    """The difference of one parameter, with its tensor and index."""
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


def _compare_result(
    trainer: FixedTrainer, decisions: NDArray[np.integer], result: Result, updated: bool
) -> Difference | None:
    plan, step = trainer.plan, trainer.state.step
    last = len(plan.layers) - 1
    if result.step != step:
        return Difference(step, last, "step", (), step, result.step)
    for index, (ours, theirs) in enumerate(zip(decisions.tolist(), result.decisions, strict=True)):
        if ours != theirs:
            return _decision_difference(plan, step, index, ours, theirs)
    predicted = int(decisions.argmax())
    if result.predicted != predicted:
        return Difference(step, last, "predicted", (), predicted, result.predicted)
    if not updated:
        return None
    for layer, (host, device) in enumerate(zip(trainer.metrics(), result.metrics, strict=True)):
        for name in METRICS:
            if host[name] != device[name]:
                return Difference(step, layer, name, (), host[name], device[name])
    return None


def _decision_difference(plan: Plan, step: int, index: int, ours: int, theirs: int) -> Difference:
    format = plan.formats.decision
    unit = 2.0**-format.frac
    return Difference(
        step=step,
        layer=len(plan.layers) - 1,
        tensor="decision",
        index=(index,),
        host=ours,
        device=theirs,
        format=format.name,
        host_value=ours * unit,
        device_value=theirs * unit,
    )
