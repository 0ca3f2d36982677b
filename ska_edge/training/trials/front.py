"""Chooses a front end by cross validation on the rows to learn (`--frontend auto`).

The rows are divided into folds. For every front end that suits the data, and for none, a network
learns the other folds in float and is judged on each fold. The network has the options of the
training, with the default rate in place of "auto". No held-out row is used. The seed determines all
random numbers, and the float trainer gives the same bits on every computer, so the choice is the
same everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count

import numpy as np
from numpy.typing import NDArray

from ska_edge.data.dataset import Dataset
from ska_edge.data.recordings.window_rows import with_features
from ska_edge.data.split.groups import DRAWS, contents
from ska_edge.data.split.order import in_time
from ska_edge.data.targets import REGRESSION
from ska_edge.errors import InputError, OptionError
from ska_edge.frontend.front import Front
from ska_edge.frontend.request import NONE
from ska_edge.progress import Progress, silent
from ska_edge.rules.rule import RULES
from ska_edge.training.opening import open_session
from ska_edge.training.options import Options
from ska_edge.training.preparation.division import parts
from ska_edge.training.preparation.draft import with_learned_front
from ska_edge.training.settling import settled
from ska_edge.training.trials.rate import accuracy_of_trial, some_rows

FOLDS = 3
STREAM = 5  # of the random numbers of a training's seed


@dataclass(frozen=True, slots=True)
class FrontTrial:
    """A front end, or `NONE`, and its accuracy over all folds: a fraction; for a regression, R2."""

    frontend: str
    accuracy: float


@dataclass(frozen=True, slots=True)
class FrontChoice:
    """The front end that was chosen.

    Attributes:
        frontend: its name, or `NONE`.
        trials: what was tried, in the order in which equally good ones are preferred.
        reason: why nothing was tried; "" if something was.
    """

    frontend: str
    trials: tuple[FrontTrial, ...] = ()
    reason: str = ""


def with_front(
    dataset: Dataset, options: Options, progress: Progress = silent
) -> tuple[Dataset, FrontChoice | None]:
    """Return data with the best of their candidates as front end, and how it was chosen.

    Data without candidates are returned unchanged, with None. A training that continues a network
    chooses nothing, because the network has its inputs. Of equally good front ends, the first
    one is taken; `NONE` comes before all others. `progress(done, total)` counts trainings.

    Raises OptionError for a rule without labels. Raises InputError for options or data that cannot
    work with any front end.
    """
    fronts = dataset.candidates
    if fronts is None:
        return dataset, None
    if options.start is not None:
        return _with(dataset, None), None
    if options.rule is not None and not RULES[options.rule].supervised:
        raise OptionError(
            "{frontend} auto is for rules with labels, not for {rule}; name a front end",
            rule=options.rule,
        )
    rows, seed = _rows_to_learn(dataset, options)
    reason = _hindrance(rows, fronts)
    if reason:
        return _with(dataset, None), FrontChoice(NONE, reason=reason)
    fold, tries = _folds(rows, seed), (None, *fronts)
    done, total = count(1), len(tries) * len(np.unique(fold))
    tried: dict[Front | None, FrontTrial] = {}
    fault: InputError | None = None
    for front in tries:
        try:
            accuracy = _validated(
                _with(rows, front), fold, options, lambda: progress(next(done), total)
            )
        except InputError as error:
            fault = fault or error
        else:
            tried[front] = FrontTrial(NONE if front is None else front.kind, accuracy)
    if not tried and fault is not None:
        raise fault
    best = max(tried, key=lambda front: tried[front].accuracy)
    return _with(dataset, best), FrontChoice(tried[best].frontend, tuple(tried.values()))


def _rows_to_learn(dataset: Dataset, options: Options) -> tuple[Dataset, int]:
    """Return some of the rows that a training with these options learns, and its seed."""
    if dataset.targets is not None:
        options = replace(options, task=REGRESSION)
    whole = settled(options.untried(), dataset.x.shape[1], len(dataset.labels))
    assert whole.seed is not None
    return some_rows(parts(dataset, whole).train, whole.seed), whole.seed


def _hindrance(rows: Dataset, fronts: tuple[Front, ...]) -> str:
    """Return why front ends cannot be tried; "" if they can."""
    if not fronts:
        if rows.layout is None:
            return (
                "the rows are neither windows (recordings need a length of windows) nor square"
                " images of pixels"
            )
        return f"no front end suits windows of {rows.layout.described}"
    counts = np.bincount(rows.y)
    if counts[counts > 0].min() < FOLDS:
        return f"a class has fewer than {FOLDS} rows to learn, too few for trials"
    return ""


def _with(dataset: Dataset, front: Front | None) -> Dataset:
    """Return data with a front end, or none, in place of the candidates; nothing is learned."""
    found = replace(dataset, front=front, candidates=None)
    if front is None:
        return replace(found, windows=None)
    return with_features(found, front) if front.learned else found


def _folds(rows: Dataset, seed: int) -> NDArray[np.int64]:
    """Return the fold of each row (n,).

    A fold has whole groups, or else whole files, if each class is then in several folds. Otherwise,
    it has neighboring rows of each class if the rows are in the order of time, or else random rows
    of each class.
    """
    rng = np.random.default_rng([seed, STREAM])
    for group in (rows.group, rows.file):
        grouped = None if group is None else _grouped(rows.y, group, rng)
        if grouped is not None:
            return grouped
    order = np.arange(len(rows.y)) if in_time(rows) else rng.permutation(len(rows.y))
    fold = np.empty(len(rows.y), dtype=np.int64)
    for label in np.unique(rows.y):
        own = order[rows.y[order] == label]
        fold[own] = np.arange(len(own)) * FOLDS // len(own)
    return fold


def _grouped(
    y: NDArray[np.int64], group: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.int64] | None:
    """Return the fold of each row (n,) such that no group is in two folds.

    Each class is in several folds; otherwise, a network would be judged on a class that it has not
    learned. If no random draw has such folds, the groups are sorted by their most frequent class,
    and get the folds in turn. None if a class is then still in one fold.
    """
    groups, table = contents(y, group)
    index = np.searchsorted(groups, group)
    draws = (rng.permutation(len(groups)) for _ in range(DRAWS))
    by_class = np.argsort(np.argsort(table.argmax(axis=0), kind="stable"))
    for place in (*draws, by_class):
        fold: NDArray[np.int64] = place[index] % FOLDS
        if all(len(np.unique(fold[y == label])) > 1 for label in np.unique(y)):
            return fold
    return None


def _validated(
    rows: Dataset, fold: NDArray[np.int64], options: Options, advance: Callable[[], None]
) -> float:
    """Return the accuracy of a front end over all folds; `advance` is called after each fold.

    The front end itself is learned once, from the rows of all folds, because it needs no labels.
    Raises InputError if the front end or the network cannot learn the rows, and OptionError if the
    outputs of the network are not numbers.
    """
    inner = replace(
        options.untried(),
        test_fraction=None,
        split="own",
        reject=None,
        group=None,
        per_class=None,
        prequential=None,
        checkpoint=None,
        log=None,
    )
    rows = with_learned_front(rows, replace(inner, test_fraction=0.0, split=None))
    right, judged = 0.0, 0
    for each in np.unique(fold):
        session = open_session(replace(rows, tested=fold == each), inner)
        held = len(session.division.test.y)
        right, judged = right + held * accuracy_of_trial(session), judged + held
        advance()
    if math.isnan(right):
        raise OptionError(
            "the outputs of a network that learns '{name}' are not numbers; give a smaller {rate}",
            name=rows.name,
        )
    return right / judged
