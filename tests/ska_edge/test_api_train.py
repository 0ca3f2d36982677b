"""`ska_edge.train`, `load` and `load_data` take every kind of data; an error is one sentence."""

from __future__ import annotations

import dataclasses
import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ska_edge
from ska_edge.data.dataset import Dataset, save
from ska_edge.training.options import Options

ROWS = 40


@pytest.fixture
def arrays() -> tuple[np.ndarray, np.ndarray]:
    """Return rows of two classes that one of three features separates."""
    rng = np.random.default_rng(0)
    y = np.arange(ROWS) % 2
    return rng.normal(size=(ROWS, 3)) + np.stack([9 * y, 0 * y, 0 * y], axis=1), y


def test_the_keywords_are_the_training_options() -> None:
    parameters = dict(inspect.signature(ska_edge.train).parameters)
    assert parameters.pop("data").kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    assert parameters.pop("progress").default is None
    fields = {field.name: field.default for field in dataclasses.fields(Options)}
    assert {name: parameter.default for name, parameter in parameters.items()} == fields
    assert {p.kind for p in parameters.values()} == {inspect.Parameter.KEYWORD_ONLY}
    page = inspect.getdoc(ska_edge.train)
    assert page is not None
    assert all(f"{name}: " in page for name in fields)


def test_arrays_are_trained_on(arrays: tuple[np.ndarray, np.ndarray]) -> None:
    trained = ska_edge.train(arrays, hidden=4, epochs=3)
    assert trained.model.plan.sizes == (3, 4, 2)
    assert trained.model.plan.labels == ("0", "1")
    assert trained.accuracy["fixed"]["test"] == 1.0
    assert (len(trained.train.y), len(trained.test.y)) == (32, 8)


def test_the_training_does_not_depend_on_the_kind_of_data(
    arrays: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    x, y = arrays
    dataset = Dataset("mine", x, y.astype(np.int64), ("0", "1"))
    save(dataset, tmp_path / "mine.npz")
    given: list[Any] = [
        arrays,
        (x.tolist(), y.tolist()),
        (x, y.astype(np.float64)),
        dataset,
        tmp_path / "mine.npz",
        str(tmp_path / "mine.npz"),
    ]
    states = {ska_edge.train(data, hidden=(4,), epochs=1).model.state.to_bytes() for data in given}
    assert len(states) == 1


def test_data_frames_are_arrays(arrays: tuple[np.ndarray, np.ndarray]) -> None:
    pandas = pytest.importorskip("pandas")
    x, y = arrays
    frame = pandas.DataFrame(x, columns=["a", "b", "c"])
    series = pandas.Series(y).map({0: "off", 1: "on"})
    for labels in (series, series.astype("category"), series.astype(object)):
        dataset = ska_edge.load_data((frame, labels))
        assert dataset.labels == ("off", "on")
        assert dataset.y.tolist() == y.tolist()
        assert dataset.x.tolist() == x.tolist()
    assert ska_edge.load_data((frame, pandas.Series(y == 1))).labels == ("False", "True")


def _text(label: Any) -> str:
    if isinstance(label, np.ndarray):
        return str(int(label.argmax()))
    label = label[0] if isinstance(label, list) else label
    if isinstance(label, bytes):
        return label.decode()
    return str(int(label)) if isinstance(label, float) else str(label)


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ([3, 1, 3, 10], ("1", "3", "10")),
        (["b", "a", "b", "c"], ("a", "b", "c")),
        ([True, False, True, True], ("False", "True")),
        ([-1.0, 1.0, 1.0, 1.0], ("-1", "1")),
        ([[5], [4], [5], [4]], ("4", "5")),
        ([b"b", b"a", b"b", b"b"], ("a", "b")),
        (np.eye(3, dtype=int)[[2, 0, 1, 2]], ("0", "1", "2")),
    ],
)
def test_labels_of_any_kind_become_classes(labels: list[Any], names: tuple[str, ...]) -> None:
    dataset = ska_edge.load_data((np.eye(4), labels))
    assert dataset.labels == names
    assert [dataset.labels[index] for index in dataset.y] == [_text(label) for label in labels]


