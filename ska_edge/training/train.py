"""Trains a model in float, in fixed point, or in both with the same samples in the same order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ska_edge.data.dataset import Dataset
from ska_edge.data.split.division import Division
from ska_edge.errors import InputError
from ska_edge.model.evaluation import Evaluation
from ska_edge.model.model_file import Model
from ska_edge.model.quantization import quantize_state
from ska_edge.model.regression import Fit
from ska_edge.model.rejection import with_rejection
from ska_edge.network.engine.prequential import Prequential, prequential
from ska_edge.network.measures.diagnosis import Symptom, Watch
from ska_edge.network.trainer import FixedTrainer
from ska_edge.network.twin import tensors_of
from ska_edge.progress import Progress, silent
from ska_edge.training.accuracy import Accuracy, accuracies, evaluations, fractions
from ska_edge.training.checkpoint import Checkpoint
from ska_edge.training.opening import open_session
from ska_edge.training.options import Options
from ska_edge.training.preparation.draft import with_learned_front
from ska_edge.training.session import Session
from ska_edge.training.settling import changes
from ska_edge.training.step_log import StepLog
from ska_edge.training.trials.front import FrontChoice, with_front
from ska_edge.training.trials.rate import Trials, with_trials

WATCHED_ROWS = 500  # enough rows to measure the spread of decisions
FAR_MARGIN = 0.1  # a useful start has an accuracy of at least this above chance

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Trained:
    """The result of a training.

    Attributes:
        model: the model. It has a float twin unless the arithmetic was "fixed" or it has learned a
            stream (`prequential`).
        train, test: the rows that were learned, and the held-out rows.
        division: how the rows were divided.
        accuracy: fractions, as {"float": {"train": ..., "test": ...}, "fixed": {...}}; None for a
            missing value.
        evaluations: confusion, recall and more, as {"train": ..., "test": ...}; None for a part
            without rows, and for a rule without labels. For a regression, R2 and the mean absolute
            error of each target; its accuracy is None.
        before: the accuracy before the first update, if the training continued a model without
            adding classes.
        options: the options, with all defaults filled in.
        changes: the old and the new value of each changed option of a continued model, by name.
        symptoms: signs of poor learning, the worst first; see `diagnosis.Watch`.
        log_fault: why the log of the steps is incomplete; None if it is complete.
        remarks: sentences about the columns of the data; see `Dataset.remarks`.
        skipped: the fraction of samples within the margin, which the integers did not learn; None
            without a margin or integers. Stored samples that are learned again are not counted.
        prequential: how the stream after the first rows was classified; None without a stream. The
            model has learned the stream. The other figures are from before the stream.
        trials: the short trainings that found the rate and the hidden layers; empty if none ran.
        front_choice: how the front end was chosen; None if it was not chosen here.
    """

    model: Model
    train: Dataset
    test: Dataset
    division: Division
    accuracy: Accuracy
    evaluations: dict[str, Evaluation | Fit | None]
    options: Options
    before: Accuracy | None = None
    changes: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    symptoms: tuple[Symptom, ...] = ()
    log_fault: InputError | None = None
    skipped: float | None = None
    remarks: tuple[str, ...] = ()
    trials: Trials = ()
    front_choice: FrontChoice | None = None
    prequential: Prequential | None = None

    def __repr__(self) -> str:
        """Return the data, the model, and its accuracy on test rows, if any, or training rows."""
        parts = [self.train.name, repr(self.model)]
        part = "test" if len(self.test.y) else "train"
        for arithmetic in ("fixed", "float"):
            fraction = self.accuracy[arithmetic][part]
            if fraction is not None:
                parts.append(f"{part} {arithmetic} {fraction:.1%}")
        return f"Trained({', '.join(parts)})"


def unheard(_: str) -> None:
    """Ignore the sentence. This is the default `Say`."""


def train(
    dataset: Dataset, options: Options, progress: Progress = silent, say: Say = unheard
) -> Trained:
    """Train on a data set.

    The float twin of a new model is trained first, because calibration derives the formats of the
    integers from it. `progress(done, total)` is called at intervals with the samples (or steps) of
    both trainings. On Ctrl-C, this function writes `options.checkpoint` if it is set, passes a
    sentence about the checkpoint to `say`, and re-raises the KeyboardInterrupt. Raises InputError
    for options or data that cannot work.
    """
    dataset, choice = with_front(dataset, options)
    if options.start is None:
        dataset = with_learned_front(dataset, options)  # once, not for each trial
    options, trials = with_trials(dataset, options)
    session = open_session(dataset, options)
    checkpoint, log = Checkpoint(session), StepLog(session.options.log)
    try:
        trained = _trained(session, checkpoint, log, progress)
        return replace(trained, trials=trials, front_choice=choice)
    except KeyboardInterrupt:
        if checkpoint.write():
            part = f"{checkpoint.done} of {checkpoint.total} samples"
            say(f"{checkpoint.path} holds what was learned in {part}")
        raise


def _trained(session: Session, checkpoint: Checkpoint, log: StepLog, progress: Progress) -> Trained:
    base, options = session.base, session.options
    parts = session.division.parts
    known = base is not None and not session.new  # a new class has no accuracy before
    before = accuracies(session.with_averages(session.starting_model()), parts) if known else None
    in_float = options.arithmetic != "fixed" or base is None
    in_fixed = options.arithmetic != "float" and not options.untrained
    total = session.total * (in_float + in_fixed)
    parameters, learned = session.parameters.copy(), 0
    if in_float:
        for done in session.float_work(parameters, StepLog(None) if in_fixed else log):
            checkpoint.copy(done, total, parameters, None)
            progress(done, total)
        learned = session.total
    session.calibrate()
    if options.untrained:
        parameters = session.parameters.copy()
    model, watch = session.starting_model(), Watch(session.plan)
    if in_fixed:
        for done in session.fixed_work(model, log, watch):
            checkpoint.copy(learned + done, total, parameters, model.state)
            progress(learned + done, total)
    else:
        model.state = quantize_state(session.plan, tensors_of(parameters))
    model.reference = None if options.arithmetic == "fixed" else parameters
    model.notes = session.notes()
    model = session.with_averages(model)
    if options.reject:
        model = with_rejection(model, session.division.test, options.reject)
    model = session.finished(model)
    _watch_decisions(watch, model, session.fit)
    found = evaluations(model, parts)
    stream = None
    if options.prequential:
        stream = _stream(model, session, log)
    log.close()
    return Trained(
        model,
        session.fit,
        session.division.test,
        session.division,
        fractions(found),
        found,
        options,
        before,
        {} if base is None else changes(options, base.plan),
        tuple(watch.symptoms()),
        log.fault,
        session.skipped / session.total if session.plan.margin and in_fixed else None,
        session.dataset.remarks,
        prequential=stream,
    )


def _stream(model: Model, session: Session, log: StepLog) -> Prequential:
    """Let a model test and then learn each row of the stream; log the accuracy."""
    rows = session.division.test
    found, model.state = prequential(
        model.state, model.quantize(rows.x), rows.y, len(session.fit.y)
    )
    model.reference = None
    for part in found.parts:
        log.write_line({"prequential": part.as_dict()})
    return found


def far_domain(trained: Trained) -> str | None:
    """Return advice if a continued model was hardly better than chance on the new data, or None."""
    before = trained.before["fixed"]["test"] if trained.before else None
    chance = 1 / trained.model.plan.classes
    if before is None or before >= chance + FAR_MARGIN:
        return None
    return (
        f"before the first update the model was right in {before:.1%} of the test rows, little more"
        f" than by chance ({chance:.1%}): these data are too far from its own;"
        " train a new model on them"
    )


def far_targets(trained: Trained) -> str | None:
    """Return advice if targets are outside the range of a continued model, or None."""
    model, rows = trained.model, trained.train.targets
    if rows is None or trained.before is None or model.plan.output is None:
        return None
    output = model.plan.output
    ends = model.values_of(np.array([[output.minimum], [output.maximum]]))
    beyond = ((rows < ends[0]) | (rows > ends[1])).sum(axis=0).tolist()
    worst = int(np.argmax(beyond))
    if not beyond[worst]:
        return None
    low, high = ends[:, worst].tolist()
    return (
        f"{beyond[worst]} of {len(rows)} rows have a target {model.plan.labels[worst]} beyond the"
        f" values of the continued model, {low:.4g} to {high:.4g}; train a new model on them"
    )


def _watch_decisions(watch: Watch, model: Model, fit: Dataset) -> None:
    """Pass the decisions of every layer to `watch`, for training rows at equal intervals."""
    rows = np.linspace(0, len(fit.y) - 1, min(WATCHED_ROWS, len(fit.y))).astype(np.int64)
    inputs = model.quantize(fit.x[rows])
    for index, passed in enumerate(FixedTrainer(model.state).forward(inputs)):
        watch.decisions(index, passed.decision, inputs, fit.y[rows])
