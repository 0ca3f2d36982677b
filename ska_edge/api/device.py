"""Defines `ska_edge.connect` and `ska_edge.Device`: a running device with a model's methods."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ska_edge.closable import Closable
from ska_edge.data.load import load
from ska_edge.data.source import Source, load_data, takes_one
from ska_edge.data.targets import REGRESSION
from ska_edge.device.info import DeviceInfo
from ska_edge.device.link import Link
from ska_edge.device.port.port import FASTEST, SLOWEST
from ska_edge.device.sample import truth_of
from ska_edge.device.sensor import RawSamples, SensorWindow
from ska_edge.errors import DeviceError, InputError
from ska_edge.model.evaluation import probabilities
from ska_edge.model.model_file import Model
from ska_edge.model.open import open_model
from ska_edge.monitor.teach import PASSES, added_label, as_known, check_name, repeated, slower
from ska_edge.monitor.verify import Report
from ska_edge.monitor.verify import verify as verify_device
from ska_edge.network.state import State
from ska_edge.plural import counted
from ska_edge.progress import Progress, silent
from ska_edge.rules.confidence import confidences
from ska_edge.wire.protocol import KEY_BYTES, Want

LONGEST_TIMEOUT = 3600  # seconds; operating systems refuse much longer timeouts


def connect(
    port: str,
    model: Model | str | os.PathLike[str] | None = None,
    *,
    baud: int = 115200,
    timeout: float = 2.0,
    key: bytes | None = None,
) -> Device:
    """Open a session with a running device, emulated or real.

    Args:
        port: a path, a pattern of paths, a USB serial number, socket://HOST:PORT or
            rfc2217://HOST:PORT.
        model: the model that was flashed, or its file. It converts features to the device's
            integers, and class numbers to classes. `info`, `save`, `reset` and `push` of a given
            model work without it.
        baud: bits per second; emulated boards ignore it.
        timeout: seconds to wait for an answer before a retry.
        key: the device's key, 32 bytes, if it was flashed with one.

    Raises InputError for an invalid argument or model file. Raises DeviceError if the port does not
    open, if nothing answers, if the plans of the device and the model differ, or if `key` is given
    for a device without a key. Raises ToolError on a system without POSIX terminals.

    Example: ``with ska_edge.connect("/dev/ttyACM0", "digits.ska") as device: device.predict(x)``
    """
    _check_connection(port, baud, timeout, key)
    if model is not None and not isinstance(model, Model):
        model = open_model(model)
    link = Link(port, baud=baud, timeout=timeout, key=key)
    try:
        link.hello()
        return Device(link, model)
    except BaseException:
        link.close()
        raise


def _check_connection(port: object, baud: object, timeout: object, key: object) -> None:
    if not isinstance(port, str):
        raise InputError(f"port is {port!r}; give its path or another name of it, as text")
    if not isinstance(baud, int) or not SLOWEST <= baud <= FASTEST:
        raise InputError(f"baud is {baud!r}; give bits per second, {SLOWEST} to {FASTEST}")
    if not isinstance(timeout, (int, float)) or not 0 < timeout <= LONGEST_TIMEOUT:
        raise InputError(f"timeout is {timeout!r}; give seconds, more than 0")
    if key is not None and not (isinstance(key, bytes) and len(key) == KEY_BYTES):
        raise InputError(f"key is not {KEY_BYTES} bytes; give the bytes of the device's key")


class Device(Closable):
    """A device that runs a model's firmware. `ska_edge.connect` makes it, and `with` closes it.

    The device has its own state: the model does not change when the device learns. `pull` returns a
    model with the device's state. `infer`, `predict` and `predict_proba` return exactly what
    `decisions`, `predict` and `predict_proba` of a `Model` with the same state return. A method
    raises DeviceError if the device does not answer, and InputError for rows or labels that the
    model refuses.

    Args:
        link: a session with the device.
        model: the model that was flashed; None if no method needs it, see `connect`.
    """

    def __init__(self, link: Link, model: Model | None = None) -> None:
        if model is not None:
            link.expect_plan(model.plan)
        self._link = link
        self._raw: RawSamples | None = None
        self._model = model
        info = link.info
        self._shown = f"{link.port}, {info.board}, {info.digest}"

    def __repr__(self) -> str:
        """Return the port, the board and the plan's digest; the device is not asked."""
        return f"{type(self).__name__}({self._shown})"

    def close(self) -> None:
        """Close the port; a second call does nothing. An emulated board keeps running."""
        self._link.close()

    @property
    def model(self) -> Model:
        """The model that was flashed; raises InputError if `connect` was given none."""
        if self._model is None:
            raise InputError("this needs the model that was flashed: give connect(port, model)")
        return self._model

    def info(self) -> DeviceInfo:
        """Ask the device for its report: board, plan, samples learned, saves and more.

        Example: ``device.info().samples``
        """
        return self._link.hello()

    def infer(self, x: ArrayLike, progress: Progress | None = None) -> NDArray[np.int64]:
        """Return the device's decisions, (rows, classes), as `Model.decisions`. The device learns
        nothing.

        Args:
            x: features (rows, inputs) in the unit of the training data.
            progress: a function that is called with (rows done, all rows) after every row.

        Example: ``(device.infer(x) == model.decisions(x)).all()``
        """
        report = progress or silent
        inputs = self.model.inputs(x)
        found = np.empty((len(inputs), self.model.plan.classes), dtype=np.int64)
        for row, values in enumerate(inputs):
            found[row] = self._link.infer(values.tolist()).decisions
            report(row + 1, len(inputs))
        return found

    def predict(self, x: ArrayLike) -> NDArray[Any]:
        """Return the class of each row, (rows,), or the values of a regression, as in
        `Model.predict`. The device learns nothing.

        Example: ``(device.predict(x) == y).mean()``
        """
        self.model.require_labels()
        known = as_known(self._link, self.model)
        decisions = self.infer(x)
        if known.plan.regression:
            return known.predicted(decisions)
        return known.named(known.classified(decisions))

    def confidence(self, x: ArrayLike) -> NDArray[np.int64]:
        """Return the difference of the two largest decisions, (rows,) in Q0.15, as `Model` does."""
        self.model.require_classes("confidence")
        return confidences(self.infer(x))

    def predict_proba(self, x: ArrayLike) -> NDArray[np.float64]:
        """Return decisions scaled to a sum of 1 per row, (rows, classes), as `Model` does."""
        self.model.require_classes("probabilities")
        known = as_known(self._link, self.model)
        return probabilities(self.infer(x)[:, known.outputs])

    def learn(self, x: ArrayLike, y: ArrayLike | None = None) -> NDArray[Any]:
        """Make one learning step on the device for each row, in order.

        Args:
            x: features (rows, inputs) in the unit of the training data.
            y: labels (rows,), of the model's classes; None for a rule without labels. For a
                regression, targets (rows,) or (rows, targets) in the unit of the training data.

        Returns:
            The class with the largest decision for each row, (rows,), or the values of a
            regression, before the device learned the row. A rule without labels gives the index of
            the output with the largest decision.

        Example: ``right = (device.learn(x, y) == y).mean()``
        """
        inputs = self.model.inputs(x)
        known = as_known(self._link, self.model)
        labels = known.targets(len(inputs), y)
        answers = [
            self._link.learn(values.tolist(), truth_of(label), Want(0)).decisions
            for values, label in zip(inputs, labels, strict=True)
        ]
        decisions = np.array(answers, dtype=np.int64).reshape(-1, known.plan.classes)
        if known.plan.regression:
            return known.predicted(decisions)
        decided = known.decided(decisions)
        return known.classes[decided] if known.plan.rule_definition.supervised else decided

    def window(self, after: int = 0, *, raw: bool = False) -> SensorWindow | None:
        """Return the newest window of the device's own sensor; None if its number is `after`.

        `window.result.predicted` is the index of its class in `model.state.labels`; for a
        regression, `model.values_of([window.result.decisions])` returns its values. With `raw`,
        `window.raw` has its raw samples (length, axes). It is None if the device had forgotten some
        of them before a call with `raw` could read them.

        Raises DeviceError for a firmware that was not generated with `sensor`, and with `raw` for
        one whose front end keeps no raw samples. Raises InputError with `raw` if `connect` was
        given no model.

        Example: ``device.window().result.predicted``
        """
        window = self._link.window(after)
        front = self.model.plan.front if raw else None
        if front is None:
            return window
        if self._raw is None:
            self._raw = RawSamples(front.length, front.hop, front.axes)
        self._raw.read(self._link.read_raw)
        return window and replace(window, raw=self._raw.of(window.number))

    def label(self, window: SensorWindow, truth: str | ArrayLike) -> SensorWindow:
        """Let the device learn a window of its sensor, and return the window.

        The device learns only its newest window, and a window only once. DeviceError is raised for
        another window, and for one that was learned as another class or with other targets. Raises
        InputError if the device has no such class, for targets that are not numbers, and for
        another number of targets than the model has.

        Args:
            window: the newest window.
            truth: the name of its class; for a regression, its target, or its targets (targets,),
                in the unit of the training data.

        Example: ``device.label(device.window(), "walk")``
        """
        if self.model.plan.regression:
            row = np.reshape(truth, (1, -1))
            (targets,) = self.model.targets(1, row).tolist()
            return self._link.label(window.number, tuple(targets))
        name = str(truth)
        state = as_known(self._link, self.model).state
        labels = {each: at for at, each in enumerate(state.labels) if state.used[at]}
        if name not in labels:
            raise InputError(f"the device has no class {name!r}; its classes: {', '.join(labels)}")
        return self._link.label(window.number, labels[name])

    def teach(self, name: str, x: ArrayLike, *, passes: int = PASSES, seed: int = 0) -> int:
        """Teach the device a class, with few rows; add the class if it is new.

        Before each row, the device learns stored samples of all classes again, if its plan has a
        replay buffer; so it forgets little. If the device's rate is too large for so few rows, the
        rate is lowered for them, and restored afterwards.

        Args:
            name: the name of the class, at most 16 bytes in UTF-8 if it is new.
            x: features (rows, inputs) in the unit of the training data; may have no row.
            passes: how many times the device learns each row.
            seed: seed of the order of the rows in each pass.

        Returns:
            The label of the class: the index of its output.

        Raises InputError for a new class if the model has no spare class left, for a name that no
        class can have, and for `passes` below 1.

        Example: ``device.teach("wave", x[:5])``
        """
        known = as_known(self._link, self.model)
        inputs = self.model.inputs(x) if np.size(x) else np.empty((0, 0), dtype=np.int64)
        if passes < 1:
            raise InputError(f"passes is {passes}; give a number of passes, at least 1")
        if check_name(known, name):
            label = self._link.add_class(name)
        else:
            label = known.state.labels.index(name)
        link = self._link
        before = link.info.halvings
        halvings = slower(self.model.plan, link.info) if len(inputs) else None
        if halvings is not None:
            link.halve_rate(halvings)
        try:
            for row in repeated(len(inputs), passes, seed).tolist():
                link.learn(inputs[row].tolist(), label, Want(0))
        finally:
            if halvings is not None:
                link.halve_rate(before)
        return label

    def forget(self, name: str) -> None:
        """Make a class that was added a spare output again; its samples and weights are gone.

        Raises InputError if the device has no such class, or if it is a class of the training.

        Example: ``device.forget("wave")``
        """
        self._link.forget_class(added_label(as_known(self._link, self.model), name))

    def pull(self) -> Model:
        """Return a model with the device's present state, bit for bit, without a float twin.

        Raises DeviceError for a state that no device of the model's plan can have.

        Example: ``device.pull().save("worn.ska")``
        """
        plan = self.model.plan
        data = self._link.pull(plan.state_bytes)
        try:
            state = State.from_bytes(plan, data)
        except InputError as error:
            raise DeviceError(
                f"the device at {self._link.port} has a state that no device of this plan can have"
                f" ({error}): flash it again"
            ) from error
        # The float twin did not learn the device's samples, so it is left out.
        return replace(self.model, state=state, reference=None)

    def push(self, model: Model | None = None) -> DeviceInfo:
        """Send a state (weights, counters, rate, stored samples) to the device, which saves it.

        Until the whole state has arrived, the device keeps its old state. A device that has saved
        too often delays a push, as it delays `save`.

        Args:
            model: the model with the state; by default the model that `connect` was given.

        Raises DeviceError if the device runs another plan, if it has another state after the
        transfer, and as `save` does.

        Example: ``device.push(ska_edge.load("worn.ska"))``
        """
        given = self.model if model is None else model
        self._link.expect_plan(given.plan)
        self._link.push(given.state.to_bytes(), given.plan.digest)
        info = self._link.hello()
        if info.crc != given.state.crc:
            raise DeviceError(
                f"the device at {self._link.port} has another state than it was given"
                f" (CRC {info.crc:08x}, not {given.state.crc:08x}): let nobody else use it, and"
                " push again"
            )
        return info

    def save(self) -> DeviceInfo:
        """Save the device's state, so that it survives a restart.

        A device that has saved too often delays this save by up to a minute.

        Raises DeviceError if the board has no memory for saves, if that memory is worn out, or if
        the delay would be more than a minute.
        """
        self._link.save()
        return self._link.hello()

    def reset(self) -> None:
        """Return the device to its flashed weights; its save stays."""
        self._link.reset()

    @takes_one
    def verify(self, data: Source, samples: int | None = None) -> Report:
        """Prove that the device learns exactly what the host learns, integer by integer.

        The device restarts from the flashed weights and learns the rows. A firmware that only
        classifies proves its decisions instead. If the rows are windows of recordings for a front
        end, the device first computes their features from the raw samples.

        Args:
            data: a built-in name, a path, a Dataset, or arrays `(x, y)`.
            samples: how many rows the device learns, from the first on; by default all rows.

        Returns:
            A Report, which has the number of compared rows and the number of parameters.

        Raises CheckError if an integer differs; the message names the first one. Raises the errors
        of `load_data`, and InputError for data that do not suit the model.

        Example: ``device.verify("digits", samples=100).parameters``
        """
        if isinstance(data, (str, os.PathLike)):
            data = load(data, model=self.model.takes)
        task = REGRESSION if self.model.plan.regression else None
        dataset = self.model.matched(load_data(data, task=task))
        if samples is not None and not 1 <= samples <= len(dataset.y):
            raise InputError(
                f"samples is {samples}, but {dataset.name} has {counted(len(dataset.y), 'row')}"
            )
        rows = dataset.take(np.arange(len(dataset.y))[:samples])
        inputs, truth = self.model.quantize(rows.x), self.model.truth(rows)
        report = verify_device(self._link, self.model, inputs, truth, raw=rows)
        report.require_equal()
        return report
