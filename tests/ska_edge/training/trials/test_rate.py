"""Trials find a learning rate and a second hidden layer, with the same result every time, from
training rows alone.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ska_edge.data.arrays import from_arrays
from ska_edge.data.dataset import Dataset
from ska_edge.data.load import load
from ska_edge.errors import OptionError
from ska_edge.training.defaults import default_rate
from ska_edge.training.opening import open_session
from ska_edge.training.options import Options
from ska_edge.training.session import Session
from ska_edge.training.train import train
from ska_edge.training.trials import rate as rate_trials
from ska_edge.training.trials.rate import with_trials
from tests.bench.regimes import regime

AUTO = Options(rate="auto", hidden=(8,), epochs=4, seed=5)


def noisy(seed: int = 0, rows: int = 500, inputs: int = 20) -> Dataset:
    """Return two classes that a plane divides; four tenths of the labels are wrong."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, inputs))
    y = (x.sum(axis=1) > 0) ^ (rng.random(rows) < 0.4)
    return Dataset("noisy", x, y.astype(np.int64), ("no", "yes"))


@pytest.fixture(scope="module")
def iris() -> Dataset:
    return load("iris")


def test_noisy_labels_get_a_smaller_rate_than_the_default() -> None:
    options, found = with_trials(noisy(), replace(AUTO, hidden=(32,), epochs=20))
    assert [trial.rate for trial in found] == [0.125, 0.0625, 0.03125, 0.015625]
    assert options.rate == max(found, key=lambda trial: trial.accuracy).rate < default_rate(20)


def test_the_default_rate_is_tried_if_rows_are_enough(iris: Dataset) -> None:
    default = replace(AUTO, rate=None)
    assert with_trials(noisy(), default) == with_trials(noisy(), AUTO)
    assert with_trials(iris, default) == (default, ())
    assert len(with_trials(iris, AUTO)[1]) == 4


@pytest.mark.parametrize("values", [{"rate": 0.5}, {"epochs": 1}, {"stream_order": "as-is"}])
def test_a_given_rate_and_a_stream_are_not_tried(values: dict[str, Any]) -> None:
    options = replace(AUTO, **{"rate": None, **values})
    assert with_trials(noisy(), options) == (options, ())


def test_the_same_seed_gives_the_same_rate_and_the_same_accuracies() -> None:
    assert with_trials(noisy(), AUTO) == with_trials(noisy(), AUTO)
    assert with_trials(noisy(), AUTO)[1] != with_trials(noisy(), replace(AUTO, seed=6))[1]


def test_of_equally_good_rates_the_largest_one_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Session, "float_accuracy", lambda *_: 0.75)
    assert with_trials(noisy(), AUTO)[0].rate == 0.125


def test_a_rate_whose_outputs_are_no_numbers_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        Session, "float_accuracy", lambda session, *_: 0.75 if session.rate < 0.1 else float("nan")
    )
    assert with_trials(noisy(), AUTO)[0].rate == 0.0625


def test_a_regression_that_learns_nothing_has_a_rate_and_one_hidden_layer() -> None:
    data = noisy(rows=200)
    targets = np.random.default_rng(0).normal(size=(len(data.x), 1))
    data = replace(data, y=np.zeros(len(data.x), dtype=np.int64), labels=("y",), targets=targets)
    options, found = with_trials(data, replace(AUTO, hidden=None, epochs=2))
    assert max(trial.accuracy for trial in found) < 0  # R2
    assert options.hidden is None and len(found) == 4


def test_test_rows_do_not_change_the_rate() -> None:
    data = noisy()
    test = open_session(data, AUTO.untried()).division.test
    assert test.places is not None and len(test.y) == 100
    changed = data.x.copy()
    changed[test.places] *= -3
    other = replace(data, x=changed)
    assert with_trials(other, AUTO) == with_trials(data, AUTO)


def test_a_trial_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_trials, "MOST_ROWS", 50)
    opened: list[int] = []

    def accuracy(session: Session) -> float:
        opened.append(len(session.fit.y) + len(session.division.test.y))
        return 0.5

    monkeypatch.setattr(rate_trials, "accuracy_of_trial", accuracy)
    with_trials(noisy(), AUTO)
    monkeypatch.setattr(rate_trials, "LEAST_ROWS", 5)
    monkeypatch.setattr(rate_trials, "MOST_VALUES", 600)
    with_trials(noisy(), AUTO)
    assert opened == [50] * 4 + [30] * 4


