"""Training a model from data: fixed point beside float, the same samples in the same order."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ska_edge.data.dataset import Dataset, few, split
from ska_edge.errors import InputError
from ska_edge.model.model_file import Model
from ska_edge.model.open import open_model
from ska_edge.model.quantization import dequantize_state, quantize_state
from ska_edge.model.scaling import Scaling
from ska_edge.network.diagnosis import POINTS, Symptom, Watch
from ska_edge.network.metrics import LayerMetrics, layer_metrics
from ska_edge.network.range_tracker import RangeRecord
from ska_edge.network.replay_buffer import ReplayBuffer
from ska_edge.network.trainer import FixedTrainer
from ska_edge.network.twin import parameters_for, read_parameters, tensors_of, twin
from ska_edge.plan.plan import Plan, Replay
from ska_edge.plan.precision import PRECISIONS
from ska_edge.plan.resolve import make_plan
from ska_edge.rules.reference import Parameters, Reference, accuracy, initial_parameters
from ska_edge.rules.rule import RULES
from ska_edge.training.calibration import (
    Seen,
    input_format,
    knowledge_format,
    raw_input,
    weight_formats,
)
from ska_edge.training.options import Options

WATCHED_ROWS = 500  # as many tell in how many directions a layer's decisions differ
FAR_MARGIN = 0.1  # a model this little above chance has nothing to build on

Features = NDArray[np.float64]
Accuracy = dict[str, dict[str, float | None]]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Trained:
    """What training made.

    Attributes:
        model: with the float twin when float was trained too.
        train, test: the split that was used.
        accuracy: {"float": {"train", "test"}, "fixed": {...}} as fractions; None where there is
            none.
        before: the same before the first update, when training went on from a model.
        options: with every default in its place.
        symptoms: signs that it does not learn well, the worst first; see `symptoms.Watch`.
    """

    model: Model
    train: Dataset
    test: Dataset
    accuracy: Accuracy
    options: Options
    before: Accuracy | None = None
    symptoms: tuple[Symptom, ...] = ()


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where a training begins: the model before its first update, and the samples it takes first.

    Attributes:
        model: formats calibrated, parameters initial; its float twin is initial, too.
        inputs, labels: (n, d) quantized and (n,), in the order in which training takes them.
    """

    model: Model
    inputs: NDArray[np.int64]
    labels: NDArray[np.int64]


def _silent(*_: int) -> None:
    """A `Progress` that nobody watches."""


def train(dataset: Dataset, options: Options, progress: Progress = _silent) -> Trained:
    """Train on a data set.

    The float twin goes first: what it sees decides the formats of the integers.
    `progress(done, total)` is called now and then with the samples (or steps) done.
    Raises InputError for options or data that cannot work.
    """
    session, dataset, held_out = _opened(dataset, options)
    base, options, fit = session.base, session.options, session.fit
    log = StepLog(options.log)
    before = None
    if base is not None:
        before = accuracies(session.starting_model(), {"train": fit, "test": held_out})
    seen, parameters = Seen(), session.parameters.copy()
    if options.arithmetic != "fixed" or base is None:
        series = log if options.arithmetic == "float" else StepLog(None)
        reference = twin(session.plan, parameters, session.rate)
        _finish(session.float_work(reference, seen, series), progress)
    if base is None:
        session.calibrate(seen)
    model = session.starting_model()
    watch = Watch(session.plan)
    if options.arithmetic == "float":
        model.state = quantize_state(session.plan, tensors_of(parameters))
    else:
        _finish(session.fixed_work(model, log, watch), progress)
    model.reference = None if options.arithmetic == "fixed" else parameters
    log.close()
    model.notes = {
        "seed": options.seed,
        "epochs": options.epochs,
        "test_fraction": options.test_fraction,
        "group": options.group,
        "per_class": options.per_class,
        "data": dataset.name,
        "data_digest": dataset.digest,
    }
    accuracy = accuracies(model, {"train": fit, "test": held_out})
    _watch_decisions(watch, model, fit)
    return Trained(model, fit, held_out, accuracy, options, before, tuple(watch.symptoms()))


