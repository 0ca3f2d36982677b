"""Holds everything that learning changes in a network: as arrays, or as bytes of a device."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ska_edge.arithmetic.fixedpoint import Rate
from ska_edge.arithmetic.numpy_ops import Integers
from ska_edge.errors import InputError
from ska_edge.network.replay_buffer import ReplayBuffer
from ska_edge.network.spare_names import bytes_of, no_spare, text_of
from ska_edge.plan.memory import Memory
from ska_edge.plan.plan import Plan
from ska_edge.plan.spare import NAME_BYTES
from ska_edge.plan.state_field import StateField
from ska_edge.rules.confidence import UNKNOWN_NAMES


class State:
    """The parameters of a plan's network, and everything that it needs to continue bit for bit.

    Attributes:
        plan: the plan of the network.
        parameters: (plan.parameter_count,) int64 in the order of `Plan.tensors`.
        step: updates made so far.
        samples: samples learned so far, as a device counts them.
        replay: the replay buffer, if the plan has one.
        batch: (plan.batch, inputs), the collected samples of rules without labels.
        held: number of collected samples.
        halvings: how many times `halve_rate` has halved the plan's rate.
        names: (plan.spares, NAME_BYTES), the names of the added classes; see `spare_names`.
        mean: (inputs,), the running mean of each input in `neuron.mean_format`.
        variance: (inputs,), the running variance of each input minus 1 in `neuron.VARIANCE`.

    Raises InputError for parameters of another number, or beyond the formats of the plan.
    """

    def __init__(
        self, plan: Plan, parameters: NDArray[np.integer] | None = None, step: int = 0
    ) -> None:
        self.plan = plan
        self.step = step
        self.samples = 0
        self.held = 0
        self.halvings = 0
        self.replay = ReplayBuffer(plan, plan.inputs)
        self.names = np.zeros((plan.spares, NAME_BYTES), dtype=np.int64)
        self.mean = np.zeros(plan.inputs, dtype=np.int64)
        self.variance = np.zeros(plan.inputs, dtype=np.int64)
        self.batch = np.zeros((plan.batch, plan.inputs), dtype=np.int64)
        self.parameters = np.zeros(plan.parameter_count, dtype=np.int64)
        self._views: dict[tuple[int, str], Integers] = {}
        for tensor in plan.tensors():
            flat = self.parameters[tensor.offset : tensor.offset + tensor.size]
            self._views[tensor.layer, tensor.name] = flat.reshape(tensor.shape)
        if parameters is not None:
            if parameters.shape != self.parameters.shape:
                raise InputError(
                    f"{parameters.size} parameters, but the plan has {self.parameters.size}"
                )
            self.parameters[:] = parameters
            self._check()

    def _check(self) -> None:
        for tensor in self.plan.tensors():
            view = self._views[tensor.layer, tensor.name]
            if view.min() < tensor.format.minimum or view.max() > tensor.format.maximum:
                raise InputError(
                    f"layer {tensor.layer}: a {tensor.name} exceeds {tensor.format.name}"
                )

    @property
    def places(self) -> set[tuple[int, str]]:
        """The layer and the name of every tensor."""
        return set(self._views)

    @property
    def rate(self) -> Rate:
        """The rate of the next update; a normalized step may divide it further."""
        return Rate(self.plan.rate.mantissa, self.plan.rate.shift + self.halvings_now)

    @property
    def halvings_now(self) -> int:
        """How many times the plan's rate is halved for the next sample; see `Plan.halvings`."""
        return self.plan.halvings(self.samples & 0xFFFF_FFFF, self.halvings)

    def halve_rate(self, times: int) -> None:
        """Set the rate to the plan's rate, halved `times` times; only the rate's shift changes.

        Raises InputError if the plan's rate cannot be halved that many times.
        """
        if not 0 <= times <= self.plan.rate_halvings_max:
            raise InputError(
                f"this plan's rate can be halved at most {self.plan.rate_halvings_max} times,"
                f" not {times}"
            )
        self.halvings = times

    def tensor(self, layer: int, name: str) -> Integers:
        """Return a view of one tensor; writing to it changes the state."""
        return self._views[layer, name]

    def copy(self) -> State:
        """Return an independent copy."""
        return _restored(self.plan, self.to_bytes(), self.step, self.samples)

    def __reduce__(self) -> tuple[Any, ...]:
        """Let pickle and copy restore the views; otherwise they would become separate arrays."""
        return _restored, (self.plan, self.to_bytes(), self.step, self.samples)

    def learned(self, plan: Plan | None = None) -> State:
        """Return a state with these parameters, classes, running averages and this step.

        Other fields are initial. `plan` is the plan of the new state, with the same parameters and
        spare outputs; None for the plan of this state.
        """
        state = State(plan or self.plan, self.parameters, self.step)
        state.names[:] = self.names
        state.mean[:], state.variance[:] = self.mean, self.variance
        return state

    def flashed(self, prefill: int = 0) -> State:
        """Return the initial state of a device whose firmware has these parameters, classes and
        running averages.

        Its replay buffer has the first `prefill` stored samples of each class.
        """
        state = State(self.plan, self.parameters)
        state.names[:] = self.names
        state.mean[:], state.variance[:] = self.mean, self.variance
        for label, samples in enumerate(self.memory(prefill).samples):
            state.replay.samples[label, : len(samples)] = samples
            state.replay.seen[label] = len(samples)
        return state

    def starts(self) -> Iterator[State]:
        """Yield the `flashed` state for every possible `prefill`, from 0 on.

        The host does not know the `prefill` of a device's firmware; the device's CRC shows it.
        """
        return map(self.flashed, range(int(self.replay.held.max()) + 1))

    def memory(self, prefill: int = 0) -> Memory:
        """Return what a firmware remembers besides these parameters; see `flashed`."""
        buffer = self.replay
        counts = np.minimum(buffer.held, prefill).tolist()
        samples = (buffer.samples[label, :count] for label, count in enumerate(counts))
        return Memory(self.names, tuple(samples), self.mean, self.variance)

    # --- classes --------------------------------------------------------------------------------

    @property
    def used(self) -> NDArray[np.bool_]:
        """Whether each output is a class, (classes,); `add_class` makes a spare output a class."""
        named = np.ones(self.plan.named, dtype=np.bool_)
        return np.concatenate([named, self.names[:, :1].any(axis=1)])

    @property
    def labels(self) -> tuple[str, ...]:
        """The name of each output, (classes,), with the plan's label for a spare output."""
        plan = self.plan
        added = [text_of(name) for name in self.names]
        spare = plan.labels[plan.named :]
        return (
            *plan.labels[: plan.named],
            *(name or label for name, label in zip(added, spare, strict=True)),
        )

    def add_class(self, name: str) -> int:
        """Make the first spare output a class with this name, as a device does; return its index.

        A name that an added class already has changes nothing. Raises InputError if no spare output
        is left, for a label of the plan, as `bytes_of` does, and, if the plan has a least
        confidence, for the name of unknown samples.
        """
        if name in self.plan.labels:
            raise InputError(f"the model has the class '{name}' already")
        if self.plan.least_confidence and name in UNKNOWN_NAMES:
            raise InputError(f"'{name}' is the name that samples of no known class get")
        wanted, labels = bytes_of(name), self.labels
        if name in labels:
            return labels.index(name)
        free = np.flatnonzero(~self.used)
        if not len(free):
            raise InputError(no_spare(name, self.plan.spares))
        label = int(free[0])
        self.names[label - self.plan.named] = wanted
        return label

    def check_label(self, label: int) -> None:
        """Raise InputError for the label of a spare output that is not in use."""
        if self.plan.named <= label and not self.used[label]:
            raise InputError(f"output {label} is a spare output that is not in use; add a class")

    def forget_class(self, label: int) -> None:
        """Make an added class a spare output again, as a device does.

        Its stored samples, and its rows of the output layer and of all readouts, become 0. Raises
        InputError if the output is not an added class.
        """
        if not (self.plan.named <= label < self.plan.classes and self.used[label]):
            raise InputError(f"output {label} is not an added class")
        self.names[label - self.plan.named] = 0
        self.replay.samples[label] = 0
        self.replay.seen[label] = 0
        for tensor in self.plan.tensors():
            if tensor.layer == self.plan.hidden or tensor.name.startswith("readout"):
                self.tensor(tensor.layer, tensor.name)[label] = 0

    # --- as bytes -------------------------------------------------------------------------------

    def to_bytes(self) -> bytes:
        """Return the state in the memory layout of a device, `plan.state_bytes` long."""
        fields = self.plan.state_fields()
        return b"".join(self.field(field).astype(field.kind).tobytes() for field in fields)

    @property
    def crc(self) -> int:
        """The CRC-32 (as in zip files) of the state's bytes."""
        return zlib.crc32(self.to_bytes())

    @classmethod
    def from_bytes(cls, plan: Plan, data: bytes) -> State:
        """Read the state from a device's bytes; raise InputError for an impossible state."""
        if len(data) != plan.state_bytes:
            raise InputError(
                f"{len(data)} bytes of state, but the plan has {plan.state_bytes}; they belong to"
                " another plan"
            )
        state, place = cls(plan), 0
        for field in plan.state_fields():
            values = np.frombuffer(data[place : place + field.size], dtype=field.kind)
            state.set_field(field, values.astype(np.int64).reshape(field.shape))
            place += field.size
        state._check()
        if (
            state.held >= max(plan.batch, 1)
            or state.halvings > plan.rate_halvings_max
            or state.replay.seen.max() > plan.replay.most_seen
        ):
            raise InputError("the bytes of a state are damaged: a counter is out of range")
        if len(set(state.labels)) != plan.classes:
            raise InputError("the bytes of a state are damaged: two classes have the same name")
        return state

    def field(self, field: StateField) -> Integers:
        """Return the integers of one field; step and samples wrap at 32 bits, as on a device."""
        values = {
            "step": self.step & 0xFFFF_FFFF,
            "samples": self.samples & 0xFFFF_FFFF,
            "drawn": self.replay.drawn,
            "parameters": self.parameters,
            "seen": self.replay.seen,
            "replay": self.replay.samples,
            "held": self.held,
            "batch": self.batch,
            "names": self.names,
            "mean": self.mean,
            "variance": self.variance,
            "rate_halvings": self.halvings,
        }
        return np.asarray(values[field.name], dtype=np.int64)

    def set_field(self, field: StateField, values: NDArray[np.integer]) -> None:
        """Set one field to the integers of a device."""
        arrays = {
            "parameters": self.parameters,
            "seen": self.replay.seen,
            "replay": self.replay.samples,
            "batch": self.batch,
            "names": self.names,
            "mean": self.mean,
            "variance": self.variance,
        }
        if field.name in arrays:
            arrays[field.name][:] = values
        elif field.name == "drawn":
            self.replay.drawn = int(values)
        elif field.name == "rate_halvings":
            self.halvings = int(values)
        else:
            setattr(self, field.name, int(values))


def _restored(plan: Plan, data: bytes, step: int, samples: int) -> State:
    """Restore a state from its bytes and counters; `data` has only their lower 32 bits."""
    state = State.from_bytes(plan, data)
    state.step, state.samples = step, samples
    return state
