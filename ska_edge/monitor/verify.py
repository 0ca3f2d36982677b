"""Lets a device and the host learn the same samples, and compares all integers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from ska_edge.data.dataset import Dataset
from ska_edge.device.info import Result
from ska_edge.device.link import Link
from ska_edge.device.sample import Truth, truth_of
from ska_edge.errors import CheckError
from ska_edge.model.model_file import Model
from ska_edge.monitor.raw_windows import FeatureDifference, compare_windows, has_raw_windows
from ska_edge.network.difference import (
    Difference,
    decision_difference,
    first_difference,
    metric_difference,
)
from ska_edge.network.output import answers
from ska_edge.network.state import State
from ska_edge.network.trainer import FixedTrainer
from ska_edge.plan.plan import Plan
from ska_edge.progress import Progress, silent
from ska_edge.wire.protocol import Want


@dataclass(frozen=True, slots=True)
class Report:
    """The result of `verify`.

    Attributes:
        samples: number of samples that device and host learned, or only classified.
        steps: number of updates that the host has made after these samples.
        parameters: number of parameters of the plan.
        correct: samples that the device classified correctly before it learned them; 0 for a
            regression.
        first_difference: the first integer that differs; None if all are equal.
        learns: whether the firmware learns; otherwise only decisions were compared, and the CRC-32
            of the parameters.
        windows: number of windows whose features the device has computed from raw samples.
    """

    samples: int
    steps: int
    parameters: int
    correct: int
    first_difference: Difference | FeatureDifference | None
    learns: bool = True
    windows: int = 0

    @property
    def equal(self) -> bool:
        """Whether all integers were equal."""
        return self.first_difference is None

    def require_equal(self) -> None:
        """Raise CheckError with the first difference, if there is one."""
        if self.first_difference is None:
            return
        # Before the first sample, the two sides have the weights that were flashed or given.
        flashed = isinstance(self.first_difference, Difference) and not self.samples
        advice = "; give the flashed model, or flash the device again" if flashed else ""
        raise CheckError(f"device and host differ at {self.first_difference.sentence()}{advice}")


NONE: Mapping[int, str] = MappingProxyType({})
OnSample = Callable[[int, Truth, Result], None]


def _unwatched(*_: object) -> None:
    """Do nothing; the default `OnSample`."""


def verify(
    link: Link,
    model: Model,
    inputs: NDArray[np.integer],
    labels: NDArray[np.integer],
    on_sample: OnSample = _unwatched,
    added: Mapping[int, str] = NONE,
    raw: Dataset | None = None,
    on_window: Progress = silent,
) -> Report:
    """Let a device learn quantized inputs (n, d) with labels (n,) and compare it with the host.

    For a regression, `labels` are the integers of the targets, (n, classes).

    The device starts from its flashed weights. The whole state is compared before the first sample
    and after the last. After every sample, the step, the decisions, the class and the CRC-32 of the
    state are compared; after an update, all metrics of all layers, too. So a difference is found in
    the step that caused it. A difference ends the run, and the state is read to find the first
    integer that differs. `on_sample(number, label, result)` is called after every sample.

    `added` has the names of classes that the model lacks, by their labels, from the first spare
    output on. Device and host add such a class before its first sample, and the whole states are
    compared then, too.

    If `raw` has the raw samples of the rows, and the model has a front end, the device first
    computes the features of all windows; see `compare_windows`, which calls `on_window`.

    A firmware that only classifies has a state that never changes, so the CRC-32 of this state and
    the decisions for every row are compared.

    Raises DeviceError if the device runs another plan or stops answering.
    """
    link.hello()
    link.expect_plan(model.plan)
    windows = 0
    if raw is not None and has_raw_windows(model.plan, raw):
        unequal = compare_windows(link, model.plan, raw, inputs, on_window)
        if unequal is not None:
            count = model.plan.parameter_count
            return Report(0, 0, count, 0, unequal, link.info.learns, unequal.window)
        windows = len(inputs)
    if not link.info.learns:
        return _verify_decisions(link, model, inputs, labels, on_sample, windows)
    link.reset()
    trainer, plan = FixedTrainer(flashed_state(link, model), check=False), model.plan
    found = compare_state(link, trainer.state)
    samples = correct = 0
    for row, label in zip(inputs, labels, strict=True):
        if found:
            break
        if not plan.regression and int(label) in added and not trainer.state.used[label]:
            found = _add_classes(link, trainer.state, added, int(label))
            if found:
                break
        before = trainer.state.step
        decisions = trainer.learn_one(row, label)
        updated = trainer.state.step > before
        want = Want.CRC | (Want.METRICS if updated else Want(0))
        result = link.learn(row.tolist(), truth_of(label), want)
        found = _compare_result(trainer, decisions, result, updated)
        samples += 1
        correct += not plan.regression and result.predicted == int(label)
        on_sample(samples, truth_of(label), result)
        if found or result.crc != trainer.state.crc:
            # A metric or the CRC shows that something differs; the state shows what differs.
            found = compare_state(link, trainer.state) or found
    if not found:
        found = compare_state(link, trainer.state)
    parameters = model.plan.parameter_count
    return Report(samples, trainer.state.step, parameters, correct, found, windows=windows)


def _verify_decisions(
    link: Link,
    model: Model,
    inputs: NDArray[np.integer],
    labels: NDArray[np.integer],
    on_sample: OnSample,
    windows: int,
) -> Report:
    plan = model.plan
    trainer = FixedTrainer(model.state.flashed(), check=False)
    found, crc = None, State(plan, model.state.parameters).crc
    if link.info.crc != crc:
        found = Difference(0, None, "CRC-32 of all parameters", (), crc, link.info.crc)
    samples = correct = 0
    for row, label in zip(inputs, labels, strict=True):
        if found:
            break
        result = link.infer(row.tolist())
        decisions = trainer.infer(row[None])[0]
        found = decision_difference(
            plan, 0, decisions.tolist(), result.decisions
        ) or _class_difference(plan, 0, decisions, result)
        samples += 1
        correct += not plan.regression and result.predicted == int(label)
        on_sample(samples, truth_of(label), result)
    return Report(samples, 0, plan.parameter_count, correct, found, learns=False, windows=windows)


def flashed_state(link: Link, model: Model) -> State:
    """Return the state of a device that has a model's firmware and has just been reset.

    The model does not say how many stored samples the firmware has, but the device's CRC shows it.
    """
    crc = link.hello().crc
    states = model.state.starts()
    return next((state for state in states if state.crc == crc), model.state.flashed())


def _add_classes(
    link: Link, state: State, added: Mapping[int, str], last: int
) -> Difference | None:
    """Add the classes up to a label on the device and on the host; return the first difference."""
    for label in sorted(each for each in added if each <= last):
        theirs, ours = link.add_class(added[label]), state.add_class(added[label])
        if theirs != ours:
            return Difference(state.step, None, "label of the added class", (), ours, theirs)
    return compare_state(link, state)


def compare_state(link: Link, state: State) -> Difference | None:
    """Read a device's state; return the first integer that differs from the host's."""
    return first_difference(state, link.pull(state.plan.state_bytes))


def _compare_result(
    trainer: FixedTrainer, decisions: NDArray[np.int64], result: Result, updated: bool
) -> Difference | None:
    plan, step = trainer.plan, trainer.state.step
    last = len(plan.layers) - 1
    if result.step != step:
        return Difference(step, last, "step", (), step, result.step)
    found = decision_difference(plan, step, decisions.tolist(), result.decisions)
    if found is not None:
        return found
    found = _class_difference(plan, step, decisions, result)
    if found is not None or not updated:
        return found
    return metric_difference(step, trainer.metrics(), result.metrics)


def _class_difference(
    plan: Plan, step: int, decisions: NDArray[np.int64], result: Result
) -> Difference | None:
    """Compare the class of a sample, from the host's decisions (classes,) and a device's answer."""
    predicted = int(answers(plan, decisions[None])[0])
    if result.predicted == predicted:
        return None
    return Difference(step, plan.hidden, "predicted", (), predicted, result.predicted)
