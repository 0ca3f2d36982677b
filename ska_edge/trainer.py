"""The fixed-point trainer: the learning rule's loops in numpy, bit for bit as on a device."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ska_edge import rule as neuron
from ska_edge.errors import InputError
from ska_edge.fixedpoint import Fixed, QFormat, dot
from ska_edge.ops_numpy import Integers, NumpyOps, stored
from ska_edge.plan import LayerPlan, Plan
from ska_edge.rule import METRIC_TERMS, METRICS

Values = Fixed[Integers]


class State:
    """The learned integers of a plan: one flat int64 array and a view of it for every tensor.

    Attributes:
        plan: whose tensors these are.
        parameters: (plan.parameter_count,) in the order of `Plan.tensors`.
        step: updates made so far.
    """

    def __init__(
        self, plan: Plan, parameters: NDArray[np.integer] | None = None, step: int = 0
    ) -> None:
        self.plan = plan
        self.step = step
        self.parameters = np.zeros(plan.parameter_count, dtype=np.int64)
        self._views: dict[tuple[int, str], Integers] = {}
        for tensor in plan.tensors():
            flat = self.parameters[tensor.offset : tensor.offset + tensor.size]
            self._views[tensor.layer, tensor.name] = flat.reshape(tensor.shape)
        if parameters is not None:
            if parameters.shape != self.parameters.shape:
                raise InputError(
                    f"{parameters.size} parameters for a plan of {self.parameters.size}"
                )
            self.parameters[:] = parameters
            self._check()

    def _check(self) -> None:
        for tensor in self.plan.tensors():
            view = self._views[tensor.layer, tensor.name]
            if view.min() < tensor.format.minimum or view.max() > tensor.format.maximum:
                raise InputError(
                    f"layer {tensor.layer}: a {tensor.name} leaves {tensor.format.name}"
                )

    def tensor(self, layer: int, name: str) -> Integers:
        """A view of one tensor; writing to it changes the state."""
        return self._views[layer, name]

    def copy(self) -> State:
        """An independent copy."""
        return State(self.plan, self.parameters, self.step)


@dataclass
class LayerTrace:
    """What one layer computed last; arrays are (batch, width). The device keeps the same."""

    inputs: Integers
    knowledge: Integers
    decision: Integers
    shift: Integers
    step: Integers
    previous: Integers  # knowledge one step before, for `published`; else the knowledge itself


class FixedTrainer:
    """Infers and learns in integers, on a `State` that it changes in place.

    Args:
        state: plan and parameters.
        check: assert every proven interval on the way (see `NumpyOps`).
    """

    def __init__(self, state: State, check: bool = True) -> None:
        self.state = state
        self.plan = state.plan
        self._rule = state.plan.rule_definition
        self._ops = NumpyOps(check)
        self._table = state.plan.decision_table
        self._last: list[LayerTrace] = []
        self._held: list[Integers] = []

    # --- values ---------------------------------------------------------------------------------

    def _value(self, data: Integers, format: QFormat) -> Values:
        return stored(self._ops, data, format)

    def _decided(self, data: Integers) -> Values:
        maximum = self.plan.formats.decision.maximum
        return Fixed(self._ops, data, self.plan.formats.decision.frac, 0, maximum)

    def _tensor(self, layer: int, name: str) -> Values:
        return self._value(self.state.tensor(layer, name), self.plan.layers[layer].weight)

    def _targets(self, labels: Integers) -> Values:
        maximum = self.plan.formats.decision.maximum
        return self._decided(maximum * (labels[:, None] == np.arange(self.plan.classes)))

    # --- forward --------------------------------------------------------------------------------

    def _readout(self, layer: int, kind: str, inputs: Values) -> Values:
        """Knowledge of one matrix: requantize(W a + b), (batch, rows)."""
        weights = self._tensor(layer, f"{kind}weight")
        sums = dot(self._ops, weights, inputs, inputs.data.shape[1])
        return (sums + self._tensor(layer, f"{kind}bias")).requantize(self.plan.formats.knowledge)

    def infer(self, inputs: NDArray[np.integer]) -> Integers:
        """Decisions (n, classes) in Q0.15 for quantized inputs (n, d); nothing is learned."""
        signal = self._value(np.asarray(inputs, dtype=np.int64), self.plan.layers[0].input)
        decided = None
        for index in range(len(self.plan.layers)):
            decided = neuron.decision(self._readout(index, "", signal), self._table)
            signal = self._rule.activation(decided, self.plan.formats.activation)
        assert decided is not None
        return decided.data

    # --- learning with labels -------------------------------------------------------------------

    def learn_one(self, inputs: NDArray[np.integer], label: int) -> Integers:
        """Learn one sample, inputs (d,), as a device does; returns the decisions (classes,) of the
        last forward pass before an update.

        Rules without labels hold `plan.batch` samples and then make their steps.
        """
        if self._rule.supervised:
            learned: Integers = self.learn_batch(np.asarray(inputs)[None, :], np.array([label]))[0]
            return learned
        self._held.append(np.asarray(inputs, dtype=np.int64))
        if len(self._held) < self.plan.batch:
            inferred: Integers = self.infer(self._held[-1][None, :])[0]
            return inferred
        batch, self._held = np.array(self._held), []
        for _ in self.learn_steps(batch):
            pass
        decided: Integers = self._last[-1].decision[-1]
        return decided

    def learn_batch(self, inputs: NDArray[np.integer], labels: NDArray[np.integer]) -> Integers:
        """One update from inputs (n, d) and labels (n,), n = plan.batch.

        A sweep from the input to the output: every shift comes from the weights before this update.
        Returns the decisions (n, classes) from before it.
        """
        plan, formats = self.plan, self.plan.formats
        signal = self._value(np.asarray(inputs, dtype=np.int64), plan.layers[0].input)
        targets = self._targets(np.asarray(labels))
        outputs, top = len(plan.layers) - 1, len(plan.layers) - 2
        signals, knowledges, decisions = [signal], [], []
        for index in range(outputs + 1):
            z = self._readout(index, "", signals[-1])
            decided = neuron.decision(z, self._table)
            knowledges.append(z)
            decisions.append(decided)
            signals.append(self._rule.activation(decided, formats.activation))
        output_error = neuron.output_shift(targets, decisions[outputs])
        traces = []
        for index, (z, decided) in enumerate(zip(knowledges, decisions, strict=True)):
            if index == outputs:
                shift = output_error
            elif index == top:
                shift = self._hidden_shift(outputs, "", output_error, decided)
            else:
                head_z = self._readout(index, "head_", signals[index + 1])
                error = neuron.output_shift(targets, neuron.decision(head_z, self._table))
                shift = self._hidden_shift(index, "head_", error, decided)
                self._update(index, "head_", self._step(error), signals[index + 1])
            traces.append(self._trace(signals[index], z, decided, shift, z))
        for index, trace in enumerate(traces):
            self._update(index, "", self._value(trace.step, formats.shift), signals[index])
        self._last = traces
        self.state.step += 1
        return decisions[outputs].data

    def learn_many(
        self, inputs: NDArray[np.integer], labels: NDArray[np.integer]
    ) -> Iterator[Integers]:
        """Learn rows in order, plan.batch at a time; yields the decisions before each update.

        A last, smaller batch is left out: the division by the batch size is part of the plan.
        """
        batch = self.plan.batch
        for start in range(0, len(inputs) - batch + 1, batch):
            rows = slice(start, start + batch)
            yield self.learn_batch(inputs[rows], labels[rows])

    def _hidden_shift(self, layer: int, kind: str, error: Values, decided: Values) -> Values:
        """The shift that a readout's error asks of the layer below it, (batch, width)."""
        formats = self.plan.formats
        narrow = error.requantize(formats.error)
        readout = self._tensor(layer, f"{kind}weight")
        back = dot(self._ops, self._transposed(readout), narrow, self.plan.classes)
        return neuron.local_shift(back.requantize(formats.projection), decided, formats.shift)

    def _step(self, delta: Values) -> Values:
        mantissa = neuron.mantissa_of(delta, np.array(self.plan.rate.mantissa))
        return neuron.step(delta, mantissa, self.plan.formats.shift)

    def _trace(
        self, inputs: Values, z: Values, decided: Values, shift: Values, previous: Values
    ) -> LayerTrace:
        step = self._step(self._rule.delta(z, decided, shift))
        return LayerTrace(inputs.data, z.data, decided.data, shift.data, step.data, previous.data)

    def _update(self, layer: int, kind: str, step: Values, inputs: Values) -> None:
        """Add the outer product, summed over the batch, to a matrix and the step to its bias."""
        batch, shift = step.data.shape[0], self.plan.rate.shift
        weight = self._tensor(layer, f"{kind}weight")
        self.state.tensor(layer, f"{kind}weight")[:] = neuron.weight_step(
            weight, self._products(step, inputs), shift
        ).data
        ones = Fixed(self._ops, np.ones((1, batch), dtype=np.int64), 0, 1, 1)
        sums = dot(self._ops, self._transposed(step), ones, batch)
        flat = Fixed(self._ops, sums.data[0], sums.frac, sums.lo, sums.hi)
        bias = self._tensor(layer, f"{kind}bias")
        self.state.tensor(layer, f"{kind}bias")[:] = neuron.weight_step(bias, flat, shift).data

    def _transposed(self, value: Values) -> Values:
        return Fixed(self._ops, value.data.T, value.frac, value.lo, value.hi)

    def _products(self, step: Values, inputs: Values) -> Values:
        """step^T inputs, (rows, columns): the outer products of a batch, summed."""
        batch = step.data.shape[0]
        return dot(self._ops, self._transposed(inputs), self._transposed(step), batch)

    # --- learning without labels ----------------------------------------------------------------

    def learn_steps(self, inputs: NDArray[np.integer]) -> Iterator[None]:
        """`plan.steps` passes of the held batch, inputs (plan.batch, d); yields after every update.

        As in the authors' program the first pass only records, and a layer's update pairs its own
        delta with the *previous* pass's decisions of the layer below (the first layer: the input).
        """
        formats = self.plan.formats
        signal = self._value(np.asarray(inputs, dtype=np.int64), self.plan.layers[0].input)
        previous: list[tuple[Values, Values]] = []  # knowledge and decision of the pass before
        for number in range(self.plan.steps):
            passed: list[tuple[Values, Values]] = []
            traces, incoming = [], signal
            for index in range(len(self.plan.layers)):
                z = self._readout(index, "", incoming)
                decided = neuron.decision(z, self._table)
                passed.append((z, decided))
                incoming = self._rule.activation(decided, formats.activation)
                if number:
                    before_z, before = previous[index]
                    shift = neuron.published_shift(decided, before)
                    below = (
                        self._rule.activation(previous[index - 1][1], formats.activation)
                        if index
                        else signal
                    )
                    trace = self._trace(below, z, decided, shift, before_z)
                    self._update(index, "", self._value(trace.step, formats.shift), below)
                    traces.append(trace)
            previous = passed
            if number:
                self._last = traces
                self.state.step += 1
                yield

    # --- metrics --------------------------------------------------------------------------------

    def metrics(self) -> list[dict[str, int]]:
        """The sums of `rule.METRICS` of the last update, a layer each; needs one update."""
        if not self._last:
            raise InputError("there are no metrics before the first update")
        return [self._layer_metrics(i, self.plan.layers[i], t) for i, t in enumerate(self._last)]

    def _layer_metrics(self, index: int, layer: LayerPlan, trace: LayerTrace) -> dict[str, int]:
        formats, weight = self.plan.formats, self._tensor(index, "weight")
        z = self._value(trace.knowledge, formats.knowledge)
        decided = self._decided(trace.decision)
        shift = self._value(trace.shift, formats.shift)
        previous = self._value(trace.previous, formats.knowledge)
        sums = {
            name: int(neuron.metric_term(name, z, decided, shift, previous).data.sum())
            for name in METRIC_TERMS
        }
        sums["w_square"] = int((weight.data * weight.data).sum())
        sums["z_saturated"] = at_limits(trace.knowledge, formats.knowledge)
        sums["w_saturated"] = at_limits(weight.data, layer.weight)
        step = self._value(trace.step, formats.shift)
        products = self._products(step, self._value(trace.inputs, layer.input))
        change = neuron.weight_change(weight, products, self.plan.rate.shift)
        sums["zero_updates"] = int((change.data == 0).sum())
        assert set(sums) == set(METRICS)
        return sums


def at_limits(data: Integers, format: QFormat) -> int:
    """How many integers stand at a limit of their format."""
    return int(((data == format.minimum) | (data == format.maximum)).sum())