def beginning(
    dataset: Dataset, options: Options, count: int, progress: Progress = _silent
) -> Beginning:
    """Where a training with these options begins, without doing it.

    The float twin is trained as ever: the formats of the integers come from what it sees. Raises
    InputError as `train`, and for rules without labels, which take no samples one by one.
    """
    session, _, _ = _opened(dataset, options)
    if not session.plan.rule_definition.supervised:
        raise InputError(
            f"rule {session.plan.rule} learns from a held batch, not sample by sample; choose a"
            " rule with labels"
        )
    if session.base is None:
        seen = Seen()
        reference = twin(session.plan, session.parameters.copy(), session.rate)
        _finish(session.float_work(reference, seen, StepLog(None)), progress)
        session.calibrate(seen)
    model = session.starting_model()
    rows = np.concatenate([order for _, order in session.orders()])[:count]
    if len(rows) < count:
        raise InputError(
            f"{session.options.epochs} epochs of '{dataset.name}' are {len(rows)} samples, and"
            f" {count} are wanted; give more data"
        )
    return Beginning(model, model.quantize(session.fit.x[rows]), session.fit.y[rows])


def _opened(dataset: Dataset, options: Options) -> tuple[_Session, Dataset, Dataset]:
    """A training, the data with the classes it knows, and the part of them that is held out."""
    base = open_model(options.start) if options.start else None
    options = options.resolved(dataset.x.shape[1], _like(base) if base else None)
    if base is not None:
        dataset = dataset.with_classes(base.plan.labels)
    _check_data(dataset)
    fit, held_out = parts(dataset, options)
    return _Session.start(base, dataset, fit, options), dataset, held_out


def _check_data(dataset: Dataset) -> None:
    """InputError for data that are well formed and still teach nothing."""
    if not np.ptp(dataset.x, axis=0).any():
        raise InputError(
            f"all {dataset.x.shape[1]} features of '{dataset.name}' are constant:"
            " there is nothing to tell its classes apart"
        )
    for label, count in zip(dataset.labels, np.bincount(dataset.y).tolist(), strict=False):
        if count == 1:
            raise InputError(
                f"'{dataset.name}' has a single sample of the class '{label}'; every class needs"
                " two or more, one to learn from and one to test"
            )


def far_domain(trained: Trained) -> str | None:
    """Advice when a model went on in a domain too far from its own; None when it did not."""
    before = trained.before["fixed"]["test"] if trained.before else None
    chance = 1 / trained.model.plan.classes
    if before is None or before >= chance + FAR_MARGIN:
        return None
    return (
        f"before the first update the model was right in {before:.1%} of the test rows, little more"
        f" than by chance ({chance:.1%}): these data are too far from its own;"
        " train a new model on them"
    )


def parts(dataset: Dataset, options: Options) -> tuple[Dataset, Dataset]:
    """(train, test) as the options ask for: a group, a few of each class, or a share."""
    if options.group is not None:
        dataset = dataset.of_group(options.group)
    if options.per_class is not None:
        return few(dataset, options.per_class, options.seed)
    assert options.test_fraction is not None
    return split(dataset, options.test_fraction, options.seed)


def _like(base: Model) -> dict[str, Any]:
    """Options that a model brings along; the rate is a new experience's own."""
    return {
        "rule": base.plan.rule,
        "precision": base.plan.precision,
        "hidden": base.plan.sizes[1:-1],
    }


