"""Training a model from data: fixed point beside float, the same samples in the same order."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ska_edge.data import Dataset, split
from ska_edge.errors import InputError
from ska_edge.metrics import layer_metrics
from ska_edge.model_file import Model
from ska_edge.plan import Plan, make_plan
from ska_edge.quantize import Scaling, input_format, quantize_state
from ska_edge.reference import Parameters, Reference, accuracy, initial_parameters
from ska_edge.rule import RULES
from ska_edge.trainer import FixedTrainer

ARITHMETICS = ("fixed", "float", "both")
Features = NDArray[np.float64]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Options:
    """How to train; None where the default depends on the rule.

    Attributes:
        rule, precision: names in `rule.RULES` and `precision.PRECISIONS`.
        hidden: widths of the hidden layers.
        epochs: passes over the data (rules with labels).
        rate: learning rate; for `published` the paper's eta. Default 0.125, or 0.01.
        batch: samples an update; None is 1, or all rows for rules without labels.
        steps: passes of the held batch, for rules without labels.
        seed: of the split, the initial weights and the order of the samples.
        arithmetic: one of `ARITHMETICS`.
        test_fraction: held out. Default 0.2, or 0 for rules without labels.
        scale: one of `quantize.SCALINGS`. Default standardize, or none for rules without labels.
        init: npz with W0, b0, W1, ... to start from.
        log: JSONL file with the metrics of every step.
    """

    rule: str = "local"
    precision: str = "w16a8"
    hidden: tuple[int, ...] = (64, 32)
    epochs: int = 20
    rate: float | None = None
    batch: int | None = None
    steps: int = 50
    seed: int = 0
    arithmetic: str = "both"
    test_fraction: float | None = None
    scale: str | None = None
    init: Path | None = None
    log: Path | None = None

    def resolved(self) -> Options:
        """The same options with every None replaced, except `batch`; InputError for nonsense."""
        if self.rule not in RULES:
            raise InputError(f"no rule {self.rule!r}; there are {', '.join(RULES)}")
        if self.arithmetic not in ARITHMETICS:
            raise InputError(
                f"no arithmetic {self.arithmetic!r}; there are {', '.join(ARITHMETICS)}"
            )
        labeled = RULES[self.rule].supervised
        defaults: dict[str, Any] = {
            "rate": 0.125 if labeled else 0.01,
            "test_fraction": 0.2 if labeled else 0.0,
            "scale": "standardize" if labeled else "none",
        }
        values = {name: getattr(self, name) for name in self.__slots__}
        values.update({name: v for name, v in defaults.items() if values[name] is None})
        if values["epochs"] < 1:
            raise InputError("--epochs is at least 1")
        if values["seed"] < 0:
            raise InputError("--seed is at least 0")
        if values["batch"] is not None and values["batch"] < 1:
            raise InputError("--batch is at least 1")
        if values["log"] and labeled and values["arithmetic"] == "float":
            raise InputError(
                "--log in float needs the rule published; use --arithmetic both or fixed"
            )
        if not labeled and values["steps"] < 2:
            raise InputError("--steps is at least 2: the first step only records")
        return Options(**values)


@dataclass(frozen=True, slots=True)
class Trained:
    """What training made.

    Attributes:
        model: with the float twin when float was trained too.
        train, test: the split that was used.
        accuracy: {"float": {"train", "test"}, "fixed": {...}} as fractions; None where there is
            none.
    """

    model: Model
    train: Dataset
    test: Dataset
    accuracy: dict[str, dict[str, float | None]]


def _silent(*_: int) -> None:
    """A `Progress` that nobody watches."""


def train(dataset: Dataset, options: Options, progress: Progress = _silent) -> Trained:
    """Train on a data set.

    `progress(done, total)` is called now and then with the samples (or steps) done.
    Raises InputError for options or data that cannot work.
    """
    options = options.resolved()
    assert options.rate is not None and options.test_fraction is not None
    assert options.scale is not None
    fit, held_out = split(dataset, options.test_fraction, options.seed)
    scaling = Scaling.fit(fit.x, options.scale)
    scaled = scaling.apply(fit.x)
    supervised = RULES[options.rule].supervised
    batch = options.batch or (1 if supervised else len(fit.x))
    if batch > len(fit.x):
        raise InputError(f"a batch of {batch} is larger than the {len(fit.x)} training rows")
    sizes = (dataset.x.shape[1], *options.hidden, len(dataset.labels))
    eta = 1.0 if supervised else 1 / math.log(2)  # the papers divide the entropy by ln 2
    plan = make_plan(
        sizes,
        rule=options.rule,
        precision=options.precision,
        rate=options.rate * eta,
        batch=batch,
        steps=1 if supervised else options.steps,
        input_format=input_format(scaled),
        labels=dataset.labels,
    )
    parameters = (
        read_parameters(options.init, plan)
        if options.init
        else initial_parameters(sizes, options.rule, options.seed)
    )
    state = quantize_state(plan, tensors_of(parameters))
    model = Model(plan, state, scaling)
    log = StepLog(options.log)
    if options.arithmetic != "float":
        work = (
            _fixed_samples(model, fit, options, log)
            if supervised
            else _fixed_steps(model, fit, log)
        )
        _finish(work, progress)
    if options.arithmetic != "fixed":
        reference = Reference(parameters, options.rule, options.rate)
        series = log if options.arithmetic == "float" else StepLog(None)
        _finish(_float(reference, scaled, fit.y, batch, options, series), progress)
        model.reference = parameters
        if options.arithmetic == "float":
            model.state = quantize_state(plan, tensors_of(parameters))
    log.close()
    model.notes = {
        "seed": options.seed,
        "epochs": options.epochs,
        "test_fraction": options.test_fraction,
        "data": dataset.name,
        "data_digest": dataset.digest,
    }
    return Trained(model, fit, held_out, accuracies(model, {"train": fit, "test": held_out}))


def accuracies(model: Model, parts: dict[str, Dataset]) -> dict[str, dict[str, float | None]]:
    """Accuracy of the integers and of the float twin on named data sets.

    None for an empty data set, without a float twin, and for rules that never see a label: there
    the outputs stand for no class.
    """
    found: dict[str, dict[str, float | None]] = {"float": {}, "fixed": {}}
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
    reference = Reference(model.reference, model.plan.rule, model.plan.rate.real)
    return reference.infer(model.scaling.apply(features))


def sample_order(count: int, options: Options) -> Iterator[NDArray[np.int64]]:
    """The order of the training rows, an epoch each; the same for fixed and float."""
    rng = np.random.default_rng([options.seed, 1])
    for _ in range(options.epochs):
        yield rng.permutation(count)


def _finish(work: Iterator[tuple[int, int]], progress: Progress) -> None:
    for done, total in work:
        progress(done, total)


def _fixed_samples(
    model: Model, fit: Dataset, options: Options, log: StepLog
) -> Iterator[tuple[int, int]]:
    trainer, inputs = FixedTrainer(model.state, check=False), model.quantize(fit.x)
    total, done = options.epochs * len(inputs), 0
    for order in sample_order(len(inputs), options):
        for _ in trainer.learn_many(inputs[order], fit.y[order]):
            done += model.plan.batch
            if log.wanted:
                log.write(trainer.state.step, _series(model.plan, trainer))
            if done % 64 == 0:
                yield done, total
    yield total, total


def _fixed_steps(model: Model, fit: Dataset, log: StepLog) -> Iterator[tuple[int, int]]:
    trainer = FixedTrainer(model.state, check=False)
    total = model.plan.steps - 1
    for _ in trainer.learn_steps(model.quantize(fit.x[: model.plan.batch])):
        log.write(trainer.state.step, _series(model.plan, trainer))
        yield trainer.state.step, total


def _float(
    reference: Reference,
    scaled: Features,
    labels: NDArray[np.int64],
    batch: int,
    options: Options,
    log: StepLog,
) -> Iterator[tuple[int, int]]:
    if reference.rule == "published":
        for number, layers in enumerate(reference.learn_steps(scaled[:batch], options.steps), 1):
            log.write(number, [vars(layer) for layer in layers])
        return
    total, done = options.epochs * len(scaled), 0
    for order in sample_order(len(scaled), options):
        for start in range(0, len(order) - batch + 1, batch):
            rows = order[start : start + batch]
            reference.learn_batch(scaled[rows], labels[rows])
            done += batch
            if done % 64 == 0:
                yield done, total
    yield total, total


def _series(plan: Plan, trainer: FixedTrainer) -> list[dict[str, float]]:
    return [
        layer_metrics(plan, index, sums).as_dict() for index, sums in enumerate(trainer.metrics())
    ]


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


def tensors_of(parameters: Parameters) -> dict[tuple[int, str], Features]:
    """Float parameters under the names of `Plan.tensors`."""
    named: dict[tuple[int, str], Features] = {}
    for kind, arrays in (
        ("weight", parameters.weights),
        ("bias", parameters.biases),
        ("head_weight", parameters.head_weights),
        ("head_bias", parameters.head_biases),
    ):
        named.update({(layer, kind): values for layer, values in enumerate(arrays)})
    return named


def read_parameters(path: Path, plan: Plan) -> Parameters:
    """Initial weights from an npz: W0 (fan_out, fan_in), b0 (fan_out,), and so on a layer.

    Biases that are absent are 0, and so are the heads. Raises InputError for anything else.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: np.asarray(archive[name], dtype=np.float64) for name in archive.files}
    except FileNotFoundError as error:
        raise InputError(f"there is no file {path}") from error
    except Exception as error:  # zipfile and numpy raise whatever a broken byte leads them to
        raise InputError(f"{path} is not an npz with arrays of numbers") from error
    weights, biases = [], []
    for index, layer in enumerate(plan.layers):
        shape = (layer.outputs, layer.inputs)
        found = arrays.get(f"W{index}")
        if found is None or found.shape != shape:
            raise InputError(f"{path}: W{index} of shape {shape} is missing")
        bias = arrays.get(f"b{index}", np.zeros(layer.outputs))
        if bias.shape != (layer.outputs,):
            raise InputError(f"{path}: b{index} has shape {bias.shape}, not ({layer.outputs},)")
        if not (np.isfinite(found).all() and np.isfinite(bias).all()):
            raise InputError(f"{path}: W{index} or b{index} holds a number that is not finite")
        weights.append(found)
        biases.append(bias)
    heads = [layer for layer in plan.layers if layer.head]
    return Parameters(
        weights=weights,
        biases=biases,
        head_weights=[np.zeros((plan.classes, layer.outputs)) for layer in heads],
        head_biases=[np.zeros(plan.classes) for _ in heads],
    )
