"""A model keeps a rate that falls on a device; the device is proven, the host trains as before."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ska_edge.model.model_file import Model
from ska_edge.model.open import open_model
from ska_edge.plan.decay import Decay

pytest.importorskip("sklearn")
OPTIONS = ("--hidden", 5, "--epochs", 2)
DECAY = ("--device-decay", 3, "--decay-samples", 15)


@pytest.fixture
def model(ska_edge) -> Model:
    ska_edge("train", "iris", "-o", "m.ska", *OPTIONS, *DECAY)
    return open_model(Path("m.ska"))


def test_a_model_keeps_it_and_the_host_trains_without_it(ska_edge, model: Model) -> None:
    assert model.plan.decay == Decay(3, 15)
    assert ", halved on a device 3 times, every 15 samples, " in " ".join(
        ska_edge("inspect", "m.ska").out.split()
    )
    document = ska_edge("inspect", "m.ska", "--json").document()
    assert (document["device_decay"], document["decay_samples"]) == (3, 15)
    ska_edge("train", "iris", "-o", "n.ska", *OPTIONS)
    without = open_model(Path("n.ska"))
    assert np.array_equal(without.state.parameters, model.state.parameters)


def test_a_continued_model_keeps_it_or_not(ska_edge, model: Model) -> None:
    continued = ("train", "iris", "--from", "m.ska", "-o", "n.ska", "--epochs", 1)
    assert ska_edge(*continued, "--json").document()["changes"] == {}
    assert open_model(Path("n.ska")).plan == model.plan
    ska_edge(*continued, "--device-decay", 0)
    assert open_model(Path("n.ska")).plan.decay == Decay()
    ska_edge(*continued, "--decay-samples", 70)
    assert open_model(Path("n.ska")).plan.decay == Decay(3, 70)


def test_a_device_is_proven_through_its_halvings(
    ska_edge,
    model: Model,
    write_host_project: Callable[[Model, Path], Path],
    launched: Callable[[Path], str],
) -> None:
    port = launched(write_host_project(model, Path("fw")))
    proven = ska_edge("verify", "m.ska", "iris", "--port", port, "--samples", 60, "--json")
    assert proven.code == 0, proven.err
    assert proven.document()["equal"] is True


def test_a_log_replays_through_the_halvings(
    ska_edge,
    model: Model,
    write_host_project: Callable[[Model, Path], Path],
    launched: Callable[[Path], str],
) -> None:
    port = launched(write_host_project(model, Path("fw")))
    watched = ska_edge("monitor", "m.ska", "iris", "--port", port, "--log", "m.jsonl")
    assert watched.code == 0, watched.err
    replayed = ska_edge("replay", "m.jsonl", "m.ska", "-o", "after.ska")
    assert replayed.code == 0, replayed.err
    assert "rate halved 3 times" in " ".join(ska_edge("inspect", "after.ska").out.split())


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--device-decay", 3), "--device-decay needs --decay-samples: how many samples to wait"),
        (("--decay-samples", 9), "--decay-samples needs a --device-decay of at least 1"),
        (("--device-decay", 0, "--decay-samples", 9), "needs a --device-decay of at least 1"),
        ((*DECAY, "--batch", 4), "--device-decay is for single samples; leave --batch out"),
        ((*DECAY, "--rule", "published"), "--device-decay is for rules with labels"),
    ],
)
def test_impossible_options_of_the_decay_are_refused(
    ska_edge, options: tuple[object, ...], sentence: str
) -> None:
    assert sentence in ska_edge("train", "iris", "-o", "m.ska", *options).refusal(2)
