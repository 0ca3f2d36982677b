"""`train --prequential` tests each row of a stream before it is learned, and shows the accuracy."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import ska_edge as package
from ska_edge.model.open import open_model

OPTIONS = ("--hidden", 8, "--epochs", 10, "--prequential", 100)


@pytest.fixture
def stream() -> tuple[np.ndarray, np.ndarray]:
    """Write 400 rows, whose classes change places after 250 rows, as "stream.csv"."""
    x = np.random.default_rng(0).normal(size=(400, 3)).round(3)
    y = (x[:, 0] > 0) ^ (np.arange(400) >= 250)
    lines = [",".join(map(str, row)) + f",{label:d}" for row, label in zip(x, y, strict=True)]
    Path("stream.csv").write_text("a,b,c,label\n" + "\n".join(lines))
    return x, y.astype(int)


def test_learning_follows_a_change(ska_edge, stream) -> None:
    outcome = ska_edge("train", "stream.csv", "-o", "s.ska", *OPTIONS, "--log", "l.jsonl", "--json")
    document = outcome.document()
    found = document["prequential"]
    assert (found["rows"], found["first"], found["last"]) == (300, 101, 400)
    assert document["accuracy"]["fixed"]["test"] == pytest.approx(found["unchanged"])
    first, last = found["parts"][0], found["parts"][-1]
    assert first["accuracy"] > 0.85
    assert first["unchanged"] > 0.85
    assert last["unchanged"] < 0.15
    assert last["accuracy"] > last["unchanged"] + 0.4
    lines = [json.loads(line) for line in Path("l.jsonl").read_text().splitlines()]
    assert [line["prequential"] for line in lines if "prequential" in line] == found["parts"]
    assert "rows classified right before each was learned" in outcome.err
    assert "the first 100 rows to learn; the test rows follow them" in outcome.err


def test_the_model_has_learned_the_stream_in_its_order(ska_edge, stream) -> None:
    x, y = stream
    trained = package.train((x, y), hidden=8, epochs=10, prequential=100)
    assert ska_edge("train", "stream.csv", "-o", "s.ska", *OPTIONS).code == 0
    model = open_model(Path("s.ska"))
    assert model.state.to_bytes() == trained.model.state.to_bytes()
    assert model.state.samples == 300
    assert trained.prequential is not None
    assert len(trained.prequential.right) == 300
    shown = ska_edge("eval", "s.ska", "stream.csv").out
    assert "the first 100 rows to learn; the test rows follow them" in shown
    assert "the model has learned 300 more samples on a device" in shown


def test_the_rows_before_the_stream_alone_determine_its_start(stream) -> None:
    x, y = stream
    whole = package.train((x, y), hidden=8, epochs=10, prequential=100).prequential
    other = x.copy()
    other[200:] *= 1000
    changed = package.train((other, y), hidden=8, epochs=10, prequential=100).prequential
    assert whole is not None
    assert changed is not None
    np.testing.assert_array_equal(whole.right[:100], changed.right[:100])


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--prequential", 150), "--prequential is 150, but 'iris' has only 150 rows"),
        (("--prequential", 50, "--test-fraction", 0.1), "give --prequential or --test-fraction,"),
        (("--prequential", 50, "--reject", 0.9), "give --prequential or --reject, not both"),
        (("--prequential", 50, "--batch", 4), "--prequential learns integers row by row"),
        (("--prequential", 50, "--arithmetic", "float"), "leave --arithmetic and --batch out"),
        (("--prequential", 50, "--rule", "published"), "--prequential is for rules with labels"),
    ],
)
def test_impossible_streams_are_refused(ska_edge, options: tuple[object, ...], sentence) -> None:
    pytest.importorskip("sklearn")
    assert sentence in ska_edge("train", "iris", "-o", "m.ska", *options).refusal(2)
