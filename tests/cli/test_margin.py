"""A model keeps its margin through every command, onto a device, and back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ska_edge.model.model_file import Model
from ska_edge.model.open import open_model
from ska_edge.network.margin import skipped
from tests.cli.iris_log import lines_of, rows_of

pytest.importorskip("sklearn")
OPTIONS = ("--hidden", 6, "--epochs", 10, "--seed", 0)


@pytest.fixture
def model(ska_edge) -> Model:
    outcome = ska_edge("train", "iris", "-o", "m.ska", *OPTIONS, "--margin", 0.2, "--json")
    share = outcome.document()["skipped"]
    assert 0.1 < share < 0.9
    assert f"{share:.1%} of the samples were within the margin 0.2" in outcome.err
    return open_model(Path("m.ska"))


def test_without_a_margin_no_output_mentions_it(ska_edge) -> None:
    outcome = ska_edge("train", "iris", "-o", "m.ska", *OPTIONS, "--json")
    assert outcome.document()["skipped"] is None
    assert "margin" not in outcome.err
    assert "margin" not in ska_edge("inspect", "m.ska").out
    assert ska_edge("inspect", "m.ska", "--json").document()["margin"] == 0


def test_a_model_keeps_its_margin(ska_edge, model: Model) -> None:
    assert ", margin 0.2, plan " in ska_edge("inspect", "m.ska").out
    assert ska_edge("inspect", "m.ska", "--json").document()["margin"] == 0.2
    kept = ska_edge("train", "iris", "--from", "m.ska", "-o", "n.ska", "--epochs", 1, "--json")
    assert kept.document()["changes"] == {}
    assert kept.document()["skipped"] is not None
    assert open_model(Path("n.ska")).plan == model.plan
    given = ("--from", "m.ska", "-o", "k.ska", "--epochs", 1, "--margin")
    changed = ska_edge("train", "iris", *given, 0, "--json").document()
    assert (changed["changes"], changed["skipped"]) == ({"margin": [0.2, 0.0]}, None)
    assert open_model(Path("k.ska")).plan == model.plan.with_margin(0.0)


def test_onnx_keeps_the_margin(ska_edge, model: Model) -> None:
    exported = ska_edge("export", "m.ska", "-o", "m.onnx", "--data", "iris", "--json").document()
    assert exported["mismatches"] == 0
    assert open_model(Path("m.onnx")).plan == model.plan


def test_a_device_with_a_margin_is_proven_and_its_log_is_replayed(
    ska_edge,
    model: Model,
    write_host_project: Callable[[Model, Path], Path],
    launched: Callable[[Path], str],
) -> None:
    port = launched(write_host_project(model, Path("fw")))
    watched = ("--port", port, "--samples", 70, "--log", "steps.jsonl")
    assert ska_edge("monitor", "m.ska", "iris", *watched).code == 0
    rows = rows_of(lines_of("steps.jsonl"))
    decisions = np.array([row["decisions"] for row in rows])
    within = skipped(model.plan, decisions, np.array([row["label"] for row in rows]))
    assert 0 < within < 70
    rebuilt = ska_edge("replay", "steps.jsonl", "m.ska", "-o", "r.ska", "--json").document()
    assert (rebuilt["samples"], rebuilt["step"], rebuilt["checked"]) == (70, 70, True)
    proven = ska_edge("verify", "m.ska", "iris", "--port", port, "--samples", 70, "--json")
    assert proven.code == 0, proven.err
    assert proven.document()["equal"] is True


def test_a_sweep_compares_margins(ska_edge) -> None:
    pytest.importorskip("matplotlib")
    pytest.importorskip("joblib")
    lists = ("--margin", "0,0.2", "--hidden", 4, "--seeds", 1, "--epochs", 2)
    outcome = ska_edge("sweep", "iris", "-o", "sweep", *lists, "--json")
    table = outcome.document()["table"]
    assert {row["margin"] for row in table} == {0.0, 0.2}
    assert len({row["digest"] for row in outcome.document()["runs"]}) == 2


@pytest.mark.parametrize("margin", [0.5, -0.1, "nan"])
def test_a_margin_out_of_range_is_refused(ska_edge, margin: object) -> None:
    sentence = ska_edge("train", "iris", "-o", "m.ska", "--margin", margin).refusal(2)
    assert "a margin is a finite number at least 0 and below 0.5; --margin is " in sentence


def test_a_rule_without_labels_refuses_a_margin(ska_edge) -> None:
    options = ("--rule", "published", "--margin", 0.1)
    sentence = ska_edge("train", "iris", "-o", "m.ska", *options).refusal(2)
    assert "--margin is for rules with labels, not for published; leave it out" in sentence
