"""Trains in fixed point: runs the learning rule in numpy, and gives the bits of a device.

It is one file, so that these loops can be read beside those of `runtime/ska.c` and its headers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ska_edge.arithmetic.fixedpoint import Fixed, QFormat, dot
from ska_edge.arithmetic.numpy_ops import Integers, NumpyOps, at_limits, stored
from ska_edge.errors import InputError
from ska_edge.network.codes import class_codes
from ska_edge.network.margin import learning
from ska_edge.network.normalized import sample_halvings
from ska_edge.network.output import Output
from ska_edge.network.running import moved, normalized
from ska_edge.network.state import State
from ska_edge.plan.layer import Matrix
from ska_edge.rules import neuron
from ska_edge.rules.metric_sums import (
    METRIC_TERMS,
    METRIC_WEIGHT_BITS,
    METRICS,
    metric_term,
)
from ska_edge.rules.rule import CODE, READOUT, SIGNS

Values = Fixed[Integers]
Passed = tuple[Values, Values, Values]
"""A layer's knowledge, decision and activation, (batch, width) each."""


@dataclass
class LayerTrace:
    """The last values of one layer, arrays (batch, width)."""

    inputs: Integers
    knowledge: Integers
    decision: Integers
    shift: Integers
    step: Integers
    previous: Integers  # knowledge of the previous pass; with labels, the same as `knowledge`


@dataclass(frozen=True, slots=True)
class LayerOutput:
    """The values of one layer for its inputs, (n, width) each."""

    knowledge: Integers
    decision: Integers
    activation: Integers


@dataclass(frozen=True, slots=True)
class Learned:
    """The results of learning consecutive rows, one element per row.

    Attributes:
        decisions: (n, classes), as `FixedTrainer.learn_one` returns them.
        steps: (n,), number of all updates so far, including those with the row.
    """

    decisions: Integers
    steps: Integers


