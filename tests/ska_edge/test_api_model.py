"""A model in Python: it predicts, learns, is evaluated, and is exported as ONNX and firmware."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ska_edge
from ska_edge.data.classes import class_array, class_indices
from ska_edge.model.evaluation import confusion_matrix, probabilities
from ska_edge.model.onnx import export as onnx_export
from ska_edge.network.trainer import FixedTrainer

ROWS = 60
X = np.random.default_rng(0).normal(size=(ROWS, 3)) + np.eye(3)[np.arange(ROWS) % 3] * 9
Y = np.array(["cat", "dog", "eel"])[np.arange(ROWS) % 3]


@pytest.fixture
def model() -> ska_edge.Model:
    return ska_edge.train((X, Y), hidden=4, epochs=3).model


def test_a_model_predicts_the_names_that_it_was_trained_with(model: ska_edge.Model) -> None:
    assert model.classes.tolist() == ["cat", "dog", "eel"]
    assert model.predict(X).tolist() == Y.tolist()
    numbered = ska_edge.train((X, 7 * (np.arange(ROWS) % 3) - 7), hidden=4, epochs=3).model
    assert numbered.classes.tolist() == [-7, 0, 7]
    assert numbered.predict(X).tolist() == (7 * (np.arange(ROWS) % 3) - 7).tolist()


def test_decisions_are_the_integers_of_the_trainer(model: ska_edge.Model) -> None:
    expected = FixedTrainer(model.state).infer(model.quantize(X))
    assert model.decisions(X.tolist()).tolist() == expected.tolist()
    assert model.decisions(X).dtype == np.int64


def test_probabilities_are_shares_in_the_order_of_the_classes(model: ska_edge.Model) -> None:
    shares = model.predict_proba(X)
    assert shares.shape == (ROWS, 3)
    assert shares.sum(axis=1) == pytest.approx(1)
    assert (model.classes[shares.argmax(axis=1)] == model.predict(X)).all()
    assert probabilities(np.array([[0, 0, 0, 0], [3, 1, 0, 0]])).tolist() == [
        [0.25, 0.25, 0.25, 0.25],
        [0.75, 0.25, 0, 0],
    ]


def test_learning_is_the_step_of_the_device_row_by_row(model: ska_edge.Model) -> None:
    trainer = FixedTrainer(model.state.copy())
    expected = [
        trainer.learn_one(row, label).argmax()
        for row, label in zip(model.quantize(X), np.arange(ROWS) % 3, strict=True)
    ]
    before = model.learn(X, Y)
    assert model.state.to_bytes() == trainer.state.to_bytes()
    assert before.tolist() == model.classes[expected].tolist()
    assert model.state.samples == ROWS
    assert model.reference is None  # the twin did not learn these rows


def test_a_rule_without_labels_learns_and_decides_nothing(tmp_path: Path) -> None:
    model = ska_edge.train((X[:9], Y[:9]), rule="published", hidden=4, batch=2, steps=3).model
    before = model.state.step
    assert model.learn(X[:3]).shape == (3,)
    assert model.state.step == before + 2
    assert model.state.held == 1
    for ask in (
        lambda: model.predict(X),
        lambda: model.predict_proba(X),
        lambda: model.evaluate((X, Y)),
    ):
        with pytest.raises(ska_edge.InputError, match="published learns without labels"):
            ask()
    assert model.decisions(X).shape == (ROWS, 3)


def test_evaluation_counts_every_row(model: ska_edge.Model) -> None:
    found = model.evaluate((X, Y))
    decided = model.predict(X)
    assert found.rows == ROWS
    assert found.labels == ("cat", "dog", "eel")
    assert found.accuracy == (decided == Y).mean()
    twin = model.float_decisions(X).argmax(axis=1)
    assert found.float_accuracy == (model.classes[twin] == Y).mean()
    for i, truth in enumerate(model.classes):
        for j, guess in enumerate(model.classes):
            assert found.confusion[i, j] == ((truth == Y) & (guess == decided)).sum()
    model.learn(X, Y)
    assert model.evaluate((X, Y)).float_accuracy is None


def test_evaluation_takes_what_training_takes(model: ska_edge.Model, tmp_path: Path) -> None:
    expected = model.evaluate((X, Y)).confusion.tolist()
    lines = [f"{a!r},{b!r},{c!r},{label}" for (a, b, c), label in zip(X.tolist(), Y, strict=True)]
    (tmp_path / "pets.csv").write_text("a,b,c,label\n" + "\n".join(lines))
    for data in (tmp_path / "pets.csv", str(tmp_path / "pets.csv"), ska_edge.load_data((X, Y))):
        assert model.evaluate(data).confusion.tolist() == expected
    # Data may have fewer classes than the model, even a single one; the names identify them.
    eels = model.evaluate((X[Y == "eel"], Y[Y == "eel"]))
    assert eels.confusion.sum(axis=1).tolist() == [0, 0, 20]


def test_a_confusion_matrix_has_the_truth_in_its_rows() -> None:
    counts = confusion_matrix(np.array([0, 0, 1]), np.array([0, 1, 1]), 3)
    assert counts.tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 0]]


@pytest.mark.parametrize(
    ("names", "classes"),
    [
        (("0", "1"), [0, 1]),
        (("-3", "10"), [-3, 10]),
        (("01", "1"), ["01", "1"]),
        (("-0", "1"), ["-0", "1"]),
        (("--1", "1"), ["--1", "1"]),
        (("9" * 30, "1"), ["9" * 30, "1"]),
        (("\u0661", "1"), ["\u0661", "1"]),
        (("a", "1"), ["a", "1"]),
    ],
)
def test_classes_are_integers_where_every_name_is_one(
    names: tuple[str, ...], classes: list[Any]
) -> None:
    assert class_array(names).tolist() == classes


def test_one_hot_labels_are_the_classes_of_the_model() -> None:
    pandas = pytest.importorskip("pandas")
    hot = np.eye(3, dtype=int)[[2, 0, 1]]
    assert class_indices(hot, ["a", "b", "c"]).tolist() == [2, 0, 1]
    assert class_indices(hot, ["1", "2", "3"]).tolist() == [2, 0, 1]
    frame = pandas.DataFrame(hot, columns=["c", "a", "b"])
    assert class_indices(frame, ["a", "b", "c"]).tolist() == [1, 2, 0]
    with pytest.raises(ska_edge.InputError, match="2 columns of one-hot labels, but"):
        class_indices(np.eye(2), ["a", "b", "c"])
    assert ska_edge.load_data((X[:3], frame)).labels == ("a", "b", "c")


def test_booleans_are_the_same_labels_in_every_array() -> None:
    y = [True, False, True]
    for given in (y, np.array(y), np.array(y, dtype=object)):
        assert class_indices(given, ["False", "True"]).tolist() == [1, 0, 1]


def test_the_columns_of_a_data_frame_are_matched_by_name() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=["a", "b", "c"])
    labels = np.where(np.arange(len(X)) % 2 == 0, "off", "on")
    trained = ska_edge.train((frame, labels), hidden=(2,), epochs=1, test_fraction=0).model
    fitted = ska_edge.Classifier(hidden=(2,), epochs=1).fit(frame, labels).model_
    wide = frame[["c", "a", "b"]].assign(note="text")
    for model in (trained, fitted):
        assert model.features == ("a", "b", "c")
        assert model.decisions(wide).tolist() == model.decisions(X).tolist()
        assert model.evaluate((wide, labels)).accuracy == model.evaluate((X, labels)).accuracy
        with pytest.raises(ska_edge.InputError, match="x lacks 1 input of the model: b"):
            model.predict(frame[["a", "c"]])
    with pytest.raises(ska_edge.InputError, match="two columns called 'a'"):
        ska_edge.train((pandas.DataFrame(X, columns=["a", "a", "c"]), labels))


def test_columns_of_a_file_by_number_and_a_single_name(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("ab,b,c,d\n" + "1,2,3,x\n4,5,6,z\n")
    assert ska_edge.load_data(path, label_column=4, drop=[1]).features == ("b", "c")
    assert ska_edge.load_data(path, drop="ab").features == ("b", "c")
    assert ska_edge.load_data(path, features="ab", group_column=2).features == ("ab",)


def test_labels_are_matched_by_name_and_never_by_number() -> None:
    with pytest.raises(ska_edge.InputError, match=r"knows a, b; give the names of the classes"):
        class_indices([1, 0], ["a", "b"])
    assert class_indices(["b", "a"], ["a", "b"]).tolist() == [1, 0]
    assert class_indices([2, 1], ["1", "2"]).tolist() == [1, 0]
    assert class_indices([True, False], ["False", "True"]).tolist() == [1, 0]
    with pytest.raises(ska_edge.InputError, match=r"^y\[1\] is 0, a class .* it knows 1, 2$"):
        class_indices([1, 0], ["1", "2"])


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda m: m.predict(X[:, :2]), "x has 2 features, but the model has 3 inputs"),
        (lambda m: m.float_decisions(X[:, :2]), "x has 2 features, but the model has 3 inputs"),
        (lambda m: m.predict(X[0]), r"x has shape \(3,\) .*; use x.reshape\(1, -1\) for a single"),
        (lambda m: m.predict(X * np.nan), r"x\[0, 0\] is nan; features must be finite numbers"),
        (lambda m: m.predict("iris"), "x must be a table of numbers .* it is a str"),
        (lambda m: m.learn(X), r"the rule local learns from labels; give learn\(x, y\)"),
        (lambda m: m.learn(X, Y[1:]), "x has 60 rows and y has 59 labels"),
        (lambda m: m.learn(X, ["cow"] * ROWS), r"y\[0\] is 'cow', .* it knows cat, dog, eel"),
        (lambda m: m.learn(X, [3] * ROWS), r"y\[0\] is 3, a class that the model does not know"),
        (lambda m: m.evaluate((X, Y[1:])), "x has 60 rows and y has 59 labels"),
        (lambda m: m.evaluate((X, ["cow"] * ROWS)), r"y\[0\] is 'cow'"),
        (lambda m: m.evaluate((X[:, :2], Y)), "x has 2 features, but the model has 3 inputs"),
        (lambda m: m.evaluate(X), r"data is a ndarray without labels; give two arrays, \(x, y\)"),
        (lambda m: m.evaluate("nope"), "'nope' is neither a file nor built-in data"),
        (lambda m: m.export_onnx("m.onnx", form="half"), "no form 'half'"),
        (lambda m: m.export_onnx("m.onnx", float_input="no"), "float_input is True or False, not"),
        (
            lambda m: m.firmware("f", inference_only="no"),
            "inference_only is True or False, not 'no'",
        ),
        (lambda m: m.save("m.ska", private=1), "private is True or False, not 1"),
        (lambda m: m.firmware("f", board="nope"), "no board 'nope'|there is no board"),
    ],
)
def test_a_wrong_argument_is_refused_in_one_sentence_and_changes_nothing(
    model: ska_edge.Model,
    ask: Any,
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    before = model.state.to_bytes()
    with pytest.raises(ska_edge.InputError, match=f"^({sentence})") as raised:
        ask(model)
    assert "\n" not in str(raised.value)
    assert model.state.to_bytes() == before
    assert model.reference is not None
    assert list(tmp_path.iterdir()) == []


def test_a_model_of_batches_does_not_learn_by_the_row() -> None:
    model = ska_edge.train((X, Y), hidden=4, epochs=1, batch=4).model
    with pytest.raises(ska_edge.InputError, match="needs a model with batch 1; this one has batch"):
        model.learn(X, Y)


def test_a_model_is_exported_as_onnx_and_imported(model: ska_edge.Model, tmp_path: Path) -> None:
    agreement = model.export_onnx(str(tmp_path / "m.onnx"))
    assert (agreement.rows, agreement.mismatches) == (1000, 0)
    assert ska_edge.load(tmp_path / "m.onnx").predict(X).tolist() == Y.tolist()


def test_onnx_that_differs_is_not_written(
    model: ska_edge.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = ska_edge.train((X, Y), hidden=4, epochs=1, seed=1).model
    exported = onnx_export.export(other, "integer")
    monkeypatch.setattr(onnx_export, "export", lambda *_: exported)
    with pytest.raises(ska_edge.CheckError, match=r"differs from the trainer in \d+ of 1000"):
        model.export_onnx(tmp_path / "m.onnx")
    assert list(tmp_path.iterdir()) == []
