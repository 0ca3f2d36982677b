"""`ska_edge.Regressor` behaves as scikit-learn demands, and computes what a device computes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import ska_edge
from ska_edge.errors import InputError

sklearn = pytest.importorskip("sklearn", minversion="1.6")

from sklearn.base import BaseEstimator, clone  # noqa: E402
from sklearn.datasets import make_friedman1  # noqa: E402
from sklearn.utils.estimator_checks import parametrize_with_checks  # noqa: E402

X, Y = make_friedman1(300, n_features=5, noise=0.5, random_state=0)


@parametrize_with_checks([ska_edge.Regressor(hidden=(), epochs=4)])
def test_scikit_learn_accepts_it(estimator: BaseEstimator, check: Any) -> None:
    check(estimator)


def test_it_predicts_in_the_unit_of_the_targets() -> None:
    found = ska_edge.Regressor(hidden=8, epochs=8, rate=0.25).fit(X, 1000 * Y + 5)
    assert found.score(X, 1000 * Y + 5) > 0.7
    np.testing.assert_array_equal(found.predict(X), found.model_.predict(X))


def test_several_targets_have_a_column_each() -> None:
    both = np.column_stack([Y, 50 - 3 * Y])
    found = ska_edge.Regressor(hidden=8, epochs=5).fit(X, both)
    assert found.predict(X).shape == (300, 2)
    assert found.model_.plan.labels == ("y1", "y2")


def test_partial_fit_learns_as_a_device_does() -> None:
    found = ska_edge.Regressor(hidden=8, epochs=1).partial_fit(X[:100], Y[:100])
    other = clone(found).partial_fit(X[:100], Y[:100])
    before = found.score(X, Y)
    for _ in range(5):
        found.partial_fit(X, Y)
    assert found.score(X, Y) > before
    assert other.model_.plan == found.model_.plan  # neither scaling nor formats change


@pytest.mark.parametrize(
    ("options", "said"),
    [({"stored": 3}, "stored"), ({"rule": "code"}, "code"), ({"rule": "published"}, "numbers")],
)
def test_options_that_need_classes_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        ska_edge.Regressor(**options).fit(X, Y)
