"""A plan may have a rate that falls with a device's samples; an impossible one is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ska_edge.errors import InputError
from ska_edge.network.state import State
from ska_edge.network.trainer import FixedTrainer
from ska_edge.plan.check import plan_from_json
from ska_edge.plan.decay import Decay
from ska_edge.plan.replay import Replay
from ska_edge.plan.resolve import make_plan


def test_a_plan_with_a_constant_rate_is_that_of_earlier_versions() -> None:
    plan = make_plan((64, 32, 10))
    assert plan.digest == "e6e70b072cfd65ab"  # computed before a rate could fall by itself
    assert "decay" not in plan.to_json()
    assert not plan.rate_varies


def test_it_survives_json_and_changes_the_digest() -> None:
    plan = make_plan((4, 3, 2), decay=Decay(2, 500))
    assert plan_from_json(json.loads(json.dumps(plan.to_json()))) == plan
    assert plan.digest != make_plan((4, 3, 2)).digest


@given(st.integers(1, 8), st.integers(1, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_it_halves_after_every_so_many_samples(times: int, samples: int, learned: int) -> None:
    decay = Decay(times, samples)
    found = decay.halvings(learned)
    assert 0 <= found <= times
    assert found == times or found * samples <= learned < (found + 1) * samples


def test_it_adds_to_the_halvings_of_the_rate_up_to_a_maximum() -> None:
    plan = make_plan((4, 3, 2), decay=Decay(8, 2))
    most = plan.rate_halvings_max
    assert plan.halvings(0, 0) == plan.halvings(1, 0) == 0
    assert (plan.halvings(2, 0), plan.halvings(3, 1), plan.halvings(4, 1)) == (1, 2, 3)
    assert plan.halvings(10**6, 0) == 8
    assert plan.halvings(10**6, most - 3) == plan.halvings(10**6, most) == most


def test_a_sample_and_its_replayed_samples_have_the_same_rate() -> None:
    plan = make_plan((2, 2), decay=Decay(3, 2), replay=Replay(2, 3))
    state = State(plan)
    trainer, rates = FixedTrainer(state), []
    for _ in range(8):
        rates.append(state.rate.real / plan.rate.real)
        trainer.learn_one(np.array([50, -50]), 1)
    assert rates == [1, 1, 1 / 2, 1 / 2, 1 / 4, 1 / 4, 1 / 8, 1 / 8]


def test_a_lower_rate_changes_less() -> None:
    states = [State(make_plan((2, 2), decay=decay)) for decay in (Decay(), Decay(2, 1))]
    for state in states:
        state.samples = 5
        FixedTrainer(state).learn_one(np.array([64, 64]), 0)
    full, quarter = (abs(state.parameters).astype(float) for state in states)
    assert full.min() > 0
    assert quarter == pytest.approx(full / 4, abs=1)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"decay": Decay(9, 5)}, "at most 8 times, not 9"),
        ({"decay": Decay(-1, 5)}, "at most 8 times, not -1"),
        ({"decay": Decay(8, 5), "rate": 2.0**-14}, "at most 7 are possible"),
        ({"decay": Decay(2, 0)}, "after every 0 samples"),
        ({"decay": Decay(2, 2**32)}, "the samples are 1 to 4294967295"),
        ({"decay": Decay(0, 5)}, "halves 0 times after every 5 samples"),
        ({"decay": Decay(2, 5), "batch": 2}, "leave the batch at 1"),
        ({"decay": Decay(2, 5), "rule": "published"}, "learns from a held batch"),
    ],
)
def test_an_impossible_decay_is_refused(options: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        make_plan((4, 3, 2), **options)