class FixedTrainer:
    """Infers and learns in integers, on a `State` that it changes in place.

    A label is a class index; for a regression, it is the targets as integers in the plan's `output`
    format. The decisions of a regression's output layer are its values, in the same format.

    Args:
        state: plan and parameters.
        check: assert every proven interval (see `NumpyOps`).

    Attributes:
        state: the state that it changes.
    """

    def __init__(self, state: State, check: bool = True) -> None:
        self.state = state
        self.plan = state.plan
        self._rule = state.plan.rule_definition
        self._ops = NumpyOps(check)
        self._table = state.plan.decision_table
        self._last: list[LayerTrace] = []
        self._codes = class_codes(state.plan)
        self._output = Output(state.plan, self._ops)
        self._halvings = 0  # of the rate in the last update; used if `Plan.rate_varies`

    # --- values ---------------------------------------------------------------------------------

    def _value(self, data: Integers, format: QFormat) -> Values:
        return stored(self._ops, data, format)

    def _decided(self, data: Integers) -> Values:
        maximum = self.plan.formats.decision.maximum
        return Fixed(self._ops, data, self.plan.formats.decision.frac, 0, maximum)

    def _matrix(self, layer: int, kind: str) -> Matrix:
        found = self.plan.layers[layer]
        matrix = found.readout if kind else found.matrix
        assert matrix is not None
        return matrix

    def _tensor(self, layer: int, kind: str, name: str) -> Values:
        data = self.state.tensor(layer, f"{kind}{name}")
        return self._value(data, self._matrix(layer, kind).weight)

    def _forward_weight(self, layer: int, kind: str) -> Values:
        """Return the weights as used in sums, (rows, columns)."""
        weight = self._tensor(layer, kind, "weight")
        return neuron.forward_weight(weight, self.plan.formats.forward_bits)

    def forward_weights(self, layer: int) -> Integers:
        """Return a layer's weights as used in sums, (outputs, inputs); see `forward_format`."""
        return self._forward_weight(layer, "").data

    # --- forward --------------------------------------------------------------------------------

    def _knowledge(self, layer: int, kind: str, inputs: Values) -> Values:
        """Compute the knowledge of one matrix: requantize(W a + b), (batch, rows)."""
        weights = self._forward_weight(layer, kind)
        sums = dot(self._ops, weights, inputs, inputs.data.shape[1])
        return (sums + self._tensor(layer, kind, "bias")).requantize(self.plan.formats.knowledge)

    def normalized(self, inputs: NDArray[np.integer]) -> Integers:
        """Return quantized inputs (n, d) as the first layer gets them.

        They are normalized by the running averages of the state, if the plan has such averages.
        """
        integers = np.asarray(inputs, dtype=np.int64)
        return normalized(self._ops, self.state, integers)

    def _layer(self, index: int, signal: Values) -> Passed:
        """Compute a layer for its inputs, (n, fan_in)."""
        knowledge = self._knowledge(index, "", signal)
        decided = neuron.decision(knowledge, self._table)
        if index == self.plan.hidden:
            decided = self._in_use(decided)
        activation = self._rule.activation(knowledge, decided, self.plan.formats.activation)
        if index == self.plan.hidden:
            decided = self._in_use(self._output.values(knowledge))
        return knowledge, decided, activation

    def _in_use(self, decided: Values) -> Values:
        """Return decisions (n, classes) that are 0 for the spare outputs that are not in use."""
        return self._masked(decided, self.state.used) if self.plan.spares else decided

    def forward(self, inputs: NDArray[np.integer]) -> Iterator[LayerOutput]:
        """Yield the values of every layer for quantized inputs (n, d), layer by layer."""
        signal = self._value(self.normalized(inputs), self.plan.layers[0].input)
        for index in range(len(self.plan.layers)):
            knowledge, decided, signal = self._layer(index, signal)
            yield LayerOutput(knowledge.data, decided.data, signal.data)

    def infer(self, inputs: NDArray[np.integer]) -> Integers:
        """Return decisions (n, classes) for quantized inputs (n, d), without learning: in Q0.15, or
        in the plan's `output` format for a regression.
        """
        return [*self.forward(inputs)][-1].decision

    # --- learning with labels -------------------------------------------------------------------

    def learn_one(self, inputs: NDArray[np.integer], label: int | Integers) -> Integers:
        """Learn one sample, inputs (d,), as a device does.

        Returns the decisions (classes,) for this sample, from its last forward pass. Rules without
        labels collect `plan.batch` samples and then make their steps. With a replay buffer, stored
        samples are learned first, and the new sample last. Running averages normalize the new
        sample before they move with it. The buffer stores the normalized sample.

        Raises InputError for the label of a spare output that is not in use.
        """
        state = self.state
        if self.plan.spares:
            state.check_label(int(label))
        if self._rule.supervised:
            for _ in range(self.plan.replay.per_sample):
                drawn = state.replay.draw()
                if drawn is not None:
                    self.learn_batch(drawn[0][None, :], np.array([drawn[1]]))
            row = np.asarray(inputs, dtype=np.int64)[None, :]
            if self.plan.running_normalization:
                given, row = row, self.normalized(row)
                state.mean[:], state.variance[:] = moved(self._ops, state, given[0])
            learned: Integers = self.learn_batch(row, np.array([label]))[0]
            state.samples += 1
            if self.plan.replay.per_class:
                state.replay.remember(row[0], int(label))
            return learned
        state.batch[state.held] = inputs
        state.held += 1
        state.samples += 1
        if state.held < self.plan.batch:
            inferred: Integers = self.infer(state.batch[state.held - 1][None, :])[0]
            return inferred
        state.held = 0
        for _ in self.learn_steps(state.batch):
            pass
        decided: Integers = self._last[-1].decision[-1]
        return decided

    def learn_stream(
        self, inputs: NDArray[np.integer], labels: NDArray[np.integer]
    ) -> Iterator[Learned]:
        """Learn rows in order as a device does, each with `learn_one`; yield after every row."""
        for row, label in zip(inputs, labels, strict=True):
            decisions = self.learn_one(row, label)
            yield Learned(decisions[None, :], np.array([self.state.step]))

    def learn_batch(self, inputs: NDArray[np.integer], labels: NDArray[np.integer]) -> Integers:
        """Make one update from inputs (n, d) and labels (n,) or targets, n = plan.batch.

        The inputs are as the first layer gets them: running averages neither change them nor move.
        This makes one forward pass. Every shift is computed with the weights before this update.
        All shifts of a sample within the margin are 0. Returns the decisions (n, classes) before
        the update.
        """
        plan, formats = self.plan, self.plan.formats
        signal = self._value(np.asarray(inputs, dtype=np.int64), plan.layers[0].input)
        targets = self._output.targets(np.asarray(labels, dtype=np.int64))
        outputs = plan.hidden
        signals, passed = [signal], list[Passed]()
        for index in range(outputs + 1):
            passed.append(self._layer(index, signals[-1]))
            signals.append(passed[-1][2])
        decided = passed[outputs][1]
        output_error = self._output.errors(targets, decided)
        learns = learning(plan, output_error.data)[:, None]
        self._halvings = self.state.halvings_now
        if plan.normalized:
            self._halvings = sample_halvings(self._ops, plan, signal, self._halvings)
        output_error = self._masked(output_error, learns)
        shifts = [
            self._hidden_shift(index, passed[index], targets, output_error, learns)
            for index in range(outputs)
        ]
        traces = [
            self._trace(below, z, d, self._masked(shift, learns), z)
            for below, (z, d, _), shift in zip(
                signals[:-1], passed, [*shifts, output_error], strict=True
            )
        ]
        for index in range(plan.first_learned, outputs + 1 if learns.any() else 0):
            self._update(index, "", self._value(traces[index].step, formats.shift), signals[index])
        self._last = traces
        self.state.step += 1
        return decided.data

    def learn_many(
        self, inputs: NDArray[np.integer], labels: NDArray[np.integer]
    ) -> Iterator[Integers]:
        """Learn rows in order, plan.batch at a time; yield the decisions before each update.

        A smaller batch at the end is skipped, because the plan's rate is divided by the full batch
        size.
        """
        batch = self.plan.batch
        if self.plan.replay.per_class or self.plan.running_normalization:
            for row, label in zip(inputs, labels, strict=True):
                yield self.learn_one(row, label)[None, :]
            return
        for start in range(0, len(inputs) - batch + 1, batch):
            rows = slice(start, start + batch)
            yield self.learn_batch(inputs[rows], labels[rows])

    # --- shifts of a hidden layer -----------------------------------------------------------------

    def _hidden_shift(
        self,
        layer: int,
        passed: Passed,
        targets: Values,
        output_error: Values,
        learns: NDArray[np.bool_],
    ) -> Values:
        """Return the shift of a hidden layer, (batch, width); update its own readout, if any.

        `learns`, (batch, 1), tells which samples are learned.
        """
        _, decided, signal = passed
        if layer < self.plan.first_learned or not learns.any():
            return self._value(np.zeros_like(decided.data), self.plan.formats.shift)
        teacher = self._rule.teacher
        if teacher == CODE:
            labels = targets.data.argmax(axis=1)
            code = self._codes[layer][labels]
            target = self._decided(self.plan.formats.decision.maximum * (code > 0))
            present = Fixed(self._ops, (code != 0).astype(np.int64), 0, 0, 1)
            return neuron.code_shift(present, target, decided)
        if teacher == SIGNS:
            signs = Fixed(self._ops, self._codes[layer].T, 0, -1, 1)
            return self._projected(signs, output_error, passed)
        assert teacher == READOUT
        if self.plan.layers[layer].readout is None:  # the top hidden layer uses the output layer
            return self._readout_shift(self.plan.hidden, "", output_error, passed)
        readout_z = self._knowledge(layer, "readout_", signal)
        values = self._in_use(self._output.values(readout_z))
        error = self._output.errors(targets, values)
        error = self._masked(error, learns)
        shift = self._readout_shift(layer, "readout_", error, passed)
        self._update(layer, "readout_", self._step(error), signal)
        return shift

    def _readout_shift(self, layer: int, kind: str, error: Values, passed: Passed) -> Values:
        """Return the shift (batch, width) that a layer gets from the error of its readout."""
        weights = self._transposed(self._forward_weight(layer, kind))
        return self._projected(weights, error.requantize(self.plan.formats.error), passed)

    def _projected(self, matrix: Values, error: Values, passed: Passed) -> Values:
        """Return the shift for a matrix (width, classes) and errors (batch, classes)."""
        formats = self.plan.formats
        back = dot(self._ops, matrix, error, self.plan.classes).requantize(formats.projection)
        return self._rule.projected(back, passed[0], passed[1], self.plan.gain, formats.shift)

    def _masked(self, value: Values, kept: NDArray[np.bool_]) -> Values:
        """Return values (batch, width) that are 0 where `kept` is False.

        `kept` is (batch, 1), such as the samples that learn, or (width,).
        """
        lo, hi = min(value.lo, 0), max(value.hi, 0)
        return Fixed(self._ops, value.data * kept, value.frac, lo, hi)

    # --- updates ----------------------------------------------------------------------------------

    def _step(self, delta: Values) -> Values:
        mantissa = neuron.mantissa_of(delta, np.array(self.state.rate.mantissa))
        return neuron.step(delta, mantissa, self.plan.formats.shift)

    def _trace(
        self, inputs: Values, z: Values, decided: Values, shift: Values, previous: Values
    ) -> LayerTrace:
        step = self._step(self._rule.delta(z, decided, shift))
        return LayerTrace(inputs.data, z.data, decided.data, shift.data, step.data, previous.data)

    def _update(self, layer: int, kind: str, step: Values, inputs: Values) -> None:
        """Add step^T inputs to a matrix, and step to its bias, both summed over the batch."""
        batch, shift = step.data.shape[0], self._rate_shift(self._matrix(layer, kind))
        weight = self._tensor(layer, kind, "weight")
        self.state.tensor(layer, f"{kind}weight")[:] = neuron.weight_step(
            weight, self._products(step, inputs), shift
        ).data
        ones = Fixed(self._ops, np.ones((1, batch), dtype=np.int64), 0, 1, 1)
        sums = dot(self._ops, self._transposed(step), ones, batch)
        flat = Fixed(self._ops, sums.data[0], sums.frac, sums.lo, sums.hi)
        bias = self._tensor(layer, kind, "bias")
        self.state.tensor(layer, f"{kind}bias")[:] = neuron.weight_step(bias, flat, shift).data

    def _rate_shift(self, matrix: Matrix) -> int:
        halvings = self._halvings if self.plan.rate_varies else self.state.halvings
        return self.plan.rate.shift + halvings + matrix.halvings

    def _transposed(self, value: Values) -> Values:
        return Fixed(self._ops, value.data.T, value.frac, value.lo, value.hi)

    def _products(self, step: Values, inputs: Values) -> Values:
        """Return step^T inputs, (rows, columns): the sum of a batch's outer products."""
        batch = step.data.shape[0]
        return dot(self._ops, self._transposed(inputs), self._transposed(step), batch)

    # --- learning without labels ----------------------------------------------------------------

    def learn_steps(self, inputs: NDArray[np.integer]) -> Iterator[None]:
        """Make `plan.steps` passes over the batch, inputs (plan.batch, d); yield after each update.

        As in the program of the paper's authors, the first pass makes no update. Later, an update
        multiplies the delta of a layer by the activation of the layer below in the *previous* pass.
        For the first layer, this is the input.
        """
        formats = self.plan.formats
        signal = self._value(np.asarray(inputs, dtype=np.int64), self.plan.layers[0].input)
        # The results of `_layer` in the previous pass.
        previous: list[Passed] = []
        for number in range(self.plan.steps):
            passed: list[Passed] = []
            traces, incoming = [], signal
            for index in range(len(self.plan.layers)):
                z, decided, incoming = self._layer(index, incoming)
                passed.append((z, decided, incoming))
                if number:
                    before_z, before, _ = previous[index]
                    shift = neuron.published_shift(decided, before)
                    below = previous[index - 1][2] if index else signal
                    trace = self._trace(below, z, decided, shift, before_z)
                    self._update(index, "", self._value(trace.step, formats.shift), below)
                    traces.append(trace)
            previous = passed
            if number:
                self._last = traces
                self.state.step += 1
                yield

    def last_shifts(self) -> list[Integers]:
        """Return every layer's shifts (batch, width) of the last update; empty before the first."""
        return [trace.shift for trace in self._last]

    # --- metrics --------------------------------------------------------------------------------

    def metrics(self) -> list[dict[str, int]]:
        """Return the sums of `metric_sums.METRICS` of the last update, per layer.

        Raises InputError before the first update.
        """
        if not self._last:
            raise InputError("there are no metrics before the first update")
        return [self._layer_metrics(i, trace) for i, trace in enumerate(self._last)]

    def _layer_metrics(self, index: int, trace: LayerTrace) -> dict[str, int]:
        formats, matrix = self.plan.formats, self.plan.layers[index].matrix
        weight = self._tensor(index, "", "weight")
        z = self._value(trace.knowledge, formats.knowledge)
        # No term of a supervised rule depends on the decision, and a value is not a decision.
        values = self.plan.regression and index == self.plan.hidden
        decided = self._decided(0 * trace.decision if values else trace.decision)
        shift = self._value(trace.shift, formats.shift)
        previous = self._value(trace.previous, formats.knowledge)
        sums = {
            name: int(metric_term(name, z, decided, shift, previous).data.sum())
            for name in METRIC_TERMS
        }
        upper = neuron.forward_weight(weight, METRIC_WEIGHT_BITS).data
        sums["w_square"] = int((upper * upper).sum())
        sums["z_saturated"] = at_limits(trace.knowledge, formats.knowledge)
        sums["w_saturated"] = at_limits(weight.data, matrix.weight)
        step = self._value(trace.step, formats.shift)
        products = self._products(step, self._value(trace.inputs, matrix.input))
        change = neuron.weight_change(weight, products, self._rate_shift(matrix))
        sums["zero_updates"] = int((change.data == 0).sum())
        assert set(sums) == set(METRICS)
        return sums
