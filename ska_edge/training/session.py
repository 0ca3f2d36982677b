"""Does one training: from prepared rows, a plan and initial parameters to a model."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ska_edge.data.dataset import Dataset
from ska_edge.data.row_blocks import row_blocks
from ska_edge.data.split.division import Division
from ska_edge.model.encoding import COLUMNS, FEATURES, LAYOUT
from ska_edge.model.model_file import Model
from ska_edge.model.quantization import quantize_state
from ska_edge.model.regression import mean_r2
from ska_edge.model.samples import rehearsed, with_samples
from ska_edge.model.scaling import Scaling
from ska_edge.network.engine import float_trainer_for, narrow, trainer_for
from ska_edge.network.float_trainer import FloatTrainer
from ska_edge.network.margin import skipped
from ska_edge.network.measures.diagnosis import Watch
from ska_edge.network.measures.range_tracker import RangeTracker
from ska_edge.network.replay_buffer import ReplayBuffer
from ska_edge.network.running import normalized_reals
from ska_edge.network.state import State
from ska_edge.network.trainer import FixedTrainer
from ska_edge.network.twin import named_part, tensors_of, twin
from ska_edge.plan.check import check_plan
from ska_edge.plan.plan import Plan
from ska_edge.plan.resolve import Draft
from ska_edge.rules.reference import Parameters, Reference
from ska_edge.training.options import Options
from ska_edge.training.preparation.calibration import ROWS, Magnitudes, output_format
from ska_edge.training.preparation.draft import (
    calibrated,
    decay_of,
    replay_of,
)
from ska_edge.training.step_log import Measuring, StepLog, metrics_of

Features = NDArray[np.float64]

OBSERVED = slice(ROWS)  # the rows of `fit` that show the ranges of the float twin
BETWEEN = 64  # samples between two yields of progress


@dataclass
class Session:
    """One training.

    Attributes:
        options: the options, with all defaults filled in.
        dataset: all rows; if a model is continued, with the classes of the model.
        division: how the rows are divided.
        fit: the rows to learn, and stored samples of a continued model that are learned again.
        scaling: the scaling of features to inputs.
        units: the scaling of a regression's targets; None for classes.
        draft: the current specification of the plan.
        plan: the plan. Before `calibrate`, a new model has the precision's formats; a continued
            model always has its own.
        parameters: float parameters before the first update.
        base: the model to continue; None for a new model.
        magnitudes: the ranges of the float twin so far.
        skipped: number of samples within the margin, which the integers did not learn.
        new: the classes of the data that a continued model lacks; its spare outputs become these
            classes.
    """

    options: Options
    dataset: Dataset
    division: Division
    scaling: Scaling
    draft: Draft
    parameters: Parameters
    base: Model | None
    units: Scaling | None = None
    magnitudes: Magnitudes = field(default_factory=Magnitudes)
    skipped: int = 0
    new: tuple[str, ...] = ()
    plan: Plan = field(init=False)
    fit: Dataset = field(init=False)

    def __post_init__(self) -> None:
        self.fit = rehearsed(self.division.train, self.base)
        self.plan = self.draft.resolve()
        if self.draft.spares:
            replace(self.draft, replay=replay_of(self.options)).resolve()  # checks the sizes early

    def scaled(self, rows: slice | NDArray[np.int64]) -> Features:
        """Return the inputs of some rows of `fit`; the inputs of all rows take much memory."""
        return self._inputs(self.fit.x[rows])

    def _inputs(self, features: Features) -> Features:
        """Return features (n, d) as the first layer of the float twin gets them."""
        inputs, averages = self.scaling.apply(features), self._averages
        return inputs if averages is None else normalized_reals(averages, inputs)

    @property
    def _averages(self) -> State | None:
        """The state of a continued model that keeps its running averages; None without one.

        These averages normalize the rows.
        """
        if self.base is None or not self.options.running_normalization:
            return None
        return self.base.state

    def truth(self, rows: slice | NDArray[np.int64]) -> NDArray[Any]:
        """Return what the float twin learns from some rows of `fit`: labels, or scaled targets."""
        if self.units is None or self.fit.targets is None:
            return self.fit.y[rows]
        return self.units.apply(self.fit.targets[rows])

    @property
    def rate(self) -> float:
        """The learning rate of the float twin."""
        assert isinstance(self.options.rate, float)
        return self.options.rate

    @property
    def epochs(self) -> int:
        """Number of passes over the rows to learn."""
        assert self.options.epochs is not None
        return self.options.epochs

    @property
    def total(self) -> int:
        """Number of samples to learn in each arithmetic; for rules without labels, of updates."""
        if not self.plan.rule_definition.supervised:
            return self.plan.steps - 1
        return self.epochs * len(self.fit.x)

    def calibrate(self) -> None:
        """Set the plan with formats for the ranges of the float twin; see `calibrated`."""
        self.plan = self.calibrated(self.parameters)

    def calibrated(self, parameters: Parameters) -> Plan:
        """Return a plan with formats for these parameters, and for the float twin's ranges so far.

        A continued model keeps its formats.
        """
        if self.base is not None:
            return self.plan
        seen = self.magnitudes.copy()
        seen.observe(self._twin(parameters), self.scaled(OBSERVED))
        draft = calibrated(self.draft, seen, self.plan)
        if self.units is not None:
            draft = replace(draft, output=output_format(seen, self.truth(slice(None))))
        return draft.resolve()

    def notes(self) -> dict[str, Any]:
        """Return the model's notes about its training."""
        notes = {
            **self.options.notes(),
            "data": self.dataset.name,
            "data_digest": self.dataset.digest,
        }
        if self.dataset.features is not None:
            notes[FEATURES] = list(self.dataset.features)
        if self.dataset.columns is not None:
            notes[COLUMNS] = list(self.dataset.columns)
        if self.dataset.layout is not None:
            notes[LAYOUT] = self.dataset.layout.as_dict()
        return notes

    def starting_model(self) -> Model:
        """Return the model before its first update."""
        state = quantize_state(self.plan, tensors_of(self.parameters))
        if self.base is not None:
            for tensor in self.base.plan.tensors():
                place = tensor.layer, tensor.name
                if place in state.places:
                    state.tensor(*place)[...] = self.base.state.tensor(*place)
            state.names[:] = self.base.state.names
        return Model(self.plan, state, self.scaling, self.parameters, units=self.units)

    def orders(self) -> Iterator[tuple[int, NDArray[np.int64]]]:
        """Yield, for every epoch, how many times the rate is halved, and the order of the rows."""
        options = self.options
        assert options.seed is not None and options.decay is not None
        rng = np.random.default_rng([options.seed, 1])
        for epoch in range(self.epochs):
            order = rng.permutation(len(self.fit.x))
            if options.stream_order == "as-is" and self.fit.places is not None:
                order = np.argsort(self.fit.places, kind="stable")
            elif options.stream_order == "blocked":
                order = order[np.argsort(self.fit.y[order], kind="stable")]
            yield epoch * (options.decay + 1) // self.epochs, order

    def fixed_work(self, model: Model, log: StepLog, watch: Watch) -> Iterator[int]:
        """Train the integers; give `watch` metrics at intervals.

        Yields the progress toward `total`, after complete updates.
        """
        inputs, record = self._quantized(model), RangeTracker()
        truth = self.fit.y
        if self.fit.targets is not None:
            truth = model.target_integers(self.fit.targets)
        if not self.plan.rule_definition.supervised:
            yield from self._steps_work(model, inputs[: self.plan.batch], log, watch, record)
            return
        trainer = trainer_for(model.state, learn=self.total)
        done, marks = 0, _Marks()
        measuring = Measuring(self.plan, self.total, trainer, log, watch)
        for halvings, order in self.orders():
            trainer.state.halve_rate(halvings)
            for rows in measuring.stretches(order):
                labels = truth[rows]
                for decisions in trainer.learn_many(inputs[rows], labels):
                    new, labels = np.split(labels, [len(decisions)])
                    self.skipped += skipped(self.plan, decisions, new)
                    done += len(decisions)
                    if marks.reached(done):
                        yield done
                measuring.measure(len(rows))
            record.observe(trainer, inputs)
        model.ranges, model.state = record.ranges(), trainer.state.learned()
        yield self.total

    def with_averages(self, model: Model) -> Model:
        """Return the model with running averages, if the options ask for them.

        The averages are those of the continued model. In a new model, they change no input. A
        training on the host does not change the averages.
        """
        if not self.options.running_normalization:
            return model
        plan = replace(model.plan, running_normalization=True)
        state = model.state.learned(plan)
        if self._averages is not None:
            before = self._averages
            state.mean[:], state.variance[:] = before.mean, before.variance
        return replace(model, plan=plan, state=state)

    def finished(self, model: Model) -> Model:
        """Return the trained model with the parts that only a device uses.

        These are the decay of the rate and, for a model with spare classes, a filled replay buffer.
        """
        decay = decay_of(self.options)
        if decay.times:
            plan = replace(model.plan, decay=decay)
            check_plan(plan)
            model = replace(model, plan=plan, state=model.state.learned(plan))
        before = None if self.base is None else self.base.state.replay
        return with_samples(model, replay_of(self.options), self.division.train, before)

    def _quantized(self, model: Model) -> NDArray[np.integer]:
        """Return the integers of all rows of `fit`, in the type of the plan's input.

        If a continued model keeps its running averages, they normalize the inputs.
        """
        before = FixedTrainer(self._averages or model.state, check=False)
        return np.concatenate(
            [
                narrow(self.plan, before.normalized(model.quantize(self.fit.x[block])))
                for block in row_blocks(len(self.fit.x))
            ]
        )

    def _steps_work(
        self,
        model: Model,
        batch: NDArray[np.integer],
        log: StepLog,
        watch: Watch,
        record: RangeTracker,
    ) -> Iterator[int]:
        """Do `fixed_work` for a rule without labels, which makes steps on one batch."""
        trainer = FixedTrainer(model.state, check=False)
        for _ in trainer.learn_steps(batch):
            layers = metrics_of(self.plan, trainer)
            log.write(trainer.state.step, [layer.as_dict() for layer in layers])
            watch.add(trainer.state.step, layers)
            yield trainer.state.step
        record.observe(trainer, batch)
        model.ranges, model.state = record.ranges(), trainer.state.learned()

    def _twin(self, parameters: Parameters) -> FloatTrainer | Reference:
        """Return a float twin that learns in place, in `parameters`."""
        if self.plan.rule_definition.supervised:
            named = named_part(parameters, len(self.dataset.labels))
            return float_trainer_for(self.plan, named, self.rate, learn=self.total)
        return twin(self.plan, parameters, self.rate)

    def float_work(self, parameters: Parameters, log: StepLog) -> Iterator[int]:
        """Train the float twin in place, in `parameters`; record its ranges.

        Yields the progress toward `total`, after complete updates.
        """
        trainer = self._twin(parameters)
        observed = self.scaled(OBSERVED)
        self.magnitudes.observe(trainer, observed)
        if isinstance(trainer, Reference):
            batch = self.scaled(slice(self.plan.batch))
            for number, layers in enumerate(trainer.learn_steps(batch, self.plan.steps), 1):
                log.write(number, [vars(layer) for layer in layers])
                yield number
            self.magnitudes.observe(trainer, observed)
            return
        done, buffer = 0, ReplayBuffer(self.plan, 1)
        for halvings, order in self.orders():
            trainer.rate = math.ldexp(self.rate, -halvings)
            for new in self._stretches(order):
                rows = self._with_replays(new, buffer) if self.plan.replay.per_class else new
                inputs, labels = self.scaled(rows), self.truth(rows)
                trainer.learn_many(inputs, labels, np.arange(len(rows)), self.plan.batch)
                done += len(new)
                yield done
            self.magnitudes.observe(trainer, observed)
        yield self.total

    def float_accuracy(self, parameters: Parameters, rows: Dataset) -> float:
        """Return the fraction of rows that the float twin with these parameters classifies right.

        The fraction is 0 if there are no rows. For a regression, return the mean of R2 over the
        targets.
        """
        trainer = self._twin(parameters)
        found = [
            trainer.knowledge(self._inputs(rows.x[block]))[-1] for block in row_blocks(len(rows.y))
        ]
        # The twin has no spare outputs.
        outputs = np.concatenate([np.empty((0, len(self.dataset.labels))), *found])
        if self.units is not None and rows.targets is not None:
            return mean_r2(self.units.apply(rows.targets), outputs)
        return int((outputs.argmax(axis=1) == rows.y).sum()) / max(len(rows.y), 1)

    def _stretches(self, order: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
        """Divide the rows of an epoch into parts of whole batches.

        A part has at most `BETWEEN` rows, or one larger batch. A smaller batch at the end of the
        epoch is skipped.
        """
        batch = self.plan.batch
        end, length = len(order) // batch * batch, max(BETWEEN // batch, 1) * batch
        for start in range(0, end, length):
            yield order[start : min(start + length, end)]

    def _with_replays(self, rows: NDArray[np.int64], buffer: ReplayBuffer) -> NDArray[np.int64]:
        """Return these rows, each after the stored rows that are learned again with it."""
        mixed: list[int] = []
        for row, label in zip(rows.tolist(), self.fit.y[rows].tolist(), strict=True):
            drawn = [buffer.draw() for _ in range(self.plan.replay.per_sample)]
            mixed += [int(found[0][0]) for found in drawn if found is not None]
            mixed.append(row)
            buffer.remember(np.array([row]), label)
        return np.array(mixed)


class _Marks:
    """Tells when it is time to yield progress again."""

    def __init__(self) -> None:
        self._next = BETWEEN

    def reached(self, done: int) -> bool:
        """Tell whether `BETWEEN` samples were learned since the last call that returned True."""
        if done < self._next:
            return False
        self._next = done + BETWEEN
        return True