def test_the_largest_integers_stay_integers() -> None:
    extremes = [np.iinfo(np.int64).min, np.iinfo(np.int64).max]
    x = np.arange(8.0)[:, None]
    model = ska_edge.train((x, extremes * 4), hidden=2, epochs=1).model
    assert model.classes.tolist() == extremes
    assert set(model.predict(x).tolist()) <= set(extremes)
    assert model.evaluate((x, extremes * 4)).confusion.sum() == 8


def test_data_as_two_arguments_are_refused_with_the_right_call(
    arrays: tuple[np.ndarray, np.ndarray],
) -> None:
    call: Any
    model = ska_edge.train(arrays, hidden=2, epochs=1).model
    for call, name in ((ska_edge.train, "train"), (model.evaluate, "evaluate")):
        sentence = rf"^{name} takes the data as one argument: {name}\(\(x, y\)\)$"
        for give in (lambda call: call(*arrays), lambda call: call(arrays[0], y=arrays[1])):
            with pytest.raises(ska_edge.InputError, match=sentence):
                give(call)
    with pytest.raises(TypeError, match="positional argument"):
        ska_edge.train(arrays, 4)  # type: ignore[misc]


def test_a_checkpoint_is_checked_before_the_training(
    arrays: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    told: list[int] = []
    for path, sentence in (
        (tmp_path / "none" / "c.ska", "there is no folder .*none to write c.ska to"),
        (tmp_path, "is a folder; name the file to write"),
    ):
        with pytest.raises(ska_edge.InputError, match=sentence):
            ska_edge.train(arrays, checkpoint=path, progress=lambda done, _: told.append(done))
    assert told == []


def test_a_log_that_is_cut_is_a_warning(arrays: tuple[np.ndarray, np.ndarray]) -> None:
    sentence = "^the log is incomplete: cannot write /dev/full: No space left on device$"
    with pytest.warns(UserWarning, match=sentence) as warned:
        trained = ska_edge.train(arrays, hidden=2, epochs=1, log="/dev/full")
    assert warned[0].filename == __file__
    assert trained.log_fault is not None
    assert trained.accuracy["fixed"]["train"] is not None


def test_a_symptom_names_options_as_in_python(arrays: tuple[np.ndarray, np.ndarray]) -> None:
    trained = ska_edge.train(arrays, hidden=2, epochs=2, rate=1e-5)
    sentences = [symptom.sentence() for symptom in trained.symptoms]
    assert any("; raise rate, or take precision w32a16" in sentence for sentence in sentences)
    assert "--" not in " ".join(sentences)


def test_a_training_is_shown_in_one_line(arrays: tuple[np.ndarray, np.ndarray]) -> None:
    trained = ska_edge.train(arrays, hidden=2, epochs=1)
    assert repr(trained.train) == "Dataset(arrays, 32 rows, 3 features, 2 classes)"
    assert len(repr(trained)) < 2000 and "\n" not in repr(trained)


@pytest.mark.parametrize("path", [None, 5, b"m.ska"])
def test_a_path_is_text_or_a_path(
    arrays: tuple[np.ndarray, np.ndarray], path: Any, tmp_path: Path
) -> None:
    model = ska_edge.train(arrays, hidden=2, epochs=1).model
    for use in (ska_edge.load, model.save, model.export_onnx, model.firmware):
        with pytest.raises(ska_edge.InputError, match=rf"^a path is text or a Path, not {path!r}$"):
            use(path)


def test_progress_is_reported(arrays: tuple[np.ndarray, np.ndarray]) -> None:
    told: list[tuple[int, int]] = []
    ska_edge.train(arrays, hidden=2, epochs=2, progress=lambda *numbers: told.append(numbers))
    assert told[-1][0] == told[-1][1] > 0


@pytest.mark.parametrize(
    ("hidden", "sizes"), [(5, (3, 5, 2)), ((5, 4), (3, 5, 4, 2)), ([5], (3, 5, 2)), ((), (3, 2))]
)
def test_hidden_is_a_width_or_several(
    arrays: tuple[np.ndarray, np.ndarray], hidden: Any, sizes: tuple[int, ...]
) -> None:
    assert ska_edge.train(arrays, hidden=hidden, epochs=1).model.plan.sizes == sizes
    wider = np.int64(hidden) if isinstance(hidden, int) else np.array(hidden, dtype=np.int64)
    assert ska_edge.train(arrays, hidden=wider, epochs=1).model.plan.sizes == sizes


@pytest.mark.parametrize(
    "hidden", [True, [True], 0, -3, (4, 0), 2.5, "32", (2.5,), (4, (3,)), object()]
)
def test_hidden_that_is_not_a_width_is_refused(
    arrays: tuple[np.ndarray, np.ndarray], hidden: Any
) -> None:
    with pytest.raises(ska_edge.InputError, match=r"^hidden is .*; give a width from 1 on"):
        ska_edge.train(arrays, hidden=hidden)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"epochs": 0}, "epochs is at least 1 and at most 4294967295, not 0"),
        ({"epochs": "20"}, "epochs is a whole number, not '20'"),
        ({"steps": None}, "steps is a whole number, not None"),
        ({"rate": 0}, "a rate is a finite number above 0; rate is 0.0"),
        ({"rate": float("nan")}, "a rate is a finite number above 0; rate is nan"),
        ({"rule": "nope"}, "no rule 'nope': rule is one of local, "),
        ({"stream_order": "any"}, "no stream order 'any': stream_order is one of iid, "),
        ({"test_fraction": 1}, "a test fraction is a finite number .*; test_fraction is 1.0"),
        ({"decay": 20}, "decay is at least 0, and less than epochs"),
        ({"per_class": 0}, "per_class is at least 1 and at most 4294967295, not 0"),
        ({"epochs": True}, "epochs is a whole number, not True"),
        ({"batch": True}, "batch is a whole number or 'all', not True"),
        ({"seed": np.True_}, "seed is a whole number, not "),
        ({"rate": True}, "rate is a finite number or 'auto', not True"),
        ({"margin": "big"}, "margin is a finite number, not 'big'"),
        ({"rate": 10**400}, "rate is a finite number or 'auto', not 1000"),
        ({"readout_only": "yes"}, "readout_only is True or False, not 'yes'"),
        ({"readout_only": 1}, "readout_only is True or False, not 1"),
        ({"rule": np.array(["local", "code"])}, r"no rule array\("),
        ({"per_class": 3, "test_fraction": 0.2}, "give per_class or test_fraction, not both"),
        ({"log": "a\0b"}, "log is 'a.x00b'; give the path of a file"),
        ({"start": 3}, "start is 3; give the path of a file"),
        ({"start": "nope.ska"}, "there is no model file nope.ska"),
        ({"start": "m.ska", "rule": "published"}, "there is no model file m.ska"),
    ],
)
def test_an_option_that_cannot_work_is_named_as_in_python(
    arrays: tuple[np.ndarray, np.ndarray], options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ska_edge.InputError, match=f"^{sentence}") as raised:
        ska_edge.train(arrays, **options)
    assert "--" not in str(raised.value)


