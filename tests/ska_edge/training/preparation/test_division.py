"""A model finds its own test rows again: its notes name the split."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ska_edge.data.arrays import from_arrays
from ska_edge.data.dataset import Dataset
from ska_edge.data.split.plain import split
from ska_edge.model.evaluation import Evaluation
from ska_edge.model.open import open_model
from ska_edge.training.options import Options
from ska_edge.training.preparation.division import parts_of
from ska_edge.training.train import train


@pytest.fixture
def data() -> Dataset:
    """Return two classes, one after the other."""
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 40)
    return from_arrays(rng.normal(size=(80, 2)) + 3 * y[:, np.newaxis], y)


QUICK = Options(hidden=(2,), epochs=1, seed=5)


@pytest.mark.parametrize(
    "options",
    [
        QUICK,
        replace(QUICK, split="random", test_fraction=0.3),
        replace(QUICK, split="plain"),
        replace(QUICK, per_class=3),
    ],
)
def test_a_model_finds_its_test_rows_again(data: Dataset, options: Options, tmp_path: Path) -> None:
    trained = train(data, options)
    trained.model.save(tmp_path / "m.ska")
    again = parts_of(open_model(tmp_path / "m.ska"), data)
    assert again is not None
    assert again.test.places.tolist() == trained.test.places.tolist()  # type: ignore[union-attr]
    assert again.train.places.tolist() == trained.train.places.tolist()  # type: ignore[union-attr]
    assert parts_of(trained.model, data.take(np.arange(79))) is None


def test_a_model_without_a_note_was_split_plainly(data: Dataset) -> None:
    model = train(data, QUICK).model
    assert model.notes.pop("split") == "blocked"
    again = parts_of(model, data)
    assert again is not None
    assert again.test.x.tolist() == split(data, 0.2, 5)[1].x.tolist()


def test_a_continued_model_is_tested_on_rows_that_it_has_never_learned(
    data: Dataset, tmp_path: Path
) -> None:
    path = tmp_path / "m.ska"
    first = train(data, replace(QUICK, split="plain"))
    first.model.save(path)
    onward = train(data, Options(start=path, epochs=1))
    assert onward.division.kind == "plain"
    assert onward.test.x.tolist() == first.test.x.tolist()
    asked = train(data, Options(start=path, epochs=1, split="blocked"))
    assert asked.division.kind == "blocked"
    other = train(data.take(np.arange(79)), Options(start=path, epochs=1))
    assert other.division.kind == "blocked"


def test_an_evaluation_has_recalls_and_the_majority() -> None:
    found = Evaluation(("a", "b", "c"), np.array([[90, 0, 0], [9, 1, 0], [0, 0, 0]]))
    assert found.accuracy == 0.91
    assert found.majority == 0.9
    assert found.recall == {"a": 1.0, "b": 0.1, "c": None}
    assert found.balanced_accuracy == pytest.approx(0.55)
