"""A model keeps its hidden layers' rate; `--hidden-halvings` is refused where it has no effect."""

from __future__ import annotations

from pathlib import Path

import pytest

from ska_edge.model.open import open_model

SMALL = ("train", "iris", "-o", "m.ska", "--hidden", 4, "--epochs", 1, "--rate", 0.0625)


def test_a_model_keeps_the_rate_of_its_hidden_layers(ska_edge) -> None:
    ska_edge(*SMALL, "--hidden-halvings", 2)
    assert open_model(Path("m.ska")).plan.hidden_halvings == 2
    assert ", rate 0.0625 (hidden layers 0.015625), batch 1," in ska_edge("inspect", "m.ska").out
    assert ska_edge("inspect", "m.ska", "--json").document()["hidden_halvings"] == 2
    kept = ska_edge("train", "iris", "--from", "m.ska", "-o", "k.ska", "--epochs", 1, "--json")
    assert kept.document()["changes"] == {}
    assert open_model(Path("k.ska")).plan == open_model(Path("m.ska")).plan


def test_without_the_option_no_output_mentions_it(ska_edge) -> None:
    ska_edge(*SMALL)
    assert "hidden layers" not in ska_edge("inspect", "m.ska").out


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--hidden", ""), "--hidden-halvings is for hidden layers that learn, and there are none"),
        (("--readout-only",), "--hidden-halvings is for hidden layers that learn"),
        (("--rule", "published"), "--hidden-halvings is for rules with labels, not for published"),
    ],
)
def test_it_is_refused_without_hidden_layers_that_learn(ska_edge, options, sentence) -> None:
    given = ("train", "iris", "-o", "m.ska", "--hidden-halvings", 1, *options)
    assert sentence in ska_edge(*given).refusal(2)