def changed(x: np.ndarray, row: int, column: int, value: float) -> np.ndarray:
    copy = x.copy()
    copy[row, column] = value
    return copy


@pytest.mark.parametrize(
    ("give", "sentence"),
    [
        (lambda x, y: "nope", "'nope' is neither a file nor built-in data; built in are .*digits"),
        (lambda x, y: Path("digits"), "'digits' is neither a file nor built-in data"),
        (lambda x, y: x, r"data is a ndarray without labels; give two arrays, \(x, y\)"),
        (lambda x, y: x.tolist(), r"data is a list without labels; give two arrays, \(x, y\)"),
        (lambda x, y: (x, y, y), r"data is a tuple of 3; give two arrays, \(x, y\)"),
        (lambda x, y: 7, "data is a int; give a built-in name, a path, a Dataset or arrays"),
        (lambda x, y: (x, y[:-1]), "x has 40 rows and y has 39 labels; every row needs one label"),
        (lambda x, y: (x, y[:1]), "x has 40 rows and y has 1 label; every row needs one label"),
        (
            lambda x, y: (changed(x, 7, 1, np.nan), y),
            r"x\[7, 1\] is nan; features must be finite numbers",
        ),
        (
            lambda x, y: (changed(x, 7, 1, -np.inf), y),
            r"x\[7, 1\] is -inf; features must be finite numbers",
        ),
        (
            lambda x, y: (changed(x, 7, 1, 1e200), y),
            r"x\[7, 1\] is 1e\+200; inputs must be between",
        ),
        (
            lambda x, y: (x[0], y),
            r"x has shape \(3,\) and must have \(rows, features\); use x.resh",
        ),
        (lambda x, y: (x[None], y), r"x has shape \(1, 40, 3\) and must have \(rows, features\)"),
        (lambda x, y: (x[:0], y[:0]), r"x has shape \(0, 3\) .* at least one of each"),
        (lambda x, y: (x[:, :0], y), r"x has shape \(40, 0\) .* at least one of each"),
        (
            lambda x, y: (np.array([["a", "b"]]), [1]),
            "x must be a table of numbers .* array of <U1",
        ),
        (lambda x, y: (x + 1j, y), "x must be a table of numbers .* an array of complex128"),
        (lambda x, y: ([[1, 2], [3]], [0, 1]), "x must be a table of numbers .* it is a list"),
        (lambda x, y: (None, y), r"x has shape \(\) and must have \(rows, features\)"),
        (lambda x, y: (x, 2 * np.eye(ROWS)), r"y has shape \(40, 40\) and must have \(rows,\)"),
        (lambda x, y: (x, [[1], [1, 2]] * 20), "y must hold one label for each row"),
        (lambda x, y: (x, 0 * y), "'arrays' has only one class, '0'; learning needs at least two"),
        (lambda x, y: (x, y + 0.5), r"y\[0\] is 0.5; labels are integers or text"),
        (lambda x, y: (x, [np.nan] * ROWS), r"y\[0\] is nan; labels are integers or text"),
        (lambda x, y: (x, ["a", None] * 20), r"y\[1\] is None; labels are all integers or all"),
        (lambda x, y: (x, np.array(["a", 1] * 20, dtype=object)), r"y\[1\] is 1; labels are all"),
        (lambda x, y: (x, ["a", ""] * 20), r"y\[1\] is an empty text; every row needs a label"),
        (lambda x, y: (x, [2**70, 1] * 20), "a label in y does not fit 64 bits"),
        (
            lambda x, y: (x, np.array([2**63, 1] * 20, dtype=np.uint64)),
            "a label in y does not fit 64 bits",
        ),
        (lambda x, y: (x, [1, "1"] * 20), r"y\[0\] is 1; labels are all integers or all text"),
        (lambda x, y: (x, ("1", 1.5) * 20), r"y\[1\] is 1.5; labels are all integers or all"),
        (lambda x, y: (0 * x, y), "all 3 features of 'arrays' are constant"),
    ],
)
def test_data_that_cannot_be_used_are_refused_in_one_sentence(
    arrays: tuple[np.ndarray, np.ndarray],
    give: Any,
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ska_edge.InputError, match=f"^{sentence}") as raised:
        ska_edge.train(give(*arrays), epochs=1)
    assert "\n" not in str(raised.value)


