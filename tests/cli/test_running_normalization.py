"""A model keeps its running averages through every command, onto a device, and back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ska_edge.data.load import load
from ska_edge.model.model_file import Model
from ska_edge.model.open import open_model
from ska_edge.network.state import State

pytest.importorskip("sklearn")
OPTIONS = ("--hidden", 5, "--epochs", 2)


@pytest.fixture
def model(ska_edge) -> Model:
    ska_edge("train", "iris", "-o", "m.ska", *OPTIONS, "--running-normalization")
    return open_model(Path("m.ska"))


@pytest.fixture
def moved(model: Model) -> Model:
    """Let the model learn drifted rows as a device does; write it as "moved.ska"."""
    iris = load("iris")
    model.learn(iris.x + 1, np.array(iris.labels)[iris.y])
    model.save("moved.ska")
    return model


def test_a_training_does_not_move_the_averages(ska_edge, model: Model) -> None:
    assert model.plan.running_normalization
    assert not model.state.mean.any()
    assert ", batch 1, running normalization, plan " in ska_edge("inspect", "m.ska").out
    assert ska_edge("inspect", "m.ska", "--json").document()["running_normalization"] is True
    ska_edge("train", "iris", "-o", "plain.ska", *OPTIONS)
    plain = open_model(Path("plain.ska"))
    assert "running" not in ska_edge("inspect", "plain.ska").out
    np.testing.assert_array_equal(plain.state.parameters, model.state.parameters)


def test_a_continued_model_keeps_its_averages(ska_edge, moved: Model) -> None:
    kept = ska_edge("train", "iris", "--from", "moved.ska", "-o", "n.ska", "--epochs", 1, "--json")
    assert kept.document()["changes"] == {}
    again = open_model(Path("n.ska"))
    assert again.plan == moved.plan
    np.testing.assert_array_equal(again.state.mean, moved.state.mean)
    np.testing.assert_array_equal(again.state.variance, moved.state.variance)
    # It was trained on normalized inputs, so integers and float twin both classify with them.
    accuracy = ska_edge("eval", "n.ska", "iris", "--json").document()["accuracy"]
    assert min(accuracy["fixed"]["test"], accuracy["float"]["test"]) > 0.6


def test_a_continued_model_without_it_learns_plain_inputs(ska_edge, moved: Model) -> None:
    train = ("train", "iris", "--epochs", 1, "--json")
    off = ska_edge(*train, "--from", "moved.ska", "-o", "off.ska", "--no-running-normalization")
    assert off.document()["changes"] != {}
    plan = replace(moved.plan, running_normalization=False)
    state = State(plan, moved.state.parameters, moved.state.step)
    replace(moved, plan=plan, state=state).save("plain.ska")
    ska_edge(*train, "--from", "plain.ska", "-o", "n.ska")
    found, expected = open_model(Path("off.ska")), open_model(Path("n.ska"))
    assert found.plan == expected.plan
    np.testing.assert_array_equal(found.state.parameters, expected.state.parameters)


@pytest.mark.parametrize("form", ["integer", "float"])
def test_an_export_normalizes_by_the_learned_averages(ska_edge, moved: Model, form: str) -> None:
    pytest.importorskip("onnxruntime")
    assert moved.state.mean.any()
    found = ska_edge("export", "moved.ska", "--form", form, "-o", "m.onnx", "--json").document()
    assert found["mismatches"] <= (0 if form == "integer" else found["rows"] // 20)
    if form == "integer":
        assert open_model(Path("m.onnx")).state.to_bytes() == moved.state.to_bytes()


def test_a_stream_is_learned_with_moving_averages(ska_edge) -> None:
    given = ("train", "iris", *OPTIONS, "--prequential", 50, "-o", "m.ska")
    ska_edge(*given, "--running-normalization")
    assert open_model(Path("m.ska")).state.mean.any()


def test_a_device_is_proven_and_replayed(
    ska_edge,
    moved: Model,
    write_host_project: Callable[[Model, Path], Path],
    launched: Callable[[Path], str],
) -> None:
    port = launched(write_host_project(moved, Path("fw")))
    at = ("--port", port)
    learn = ("monitor", "moved.ska", "iris", "--samples", 30, "--log", "log.jsonl", *at)
    assert ska_edge(*learn).code == 0
    replayed = ska_edge("replay", "log.jsonl", "moved.ska", "-o", "r.ska", "--json")
    assert replayed.document()["checked"] is True
    assert ska_edge("pull", "moved.ska", "-o", "pulled.ska", *at).code == 0
    state = open_model(Path("pulled.ska")).state
    assert state.to_bytes() == open_model(Path("r.ska")).state.to_bytes()
    assert (state.mean != moved.state.mean).any()
    proven = ska_edge("verify", "moved.ska", "iris", "--samples", 30, *at, "--json")
    assert proven.code == 0, proven.err
    assert proven.document()["equal"] is True


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            ("--rule", "published"),
            "--running-normalization is for rules with labels, not for published",
        ),
        (
            ("--batch", 4),
            "--running-normalization is for devices, which learn single samples; leave --batch out",
        ),
    ],
)
def test_it_is_refused_for_batches(ska_edge, options: tuple[object, ...], sentence: str) -> None:
    given = ("train", "iris", "-o", "m.ska", "--running-normalization", *options)
    assert sentence in ska_edge(*given).refusal(2)
