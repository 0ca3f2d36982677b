"""A training with any rule, rate and precision works, or one sentence says why not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ska_edge.data.dataset import Dataset
from ska_edge.errors import InputError
from ska_edge.plan.check import plan_from_json
from ska_edge.plan.precision import PRECISIONS
from ska_edge.rules.rule import RULES
from ska_edge.training.options import Options
from ska_edge.training.train import Trained, train

ROWS = 12


def rows(scale: float, whole: bool) -> Dataset:
    """Return rows of two classes with three features of any scale."""
    y = np.arange(ROWS) % 2
    x = scale * (np.random.default_rng(0).normal(size=(ROWS, 3)) + y[:, None])
    return Dataset("rows", np.round(x) if whole else x, y, ("a", "b"))


def outcome(data: Dataset, options: Options) -> Trained | str:
    try:
        return train(data, options)
    except InputError as error:
        return str(error)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("rate", [0.1, 1.0, 5.0])
def test_published_with_a_large_rate_trains_or_is_refused(precision: str, rate: float) -> None:
    options = Options(rule="published", rate=rate, precision=precision, hidden=(4,), steps=30)
    found = outcome(rows(30.0, False), options)
    assert isinstance(found, Trained) or "use a smaller rate" in found


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    rule=st.sampled_from(list(RULES)),
    precision=st.sampled_from(list(PRECISIONS)),
    rate=st.floats(-40, 20).map(lambda exponent: 2.0**exponent),
    scale=st.sampled_from([1e-6, 1.0, 100.0, 1e6]),
    whole=st.booleans(),
    scaling=st.sampled_from(["standardize", "global", "none"]),
    hidden=st.sampled_from([(), (1,), (5, 3)]),
    batch=st.sampled_from([1, 4, "all"]),
)
def test_any_rule_rate_and_precision_trains_or_is_refused(
    rule: str,
    precision: str,
    rate: float,
    scale: float,
    whole: bool,
    scaling: str,
    hidden: tuple[int, ...],
    batch: int,
) -> None:
    options = Options(
        rule=rule,
        precision=precision,
        rate=rate,
        hidden=hidden,
        batch=batch,
        scale=scaling,
        test_fraction=0.0,
        **({"epochs": 2} if RULES[rule].supervised else {"steps": 6}),  # type: ignore[arg-type]
    )
    found = outcome(rows(scale, whole), options)
    if isinstance(found, str):
        assert "\n" not in found and len(found) > 20
    else:
        assert plan_from_json(found.model.plan.to_json()) == found.model.plan
