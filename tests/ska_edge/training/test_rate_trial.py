"""Trials find a learning rate, with the same result every time, from training rows alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ska_edge.data.dataset import Dataset
from ska_edge.data.load import load
from ska_edge.errors import OptionError
from ska_edge.training import rate_trial
from ska_edge.training.defaults import default_rate
from ska_edge.training.options import Options
from ska_edge.training.rate_trial import with_rate
from ska_edge.training.session import Session
from ska_edge.training.train import train

AUTO = Options(rate="auto", hidden=(8,), epochs=4, seed=5)


def noisy(seed: int = 0, rows: int = 500, inputs: int = 20) -> Dataset:
    """Two classes that a line divides; four tenths of the labels are wrong."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, inputs))
    y = (x.sum(axis=1) > 0) ^ (rng.random(rows) < 0.4)
    return Dataset("noisy", x, y.astype(np.int64), ("no", "yes"))


@pytest.fixture(scope="module")
def iris() -> Dataset:
    return load("iris")


def test_noisy_labels_get_a_smaller_rate_than_the_default() -> None:
    options, tried = with_rate(noisy(), replace(AUTO, hidden=(32,), epochs=20))
    assert list(tried) == [0.125, 0.0625, 0.03125, 0.015625]
    assert options.rate == max(tried, key=tried.__getitem__) < default_rate(20)


def test_the_default_rate_is_tried_if_rows_are_enough(iris: Dataset) -> None:
    default = replace(AUTO, rate=None)
    assert with_rate(noisy(), default) == with_rate(noisy(), AUTO)
    assert with_rate(iris, default) == (default, {})
    assert len(with_rate(iris, AUTO)[1]) == 4


@pytest.mark.parametrize("values", [{"rate": 0.5}, {"epochs": 1}, {"stream_order": "as-is"}])
def test_a_given_rate_and_a_stream_are_not_tried(values: dict[str, Any]) -> None:
    options = replace(AUTO, **{"rate": None, **values})
    assert with_rate(noisy(), options) == (options, {})


def test_the_same_seed_gives_the_same_rate_and_the_same_accuracies() -> None:
    assert with_rate(noisy(), AUTO) == with_rate(noisy(), AUTO)
    assert with_rate(noisy(), AUTO)[1] != with_rate(noisy(), replace(AUTO, seed=6))[1]


def test_of_equally_good_rates_the_largest_one_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Session, "float_accuracy", lambda *_: 0.75)
    assert with_rate(noisy(), AUTO)[0].rate == 0.125


def test_test_rows_do_not_change_the_rate() -> None:
    data = noisy()
    test = Session.open(data, AUTO.untried()).division.test
    assert test.places is not None and len(test.y) == 100
    changed = data.x.copy()
    changed[test.places] *= -3
    other = replace(data, x=changed)
    assert with_rate(other, AUTO) == with_rate(data, AUTO)


def test_a_trial_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_trial, "MOST_ROWS", 50)
    opened: list[int] = []

    def accuracy(session: Session) -> float:
        opened.append(len(session.fit.y) + len(session.division.test.y))
        return 0.5

    monkeypatch.setattr(rate_trial, "_accuracy", accuracy)
    with_rate(noisy(), AUTO)
    monkeypatch.setattr(rate_trial, "LEAST_ROWS", 5)
    monkeypatch.setattr(rate_trial, "MOST_VALUES", 600)
    with_rate(noisy(), AUTO)
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

    monkeypatch.setattr(rate_trial, "_accuracy", accuracy)
    with_rate(replace(noisy(), group=np.arange(500) // 100), AUTO)
    for learned, judges in found:
        assert learned and judges and not learned & judges


def test_a_single_group_of_training_rows_is_divided_at_random() -> None:
    data = replace(noisy(), group=np.arange(500) // 250)
    assert len(with_rate(data, AUTO)[1]) == 4


def test_the_found_rate_is_that_of_the_training_and_of_the_notes() -> None:
    trained = train(noisy(), AUTO)
    options, tried = with_rate(noisy(), AUTO)
    assert trained.tried == tried
    assert trained.model.notes["rate"] == trained.options.rate == options.rate
    again = train(noisy(), options)
    assert again.tried == {}
    for ours, theirs in zip(
        (again.model.plan, again.model.notes, again.model.state.to_bytes()),
        (trained.model.plan, trained.model.notes, trained.model.state.to_bytes()),
        strict=True,
    ):
        assert ours == theirs


def test_too_few_rows_are_refused(iris: Dataset) -> None:
    with pytest.raises(OptionError, match="cannot hold out some of the training rows"):
        with_rate(iris, replace(AUTO, per_class=1))


def test_a_rule_without_labels_is_refused(iris: Dataset) -> None:
    with pytest.raises(OptionError, match="auto is for rules with labels, not for published"):
        with_rate(iris, Options(rule="published", rate="auto"))
