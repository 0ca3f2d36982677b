"""Commands report and keep what trials find, and the spread of `--spread auto`."""

from __future__ import annotations

from pathlib import Path

import pytest

from ska_edge.model.open import open_model
from ska_edge.training.session import Session
from ska_edge.training.trials import rate as rate_trials

MADE = ("--hidden", 4, "--epochs", 1)


def test_a_found_rate_is_reported_and_kept(ska_edge) -> None:
    outcome = ska_edge("train", "iris", "-o", "m.ska", *MADE, "--rate", "auto", "--json")
    document, model = outcome.document(), open_model(Path("m.ska"))
    assert [each["rate"] for each in document["tried"]] == [0.125, 0.0625, 0.03125, 0.015625]
    best = max(document["tried"], key=lambda each: (each["accuracy"], each["rate"]))
    assert model.plan.rate.real == model.notes["rate"] == best["rate"]
    assert f"--rate {best['rate']:g}, from trials on held-out rows: 0.125 (" in outcome.err


@pytest.mark.parametrize("given", [(), ("--stored", 0)])
@pytest.mark.parametrize(("board", "widths"), [("virtual-m4", (64, 32)), ("uno", (64,))])
def test_a_second_layer_is_kept_unless_the_board_has_no_room_for_it(
    ska_edge, monkeypatch: pytest.MonkeyPatch, given: tuple[object, ...], board: str, widths
) -> None:
    def accuracy(session: Session) -> float:
        return 0.95 if len(session.plan.sizes) == 4 else 0.5

    monkeypatch.setattr(rate_trials, "accuracy_of_trial", accuracy)
    options = ("--epochs", 2, "--rate", "auto", "--for", board, *given)
    outcome = ska_edge("train", "iris", "-o", "m.ska", *options, "--json")
    assert open_model(Path("m.ska")).plan.sizes[1:-1] == widths
    tried = [each["hidden"] for each in outcome.document()["tried"]]
    assert tried == [[64]] * 4 + [[64, 32]] * (len(widths) - 1)
    assert ("--hidden 64,32, from a trial of 64,32: 95.0%" in outcome.err) == (len(widths) == 2)


def test_a_given_rate_is_not_tried(ska_edge) -> None:
    outcome = ska_edge("train", "iris", "-o", "m.ska", *MADE, "--json")
    assert outcome.document()["tried"] == []
    assert "trials" not in outcome.err


def test_a_board_gets_its_buffer_and_a_model_continues_with_a_found_rate(ska_edge) -> None:
    given = ("--rate", "auto", "--json")
    first = ska_edge("train", "iris", "-o", "m.ska", *MADE, "--for", "virtual-m4", *given)
    assert first.document()["tried"]
    assert open_model(Path("m.ska")).plan.replay.per_class
    again = ska_edge("train", "iris", "--from", "m.ska", "-o", "k.ska", "--epochs", 1, *given)
    assert len(again.document()["tried"]) == 4


def test_a_model_notes_the_spread_that_auto_meant(ska_edge) -> None:
    assert ska_edge("train", "iris", "-o", "m.ska", *MADE, "--spread", "auto").code == 0
    assert open_model(Path("m.ska")).notes["spread"] == 3.0


def test_no_other_word_is_a_rate(ska_edge) -> None:
    outcome = ska_edge("train", "iris", "-o", "m.ska", "--rate", "fast")
    assert outcome.code == 2
    assert "'fast' is not a valid float, and not 'auto'" in outcome.err


def test_a_sweep_compares_a_found_rate(ska_edge) -> None:
    pytest.importorskip("matplotlib")
    pytest.importorskip("joblib")
    lists = ("--rate", "0.125,auto", "--hidden", 4, "--seeds", 1, "--epochs", 1)
    table = ska_edge("sweep", "iris", "-o", "sweep", *lists, "--json").document()["table"]
    assert {row["rate"] for row in table} == {0.125, "auto"}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--rate", "auto", "--per-class", 1), "--rate auto cannot hold out some of the training"),
        (("--rule", "published", "--rate", "auto"), "--rate auto is for rules with labels"),
        (("--spread", 9), "a spread is a finite number at least 0 and at most 8; --spread is 9.0"),
        (("--spread", "auto", "--hidden", ""), "--spread is for hidden layers, and there are none"),
    ],
)
def test_impossible_options_are_refused(ska_edge, options, sentence) -> None:
    assert sentence in ska_edge("train", "iris", "-o", "m.ska", *options).refusal(2)