def test_a_model_is_saved_and_loaded_by_name_or_path(
    arrays: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    model = ska_edge.train(arrays, hidden=2, epochs=1).model
    model.save(str(tmp_path / "a.ska"))
    model.save(tmp_path / "b.ska")
    assert (tmp_path / "a.ska").read_bytes() == (tmp_path / "b.ska").read_bytes()
    for path in (tmp_path / "a.ska", str(tmp_path / "b.ska")):
        assert ska_edge.load(path).state.to_bytes() == model.state.to_bytes()


def test_an_integer_onnx_file_is_a_model_too(
    arrays: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    from ska_edge.model.onnx.export import export
    from ska_edge.model.onnx.export import save as save_onnx

    model = ska_edge.train(arrays, hidden=2, epochs=1).model
    save_onnx(export(model, "integer"), tmp_path / "m.onnx")
    assert ska_edge.load(str(tmp_path / "m.onnx")).state.to_bytes() == model.state.to_bytes()


def test_a_model_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ska_edge.InputError, match="there is no model file"):
        ska_edge.load(str(tmp_path / "nope.ska"))


@pytest.mark.parametrize("option", ["checkpoint", "log"])
def test_a_file_that_is_read_is_not_written(option: str, tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("a,b,label\n" + "1,2,x\n2,1,y\n" * 6)
    before = path.read_bytes()
    with pytest.raises(ska_edge.InputError, match=r"data\.csv is read by train; write to another"):
        ska_edge.train(path, epochs=1, hidden=(), **{option: path})
    assert path.read_bytes() == before
