"""Defines the trainer that calls the compiled C."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ska_edge.arithmetic.numpy_ops import Integers
from ska_edge.errors import CheckError, InputError
from ska_edge.network.engine.binding import Library, Network
from ska_edge.network.engine.interface import Rows, narrow
from ska_edge.network.engine.referee import Disagreement, Referee
from ska_edge.network.state import State
from ska_edge.network.trainer import FixedTrainer, LayerOutput, Learned
from ska_edge.rules.metric_sums import METRICS

PIECE = 2**24  # about this many products per call, so that Ctrl-C works soon


class NativeTrainer:
    """Infers and learns with compiled C; gives the same bits as `FixedTrainer`.

    A supervised plan must have batch 1.

    Args:
        state: plan and parameters.
        library: the compiled library of the plan.

    Attributes:
        state: the state that it changes.
    """

    def __init__(self, state: State, library: Library) -> None:
        self.state = state
        self.plan = state.plan
        self._library = library
        self._network = Network(library)
        self._scratch = Network(library)  # for inference, which overwrites a network's metrics
        self._referee = Referee()
        self._updated = False
        self._neurons = sum(layer.outputs for layer in self.plan.layers)
        updates = (1 + self.plan.replay.per_sample) * self.plan.steps
        self._piece = max(1, PIECE // (self.plan.parameter_count * updates))

    # --- forward --------------------------------------------------------------------------------

    def forward(self, inputs: Rows) -> Iterator[LayerOutput]:
        """Yield the values of every layer for quantized inputs (n, d), layer by layer."""
        x, shape = self._inputs(inputs), (len(inputs), self._neurons)
        wide = self.plan.formats.knowledge.bits > 16
        knowledge = np.empty(shape, dtype=np.int32 if wide else np.int16)
        decisions = np.empty(shape, dtype=np.int16)
        activations = np.empty(shape, dtype=x.dtype)
        self._scratch.load(self.state)
        self._library.call(
            "forward", self._scratch.memory, x, len(x), knowledge, decisions, activations
        )
        for index, layer in enumerate(self.plan.layers):
            first = self.plan.first_neuron(index)
            values = (
                each[:, first : first + layer.outputs].astype(np.int64)
                for each in (knowledge, decisions, activations)
            )
            yield LayerOutput(*values)

    def infer(self, inputs: Rows) -> Integers:
        """Return decisions (n, classes) for quantized inputs (n, d), as `FixedTrainer.infer`."""
        x = self._inputs(inputs)
        decisions = np.empty((len(x), self.plan.classes), dtype=np.int16)
        self._scratch.load(self.state)
        for start in range(0, len(x), self._piece):
            rows = slice(start, start + self._piece)
            part = x[rows]
            self._library.call("infer", self._scratch.memory, part, len(part), decisions[rows])
        return decisions.astype(np.int64)

    # --- learning -------------------------------------------------------------------

    def learn_one(self, inputs: Rows, label: int | Integers) -> Integers:
        """Learn one sample, inputs (d,), as a device does; see `FixedTrainer.learn_one`."""
        (learned,) = self.learn_stream(np.asarray(inputs)[None, :], np.array([label]))
        decisions: Integers = learned.decisions[0]
        return decisions

    def learn_stream(self, inputs: Rows, labels: Rows) -> Iterator[Learned]:
        """Learn rows in order as a device does; yield the results of some rows at a time."""
        return self._pieces(inputs, labels, counted=True)

    def learn_many(self, inputs: Rows, labels: Rows) -> Iterator[Integers]:
        """Learn rows in order; yield the decisions (n, classes) of some rows at a time."""
        # numpy counts samples only if it learns them one by one
        counted = self.plan.replay.per_class > 0 or self.plan.running_normalization
        for learned in self._pieces(inputs, labels, counted):
            yield learned.decisions

    def _pieces(self, inputs: Rows, labels: Rows, counted: bool) -> Iterator[Learned]:
        """Learn rows piece by piece; `counted` says whether the state counts the samples."""
        x, y = self._inputs(inputs), self._truth(labels, len(inputs))
        numpy: FixedTrainer | None = None
        for rows, compared in self._referee.pieces(len(x), self._piece):
            if compared:
                if numpy is None or numpy.state.to_bytes() != self.state.to_bytes():
                    numpy = FixedTrainer(self.state.copy(), check=False)
                yield self._compared(numpy, x[rows], y[rows], counted)
            else:
                yield self._learn(x[rows], y[rows], counted)

    def _learn(self, x: Rows, y: Rows, counted: bool) -> Learned:
        decisions = np.empty((len(x), self.plan.classes), dtype=np.int16)
        steps = np.empty(len(x), dtype=np.uint32)
        before, samples = self.state.step, self.state.samples
        self._network.load(self.state)
        self._library.call("learn", self._network.memory, x, y, len(x), decisions, steps, None)
        self._network.store(self.state)
        if not counted:
            self.state.samples = samples
        self._updated = self._updated or self.state.step > before
        return Learned(decisions.astype(np.int64), before - 1 + steps.astype(np.int64))

    def _compared(self, numpy: FixedTrainer, x: Rows, y: Rows, counted: bool) -> Learned:
        """Learn one row, x of shape (1, d), here and in numpy, and compare the results."""
        learned = self._learn(x, y, counted)
        expected = numpy.learn_one(x[0], y[0])
        if not counted:
            numpy.state.samples = self.state.samples
        self._referee.compare(numpy, expected, self, learned.decisions[0])
        return learned

    # --- the last update ------------------------------------------------------------------------

    def last_shifts(self) -> list[Integers]:
        """Return every layer's shifts (batch, width) of the last update; empty before the first."""
        if not self._updated:
            return []
        batch = 1 if self.plan.rule_definition.supervised else self.plan.batch
        shifts = np.empty((batch, self._neurons), dtype=np.int16)
        self._library.call("shifts", self._network.memory, shifts)
        firsts = [self.plan.first_neuron(layer) for layer in range(1, len(self.plan.layers))]
        return [part.astype(np.int64) for part in np.split(shifts, firsts, axis=1)]

    def metrics(self) -> list[dict[str, int]]:
        """Return the sums of `metric_sums.METRICS` of the last update, per layer.

        Raises InputError before the first update. For a rule without labels, no sample of the next
        batch may have been learned yet.
        """
        if not self._updated:
            raise InputError("there are no metrics before the first update")
        sums = np.empty((len(self.plan.layers), len(METRICS)), dtype=np.int64)
        for layer, row in enumerate(sums):
            self._library.call("metrics", self._network.memory, layer, row)
        return [dict(zip(METRICS, row, strict=True)) for row in sums.tolist()]

    # --- arguments ------------------------------------------------------------------------------

    def _inputs(self, inputs: Rows) -> Rows:
        format = self.plan.layers[0].input
        if inputs.ndim != 2 or inputs.shape[1] != self.plan.inputs:
            raise InputError(f"inputs of shape {inputs.shape} for a plan of {self.plan.inputs}")
        if inputs.dtype.itemsize * 8 != format.bits and inputs.size:
            if inputs.min() < format.minimum or inputs.max() > format.maximum:
                raise InputError(f"an input exceeds {format.name}")
            inputs = narrow(self.plan, inputs)
        return np.ascontiguousarray(inputs)

    def _truth(self, labels: Rows, rows: int) -> Rows:
        if len(labels) != rows:
            raise InputError(f"{len(labels)} labels for {rows} rows")
        output = self.plan.output
        if output is not None:
            if labels.shape != (rows, self.plan.classes):
                raise InputError(f"targets of shape {labels.shape} for {self.plan.classes} targets")
            if rows and (labels.min() < output.minimum or labels.max() > output.maximum):
                raise InputError(f"a target exceeds {output.name}")
            return np.ascontiguousarray(labels, dtype=np.int16)
        if rows and (labels.min() < 0 or labels.max() >= self.plan.classes):
            raise InputError(f"a label is none of {self.plan.classes} classes")
        for label in np.unique(labels) if self.plan.spares else ():
            self.state.check_label(int(label))
        return np.ascontiguousarray(labels, dtype=np.uint16)


def check_library(library: Library) -> None:
    """Compare a new library with numpy on random data; raise CheckError if a bit differs."""
    plan = library.plan
    rng = np.random.default_rng(0)
    top, format = 2 ** (plan.formats.weight_bits - 1), plan.layers[0].input
    state = State(plan, rng.integers(-top // 4, top // 4, plan.parameter_count))
    inputs = rng.integers(format.minimum, format.maximum + 1, (4, plan.inputs))
    trainer, numpy = NativeTrainer(state, library), FixedTrainer(state.copy(), check=False)
    if not np.array_equal(trainer.infer(inputs), numpy.infer(inputs)):
        raise CheckError("its inferences differ from numpy's")
    truth = rng.integers(plan.named, size=4)
    if plan.output is not None:
        truth = rng.integers(plan.output.minimum, plan.output.maximum, (4, plan.classes))
    for row, label in zip(inputs, truth, strict=True):
        try:
            trainer.learn_one(row, label)
        except Disagreement as error:
            raise CheckError(error.difference) from error
