"""A model keeps its normalized step through every command, onto a device, and back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ska_edge.model.model_file import Model
from ska_edge.model.open import open_model

pytest.importorskip("sklearn")
OPTIONS = ("--hidden", 5, "--epochs", 2)


@pytest.fixture
def model(ska_edge) -> Model:
    ska_edge("train", "iris", "-o", "m.ska", *OPTIONS, "--normalized-step")
    return open_model(Path("m.ska"))


def test_a_model_keeps_it(ska_edge, model: Model) -> None:
    assert model.plan.normalized
    assert ", batch 1, normalized step, plan " in ska_edge("inspect", "m.ska").out
    document = ska_edge("inspect", "m.ska", "--json").document()
    assert document["normalized_step"] is True
    assert "square sum" in {bound["quantity"] for bound in document["proof"]}
    kept = ska_edge("train", "iris", "--from", "m.ska", "-o", "n.ska", "--epochs", 1, "--json")
    assert kept.document()["changes"] == {}
    assert open_model(Path("n.ska")).plan == model.plan
    ska_edge("export", "m.ska", "-o", "m.onnx")
    assert open_model(Path("m.onnx")).plan == model.plan


def test_without_it_no_output_mentions_it(ska_edge) -> None:
    ska_edge("train", "iris", "-o", "m.ska", *OPTIONS)
    assert "normalized" not in ska_edge("inspect", "m.ska").out
    assert ska_edge("inspect", "m.ska", "--json").document()["normalized_step"] is False


def test_a_device_is_proven(
    ska_edge,
    model: Model,
    write_host_project: Callable[[Model, Path], Path],
    launched: Callable[[Path], str],
) -> None:
    port = launched(write_host_project(model, Path("fw")))
    proven = ska_edge("verify", "m.ska", "iris", "--port", port, "--samples", 60, "--json")
    assert proven.code == 0, proven.err
    assert proven.document()["equal"] is True


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--rule", "published"), "--normalized-step is for rules with labels, not for published"),
        (("--batch", 4), "--normalized-step is for single samples; leave --batch out"),
        (("--batch", "all"), "--normalized-step is for single samples; leave --batch out"),
    ],
)
def test_it_is_refused_for_batches(ska_edge, options: tuple[object, ...], sentence: str) -> None:
    given = ("train", "iris", "-o", "m.ska", "--normalized-step", *options)
    assert sentence in ska_edge(*given).refusal(2)
