"""A model with a least confidence calls rows unknown in every command, in ONNX and on a device."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import ska_edge as package
from ska_edge.data.load import load
from ska_edge.device.link import Link
from ska_edge.model.model_file import Model
from ska_edge.model.open import open_model
from ska_edge.rules.confidence import UNKNOWN
from ska_edge.training.session import Session
from tests.cli.iris_log import lines_of, rows_of

pytest.importorskip("sklearn")
OPTIONS = ("--hidden", 6, "--epochs", 5, "--seed", 0)


@pytest.fixture(scope="module")
def trained() -> Model:
    return package.train("iris", hidden=6, epochs=5, seed=0, reject=0.9).model


@pytest.fixture
def model(trained: Model) -> Model:
    trained.save("m.ska")
    return trained


def test_train_finds_the_limit_on_held_out_rows(ska_edge, trained: Model) -> None:
    outcome = ska_edge("train", "iris", "-o", "m.ska", *OPTIONS, "--reject", 0.9, "--json")
    document, found = outcome.document(), open_model(Path("m.ska"))
    test = document["evaluation"]["test"]
    assert test["unknown"] == pytest.approx(3 / 30)  # of 30 held-out rows, 27 keep their class
    assert test["accepted_accuracy"] > document["accuracy"]["fixed"]["test"]
    limit = f"rows of a confidence below {found.least_confidence:.4f} are unknown"
    assert f"{limit}: 27 of 30 held-out rows (90.0%) keep a class" in outcome.err
    assert found.plan == trained.plan


def test_train_prints_the_share_that_was_reached(ska_edge) -> None:
    """One of 30 rows is the smallest share above 0."""
    outcome = ska_edge("train", "iris", "-o", "m.ska", *OPTIONS, "--reject", 1e-9)
    assert "are unknown: 1 of 30 held-out rows (3.3%) keep a class" in outcome.out


def test_without_it_no_output_mentions_it(ska_edge) -> None:
    outcome = ska_edge("train", "iris", "-o", "m.ska", *OPTIONS, "--json")
    assert outcome.document()["least_confidence"] == 0
    assert outcome.document()["evaluation"]["test"]["unknown"] is None
    assert "unknown" not in outcome.err
    assert "confidence" not in ska_edge("inspect", "m.ska").out
    assert "unknown" not in ska_edge("predict", "m.ska", "iris").out


def test_it_changes_nothing_that_is_learned(ska_edge, model: Model) -> None:
    assert ska_edge("train", "iris", "-o", "n.ska", *OPTIONS).code == 0
    other = open_model(Path("n.ska"))
    assert model.state.to_bytes() == other.state.to_bytes()
    assert model.plan != other.plan


def test_predict_and_eval_name_unknown_rows(ska_edge, model: Model) -> None:
    outcome = ska_edge("predict", "m.ska", "iris")
    rows = list(csv.DictReader(outcome.out.splitlines()))
    unknown = [row for row in rows if row["class"] == "unknown"]
    assert 3 <= len(unknown) < 50
    assert max(float(row["confidence"]) for row in unknown) < model.least_confidence
    known = [float(row["confidence"]) for row in rows if row["class"] != "unknown"]
    assert min(known) >= model.least_confidence - 1e-4
    assert f"{len(unknown)} of 150 rows unknown: their confidence is below" in outcome.err
    shown = ska_edge("eval", "m.ska", "iris").out
    assert "unknown rows" in shown
    assert "fixed, known rows" in shown


def test_an_unknown_label_is_right_if_the_row_is_unknown(ska_edge, model: Model) -> None:
    data = load("iris")
    confidence = model.confidence(data.x)
    rows = data.x[[confidence.argmin(), confidence.argmax()]]
    text = "".join(",".join(map(str, row)) + ",weed\n" for row in rows.tolist())
    Path("new.csv").write_text("a,b,c,d,label\n" + text)
    outcome = ska_edge("predict", "m.ska", "new.csv", "--json")
    assert outcome.document()["predictions"][0]["class"] == "unknown"
    assert outcome.document()["accuracy"] == 0.5
    assert "they count as wrong unless they are unknown" in outcome.err


def test_python_names_unknown_rows(model: Model) -> None:
    x = load("iris").x
    wrong = model.confidence(x) < model.plan.least_confidence
    assert ((model.predict(x) == "unknown") == wrong).all()
    assert model.evaluate("iris").unknown == pytest.approx(wrong.mean())
    rows = np.random.default_rng(0).normal(size=(60, 3))
    numbered = package.train((rows, (rows[:, 0] > 0).astype(int)), epochs=2, reject=0.5).model
    assert set(numbered.predict(rows).tolist()) == {-1, 0, 1}


def test_onnx_has_the_same_labels_and_keeps_the_limit(ska_edge, model: Model) -> None:
    import onnxruntime

    exported = ska_edge("export", "m.ska", "-o", "m.onnx", "--data", "iris", "--json").document()
    assert exported["mismatches"] == 0
    assert open_model(Path("m.onnx")).plan == model.plan
    x = load("iris").x
    fed = {"input": model.quantize(x).astype(np.int8)}
    labels, confidence = onnxruntime.InferenceSession("m.onnx").run(["label", "confidence"], fed)
    np.testing.assert_array_equal(confidence, model.confidence(x))
    assert ((labels == UNKNOWN) == (confidence < model.plan.least_confidence)).all()


def test_a_device_calls_the_same_rows_unknown(
    ska_edge,
    model: Model,
    write_host_project: Callable[[Model, Path], Path],
    launched: Callable[[Path], str],
) -> None:
    port = launched(write_host_project(model, Path("fw")))
    rows = ska_edge("predict", "m.ska", "iris").out
    assert ska_edge("predict", "m.ska", "iris", "--port", port).out == rows
    x = model.quantize(load("iris").x[:60])
    with Link(port) as link:
        link.hello()
        answers = [link.infer(row.tolist()).predicted for row in x]
    assert {*answers} > {UNKNOWN}
    watched = ("--port", port, "--samples", 60, "--hold-out", 0, "--log", "steps.jsonl", "--json")
    outcome = ska_edge("monitor", "m.ska", "iris", *watched)
    logged = rows_of(lines_of("steps.jsonl"))
    unknown = sum(row["predicted"] == UNKNOWN for row in logged)
    assert outcome.document()["unknown"] == unknown > 0
    assert f", {unknown} unknown; step 60" in outcome.err
    rebuilt = ska_edge("replay", "steps.jsonl", "m.ska", "-o", "r.ska", "--json").document()
    assert (rebuilt["samples"], rebuilt["checked"]) == (60, True)
    assert ska_edge("verify", "m.ska", "iris", "--port", port, "--samples", 60).code == 0


def test_a_continued_model_finds_a_new_limit_for_the_same_share(ska_edge, model: Model) -> None:
    again = ("train", "iris", "--from", "m.ska", "-o", "n.ska", "--epochs", 1, "--json")
    document = ska_edge(*again).document()
    assert document["evaluation"]["test"]["unknown"] == pytest.approx(3 / 30)
    assert open_model(Path("n.ska")).plan.least_confidence != model.plan.least_confidence
    assert ska_edge(*again, "--reject", 0).document()["least_confidence"] == 0


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--reject", 1.5), "a share is a finite number at least 0 and at most 1; --reject is 1.5"),
        (("--reject", 0.9, "--test-fraction", 0), "--reject needs held-out rows, and there are"),
        (("--reject", 0.9, "--rule", "published"), "--reject is for rules with labels, not for"),
    ],
)
def test_impossible_shares_are_refused(ska_edge, options: tuple[object, ...], sentence) -> None:
    assert sentence in ska_edge("train", "iris", "-o", "m.ska", *options).refusal(2)


def test_a_class_with_the_name_of_rejected_rows_is_refused_before_the_training(
    ska_edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = "".join(f"{n},{n % 7},{'unknown' if n % 2 else 'known'}\n" for n in range(40))
    Path("data.csv").write_text("a,b,label\n" + rows)
    again = ("train", "data.csv", "-o", "n.ska", "--from", "m.ska", "--reject", 0.5)
    assert ska_edge("train", "data.csv", "-o", "m.ska", "--epochs", 1).code == 0
    monkeypatch.setattr(Session, "float_work", None)  # a training that begins fails
    for arguments in (("train", "data.csv", "-o", "n.ska", "--reject", 0.5), again):
        refused = ska_edge(*arguments).refusal(2)
        assert "the class 'unknown' has the name that samples of no known class get" in refused
