"""Finds a learning rate, and whether a second hidden layer helps, by short trainings in float, each
judged on rows that it does not learn.

The seed determines all random numbers, and the float trainer gives the same bits on every computer,
so the same data and options give the same result.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ska_edge.data.dataset import Dataset
from ska_edge.data.split.groups import divisible
from ska_edge.data.split.rows import stratified
from ska_edge.errors import InputError, OptionError
from ska_edge.training.defaults import TWO_HIDDEN
from ska_edge.training.opening import open_session
from ska_edge.training.option import AUTO
from ska_edge.training.options import Options
from ska_edge.training.session import Session
from ska_edge.training.step_log import StepLog

FACTORS = (1.0, 0.5, 0.25, 0.125)  # of the default rate
JUDGED = 0.2  # fraction of a trial's rows on which the rate is judged
LEAST_ROWS = 200  # a fifth of fewer rows is too few to tell rates apart
MOST_ROWS = 4000  # a trial has at most this many rows, so that it is short
MOST_VALUES = 2**19  # most rows times features of a trial with more than `LEAST_ROWS` rows
APART = ("group", "file", "blocked")  # splits that hold out similar rows together

CLEAR_GAIN = 1.5  # in standard errors; a second layer costs memory, so it must help clearly


@dataclass(frozen=True, slots=True)
class Trial:
    """A short training: its hidden widths, its learning rate, and the accuracy (a fraction) on the
    rows that it did not learn.
    """

    hidden: tuple[int, ...]
    rate: float
    accuracy: float


Trials = tuple[Trial, ...]


def with_trials(dataset: Dataset, options: Options) -> tuple[Options, Trials]:
    """Return options with the best rate and hidden layers, and the trials that found them.

    If the rate is "auto", it becomes the best rate that was tried, or the largest of equally good
    rates. A default rate is replaced in the same way if all of this is true: the data have classes,
    the options allow trials (`may_try`), there are at least `LEAST_ROWS` rows to learn, and some of
    these rows can be held out. Otherwise nothing is tried.

    If a new classifier has no given hidden layers, one more trial at the best rate has the layers
    `TWO_HIDDEN`. They become an option if their accuracy is better by more than `CLEAR_GAIN`
    standard errors.
    Raises InputError for options or data that cannot work.
    """
    if options.rate != AUTO and (not options.may_try or dataset.targets is not None):
        return options, ()
    whole = open_session(dataset, options.untried())
    if options.rate != AUTO and len(whole.fit.y) < LEAST_ROWS:
        return options, ()
    if not whole.plan.rule_definition.supervised:
        raise OptionError(
            "{rate} auto is for rules with labels, not for {rule}; give a number",
            rule=whole.plan.rule,
        )
    assert whole.options.seed is not None
    rows = some_rows(whole.fit, whole.options.seed)
    try:
        sessions = [_opened(rows, whole, options, factor * whole.rate) for factor in FACTORS]
    except InputError:
        if options.rate == AUTO:
            raise
        return options, ()
    trials = tuple(_trial(session) for session in sessions)
    best = max(trials, key=_worth)
    options = replace(options, rate=best.rate)
    given = options.hidden is not None or options.start is not None or options.init is not None
    if given or dataset.targets is not None:
        return options, trials
    deeper = _trial(_opened(rows, whole, replace(options, hidden=TWO_HIDDEN), best.rate))
    if _clearly_better(deeper, best, len(sessions[0].division.test.y)):
        options = replace(options, hidden=deeper.hidden)
    return options, (*trials, deeper)


def _worth(trial: Trial) -> tuple[bool, float, float]:
    """Return what orders trials: whether the outputs are numbers, the accuracy, and the rate."""
    return not math.isnan(trial.accuracy), trial.accuracy, trial.rate


def _clearly_better(trial: Trial, other: Trial, rows: int) -> bool:
    # The variance of a fraction p of n rows is p (1 - p) / n.
    variance = sum(each.accuracy * (1 - each.accuracy) for each in (trial, other)) / rows
    return trial.accuracy - other.accuracy > CLEAR_GAIN * math.sqrt(variance)


def _trial(session: Session) -> Trial:
    return Trial(session.options.hidden or (), session.rate, accuracy_of_trial(session))


def accuracy_of_trial(session: Session) -> float:
    """Train in float; return the accuracy on the rows that the session holds out."""
    parameters = session.parameters.copy()
    for _ in session.float_work(parameters, StepLog(None)):
        pass
    return session.float_accuracy(parameters, session.division.test)


def _opened(rows: Dataset, whole: Session, options: Options, rate: float) -> Session:
    """Prepare the training of a trial, which holds rows out as `whole` does, or else at random.

    If every group or file has a class of its own, the training holds out blocks instead, so that
    each class has rows to learn.

    Raises InputError if rows cannot be held out in either way.
    """
    kind = whole.options.split
    group = {"group": rows.group, "file": rows.file}.get(kind or "")
    if group is not None and np.ptp(group) and not divisible(rows.y, group):
        kind = "blocked"
    for split in ("random",) if kind not in APART else (kind, "random"):
        inner = replace(
            options,
            rate=rate,
            test_fraction=JUDGED,
            split=split,
            group=None,
            per_class=None,
            checkpoint=None,
            log=None,
        )
        try:
            return open_session(rows, inner)
        except InputError as error:
            cause = error
    raise OptionError(
        "{rate} auto cannot hold out some of the training rows, to judge a rate by them; give a"
        " number"
    ) from cause


def some_rows(fit: Dataset, seed: int) -> Dataset:
    """Return some of the rows to learn, in their original order, with the same mixture of classes.

    There are at most `MOST_ROWS` rows, and fewer if the rows have many features.
    """
    assert fit.places is not None
    fit = fit.take(np.argsort(fit.places, kind="stable"))
    most = min(MOST_ROWS, max(MOST_VALUES // fit.x.shape[1], LEAST_ROWS))
    if len(fit.y) <= most:
        return fit
    order = np.random.default_rng([seed, 2]).permutation(len(fit.y))
    return fit.take(stratified(fit.y, order, most / len(fit.y)))