def test_whole_groups_judge_a_rate_if_whole_groups_are_test_rows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found: list[tuple[set[int], set[int]]] = []

    def accuracy(session: Session) -> float:
        learned, judges = session.fit.group, session.division.test.group
        assert learned is not None and judges is not None
        found.append((set(learned.tolist()), set(judges.tolist())))
        return 0.5

    monkeypatch.setattr(rate_trials, "accuracy_of_trial", accuracy)
    with_trials(replace(noisy(), group=np.arange(500) // 100), AUTO)
    for learned, judges in found:
        assert learned and judges and not learned & judges


def test_a_single_group_of_training_rows_is_divided_at_random() -> None:
    data = replace(noisy(), group=np.arange(500) // 250)
    assert len(with_trials(data, AUTO)[1]) == 4


def test_the_found_rate_is_that_of_the_training_and_of_the_notes() -> None:
    trained = train(noisy(), AUTO)
    options, found = with_trials(noisy(), AUTO)
    assert trained.trials == found
    assert trained.model.notes["rate"] == trained.options.rate == options.rate
    again = train(noisy(), options)
    assert again.trials == ()
    for ours, theirs in zip(
        (again.model.plan, again.model.notes, again.model.state.to_bytes()),
        (trained.model.plan, trained.model.notes, trained.model.state.to_bytes()),
        strict=True,
    ):
        assert ours == theirs


def test_a_second_layer_is_chosen_where_one_learns_clearly_worse() -> None:
    data = regime("ordinal", 5)
    options, found = with_trials(data, Options(seed=5))
    assert [trial.hidden for trial in found] == [(64,)] * 4 + [(64, 32)]
    assert found[-1].rate == options.rate == max(found[:4], key=lambda trial: trial.accuracy).rate
    assert options.hidden == (64, 32)
    assert with_trials(data, Options(seed=5, hidden=(64,)))[0].hidden == (64,)


@pytest.mark.parametrize(("deeper", "chosen"), [(0.8, None), (0.84, None), (0.9, (64, 32))])
def test_a_gain_that_chance_explains_adds_no_layer(
    monkeypatch: pytest.MonkeyPatch, deeper: float, chosen: tuple[int, ...] | None
) -> None:
    """80 rows judge. The standard error of a difference is then 0.056 for 0.8 and 0.9, and 0.061
    for 0.8 and 0.84.
    """

    def accuracy(session: Session) -> float:
        assert len(session.division.test.y) == 80
        return deeper if len(session.options.hidden or ()) == 2 else 0.8

    monkeypatch.setattr(rate_trials, "accuracy_of_trial", accuracy)
    assert with_trials(noisy(), replace(AUTO, hidden=None))[0].hidden == chosen


def test_a_continued_model_keeps_its_layers(tmp_path: Path) -> None:
    start = tmp_path / "start.ska"
    train(noisy(), replace(AUTO, rate=0.125, hidden=None)).model.save(start)
    options, found = with_trials(noisy(), replace(AUTO, hidden=None, start=start))
    assert options.hidden is None and {trial.hidden for trial in found} == {(64,)}


def test_too_few_rows_are_refused(iris: Dataset) -> None:
    with pytest.raises(OptionError, match="cannot hold out some of the training rows"):
        with_trials(iris, replace(AUTO, per_class=1))


def test_a_rule_without_labels_is_refused(iris: Dataset) -> None:
    with pytest.raises(OptionError, match="auto is for rules with labels, not for published"):
        with_trials(iris, Options(rule="published", rate="auto"))


@pytest.mark.parametrize("files", [1, 2])
def test_trials_learn_and_judge_every_class_of_whole_files(
    files: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = np.repeat(np.arange(3 * (files + 1)), 20)
    x = np.random.default_rng(0).normal(size=(len(number), 4))
    names = tuple(f"{each}.csv" for each in range(3 * (files + 1)))
    data = replace(from_arrays(x, number // (files + 1)), file=number, file_names=names)
    seen = []

    def judged(session: Session) -> float:
        seen.append(session.division)
        return 0.5

    monkeypatch.setattr(rate_trials, "accuracy_of_trial", judged)
    with_trials(data, AUTO)
    assert {each.kind for each in seen} == {"blocked" if files == 1 else "file"}
    for each in seen:
        assert set(each.train.y) == set(each.test.y) == {0, 1, 2}