@dataclass
class _Session:
    """One training: the rows, the plan so far, and where it starts.

    `plan` has the precision's own formats until `calibrate` finds better ones; a model to go on
    from keeps its formats.
    """

    options: Options
    fit: Dataset
    scaling: Scaling
    scaled: Features
    arguments: dict[str, Any]
    parameters: Parameters  # in float, before the first update
    base: Model | None
    plan: Plan = field(init=False)

    def __post_init__(self) -> None:
        self.plan = make_plan(**self.arguments)

    @classmethod
    def start(
        cls, base: Model | None, dataset: Dataset, fit: Dataset, options: Options
    ) -> _Session:
        assert options.rule is not None and options.rate is not None
        assert options.hidden is not None and options.scale is not None
        assert options.precision is not None
        supervised = RULES[options.rule].supervised
        batch = options.batch or (1 if supervised else len(fit.x))
        if batch > len(fit.x):
            raise InputError(f"a batch of {batch} is larger than the {len(fit.x)} training rows")
        scaling = base.scaling if base else Scaling.fit(fit.x, options.scale)
        scaled = scaling.apply(fit.x)
        sizes = (dataset.x.shape[1], *options.hidden, len(dataset.labels))
        eta = 1.0 if supervised else 1 / math.log(2)  # the papers divide the entropy by ln 2
        arguments: dict[str, Any] = {
            "sizes": sizes,
            "rule": options.rule,
            "precision": options.precision,
            "rate": options.rate * eta,
            "batch": batch,
            "steps": 1 if supervised else options.steps,
            "labels": dataset.labels,
            "readout_only": options.readout_only,
            "replay": Replay(options.replay, options.replays if options.replay else 0),
            "seed": options.seed,
        }
        if base is not None:
            if sizes != base.plan.sizes or options.precision != base.plan.precision:
                raise InputError(
                    f"{options.start} is a {base.plan.precision} network of"
                    f" {'-'.join(str(s) for s in base.plan.sizes)}; sizes and precision stay as"
                    " they are, leave --hidden and --precision out"
                )
            arguments.update(_formats(base.plan))
            parameters = parameters_for(make_plan(**arguments), _start_tensors(base))
        else:
            format = input_format(scaled, PRECISIONS[options.precision].activation.bits)
            arguments["input_format"] = format
            scaling = scaling.within(format)
            scaled = scaling.apply(fit.x)
            arguments["raw"] = raw_input(fit.x, scaling.mean, scaling.scale, format)
            parameters = initial_parameters(sizes, options.rule, options.seed)
            if options.init:
                given = read_parameters(options.init, sizes)
                parameters.weights, parameters.biases = given.weights, given.biases
        return cls(options, fit, scaling, scaled, arguments, parameters, base)

    @property
    def rate(self) -> float:
        """The rate as the reference takes it."""
        assert self.options.rate is not None
        return self.options.rate

    def calibrate(self, seen: Seen) -> None:
        """Make the plan anew, with formats for what was seen."""
        precision = PRECISIONS[self.plan.precision]
        self.arguments["weight_formats"] = weight_formats(seen, precision, self.plan.rate)
        self.arguments["knowledge_format"] = knowledge_format(
            seen, precision, self.plan.rule_definition.supervised
        )
        self.plan = make_plan(**self.arguments)

    def starting_model(self) -> Model:
        """The model before its first update."""
        state = quantize_state(self.plan, tensors_of(self.parameters))
        if self.base is not None:
            for tensor in self.base.plan.tensors():
                place = tensor.layer, tensor.name
                if place in state.places:
                    state.tensor(*place)[...] = self.base.state.tensor(*place)
        return Model(self.plan, state, self.scaling, self.parameters)

    def orders(self) -> Iterator[tuple[int, NDArray[np.int64]]]:
        """For every epoch how often the rate is halved, and the order of the rows."""
        options = self.options
        rng = np.random.default_rng([options.seed, 1])
        for epoch in range(options.epochs):
            order = rng.permutation(len(self.fit.x))
            if options.stream_order == "as-is" and self.fit.places is not None:
                order = np.argsort(self.fit.places, kind="stable")
            elif options.stream_order == "blocked":
                order = order[np.argsort(self.fit.y[order], kind="stable")]
            yield epoch * (options.decay + 1) // options.epochs, order

    def fixed_work(self, model: Model, log: StepLog, watch: Watch) -> Iterator[tuple[int, int]]:
        """Train the integers, watched at `POINTS` updates or some more; yields (done, total)."""
        trainer, inputs = FixedTrainer(model.state, check=False), model.quantize(self.fit.x)
        record = RangeRecord()
        if not self.plan.rule_definition.supervised:
            batch = inputs[: self.plan.batch]
            for _ in trainer.learn_steps(batch):
                layers = _metrics(self.plan, trainer)
                log.write(trainer.state.step, [layer.as_dict() for layer in layers])
                watch.add(trainer.state.step, layers)
                yield trainer.state.step, self.plan.steps - 1
            record.observe(trainer, batch)
            model.ranges, model.state = record.ranges(), trainer.state.learned()
            return
        total, done = self.options.epochs * len(inputs), 0
        watched, updates = max(total // self.plan.batch // POINTS, 1), 0
        for halvings, order in self.orders():
            trainer.state.halve_rate(halvings)
            for _ in trainer.learn_many(inputs[order], self.fit.y[order]):
                done += self.plan.batch
                updates += 1
                if log.wanted or updates % watched == 0:  # metrics cost time
                    layers = _metrics(self.plan, trainer)
                    log.write(trainer.state.step, [layer.as_dict() for layer in layers])
                    if updates % watched == 0:
                        watch.add(trainer.state.step, layers)
                if done % 64 == 0:
                    yield done, total
            record.observe(trainer, inputs)
        model.ranges, model.state = record.ranges(), trainer.state.learned()
        yield total, total

    def float_work(
        self, reference: Reference, seen: Seen, log: StepLog
    ) -> Iterator[tuple[int, int]]:
        """Train the twin and look at its ranges; yields (done, total)."""
        seen.observe(reference, self.scaled)
        if not self.plan.rule_definition.supervised:
            batch = self.scaled[: self.plan.batch]
            for number, layers in enumerate(reference.learn_steps(batch, self.plan.steps), 1):
                log.write(number, [vars(layer) for layer in layers])
            seen.observe(reference, self.scaled)
            return
        total, done = self.options.epochs * len(self.scaled), 0
        buffer = ReplayBuffer(self.plan, 1)
        for halvings, order in self.orders():
            reference.rate = math.ldexp(self.rate, -halvings)
            for rows in self._batches(order, buffer):
                reference.learn_batch(self.scaled[rows], self.fit.y[rows])
                done += len(rows)
                if done % 64 == 0:
                    yield min(done, total), total
            seen.observe(reference, self.scaled)
        yield total, total

    def _batches(
        self, order: NDArray[np.int64], buffer: ReplayBuffer
    ) -> Iterator[NDArray[np.int64]]:
        """Rows of one update after the other, replays included; a last, smaller batch is left."""
        batch, replay = self.plan.batch, self.plan.replay
        for start in range(0, len(order) - batch + 1, batch):
            rows = order[start : start + batch]
            for _ in range(replay.per_sample):
                drawn = buffer.draw()
                if drawn is not None:
                    yield drawn[0].copy()
            yield rows
            if replay.per_class:
                buffer.remember(rows, int(self.fit.y[rows[0]]))


def _formats(plan: Plan) -> dict[str, Any]:
    """The formats of a plan as arguments of `make_plan`."""
    formats = {(t.layer, t.name): t.format for t in plan.tensors() if t.name.endswith("weight")}
    return {
        "input_format": plan.layers[0].input,
        "weight_formats": formats,
        "knowledge_format": plan.formats.knowledge,
        "raw": plan.raw,
    }


def _start_tensors(base: Model) -> dict[tuple[int, str], Features]:
    """Where the float twin of a model goes on: its own numbers, else those of the integers."""
    if base.reference is not None:
        return tensors_of(base.reference)
    return dequantize_state(base.state)


def accuracies(model: Model, parts: dict[str, Dataset]) -> Accuracy:
    """Accuracy of the integers and of the float twin on named data sets.

    None for an empty data set, without a float twin, and for rules that never see a label: there
    the outputs stand for no class.
    """
    found: Accuracy = {"float": {}, "fixed": {}}
    trainer = FixedTrainer(model.state)
    for name, part in parts.items():
        useful = len(part.y) > 0 and model.plan.rule_definition.supervised
        found["fixed"][name] = (
            accuracy(trainer.infer(model.quantize(part.x)), part.y) if useful else None
        )
        found["float"][name] = (
            accuracy(float_decisions(model, part.x), part.y)
            if useful and model.reference is not None
            else None
        )
    return found


def float_decisions(model: Model, features: Features) -> Features:
    """Decisions (n, classes) of the float twin for features (n, d)."""
    if model.reference is None:
        raise InputError("the model has no float twin; train with --arithmetic both")
    reference = twin(model.plan, model.reference, model.plan.rate.real)
    return reference.infer(model.scaling.apply(features))


def _finish(work: Iterator[tuple[int, int]], progress: Progress) -> None:
    for done, total in work:
        progress(done, total)


def _metrics(plan: Plan, trainer: FixedTrainer) -> list[LayerMetrics]:
    return [layer_metrics(plan, index, sums) for index, sums in enumerate(trainer.metrics())]


def _watch_decisions(watch: Watch, model: Model, fit: Dataset) -> None:
    """Show what every layer decides about training rows, spread evenly over them."""
    rows = np.linspace(0, len(fit.y) - 1, min(WATCHED_ROWS, len(fit.y))).astype(np.int64)
    inputs = model.quantize(fit.x[rows])
    for index, passed in enumerate(FixedTrainer(model.state).forward(inputs)):
        watch.decisions(index, passed.decision, inputs, fit.y[rows])


class StepLog:
    """A JSONL file with one line a step, or nothing."""

    def __init__(self, path: Path | None) -> None:
        self.wanted = path is not None
        try:
            self._file = open(path, "w", encoding="utf-8") if path else None  # noqa: SIM115
        except OSError as error:
            raise InputError(f"cannot write {path}: {error.strerror}") from error

    def write(self, step: int, layers: list[dict[str, float]]) -> None:
        """One step; nothing without a file."""
        if self._file:
            self._file.write(json.dumps({"step": step, "layers": layers}) + "\n")

    def close(self) -> None:
        """Close the file."""
        if self._file:
            self._file.close()
