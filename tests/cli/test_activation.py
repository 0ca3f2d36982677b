"""A model keeps its hidden layers' activation; `--activation` is refused where it has no effect."""

from __future__ import annotations

from pathlib import Path

import pytest

from ska_edge.model.open import open_model

SMALL = ("train", "iris", "-o", "m.ska", "--hidden", 4, "--epochs", 2)
RELU = (*SMALL, "--activation", "relu")


def test_a_model_keeps_its_activation(ska_edge) -> None:
    assert "iris: 4-4-3, rule local with relu, w16a8" in ska_edge(*RELU).out
    plan = open_model(Path("m.ska")).plan
    assert (plan.activation, plan.rate.real) == ("relu", 0.03125)  # a quarter of sigmoid's rate
    assert "4-4-3, rule local with relu, precision w16a8" in ska_edge("inspect", "m.ska").out
    assert ska_edge("inspect", "m.ska", "--json").document()["activation"] == "relu"
    kept = ska_edge("train", "iris", "--from", "m.ska", "-o", "k.ska", "--epochs", 1, "--json")
    assert kept.document()["changes"] == {}
    assert open_model(Path("k.ska")).plan == plan
    changed = ska_edge("train", "iris", "--from", "m.ska", "-o", "k.ska", "--activation", "sigmoid")
    assert "m.ska has the activation relu, which cannot change" in changed.refusal(2)


def test_without_the_option_no_output_mentions_it(ska_edge) -> None:
    assert "relu" not in ska_edge(*SMALL).out + ska_edge("inspect", "m.ska").out


def test_both_onnx_forms_have_it(ska_edge) -> None:
    ska_edge(*RELU)
    for form in ("integer", "float"):
        exported = ska_edge("export", "m.ska", "-o", "m.onnx", "--form", form, "--json")
        assert exported.code == 0
    import onnx

    assert "Relu" in [node.op_type for node in onnx.load("m.onnx").graph.node]


@pytest.mark.parametrize("engine", ["numpy", "native"])
def test_a_twin_that_diverges_is_refused_in_one_sentence(ska_edge, engine, monkeypatch) -> None:
    monkeypatch.setenv("SKA_EDGE_ENGINE", engine)
    outcome = ska_edge(*RELU, "--hidden", "4,4", "--rate", 1000, "--precision", "w32a16")
    assert "fits into no 16-bit format; use a smaller --rate" in outcome.refusal(2)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--rule", "code"), "--activation relu needs --rule local or feedback; code has no error"),
        (
            ("--rule", "feedback", "--hidden", "4,4,4"),
            "with --rule feedback, the activations of relu grow from layer to layer: --hidden has"
            " at most 2 widths",
        ),
        (("--rule", "published"), "--activation is for rules with labels, not for published"),
        (("--hidden", ""), "--activation is for hidden layers, and there are none"),
    ],
)
def test_it_is_refused_if_it_has_no_effect(ska_edge, options, sentence) -> None:
    assert sentence in ska_edge(*RELU, *options).refusal(2)
