"""`ska_edge.Classifier` passes scikit-learn's checks and learns row by row like a device."""

from __future__ import annotations

import dataclasses
import inspect
import os
import pickle
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ska_edge
from ska_edge.network.trainer import FixedTrainer
from ska_edge.training.options import Options

sklearn = pytest.importorskip("sklearn", minversion="1.6")

from sklearn.base import clone  # noqa: E402
from sklearn.decomposition import PCA  # noqa: E402
from sklearn.exceptions import NotFittedError  # noqa: E402
from sklearn.model_selection import GridSearchCV, cross_val_score  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.utils.estimator_checks import check_estimator  # noqa: E402

ROOT = Path(ska_edge.__file__).resolve().parent.parent
ROWS = 60
X = np.random.default_rng(0).normal(size=(ROWS, 3)) + np.eye(3)[np.arange(ROWS) % 3] * 9
Y = np.array(["cat", "dog", "eel"])[np.arange(ROWS) % 3]
# Options of a training that `Classifier` does not have, and the reasons.
NOT_HERE = {
    "steps": "is for the rule without labels",
    "task": "each estimator has its own",
    "test_fraction": "scikit-learn holds rows out itself",
    "per_class": "as test_fraction",
    "split": "as test_fraction",
    "prequential": "as test_fraction; partial_fit learns a stream",
    "group": "arrays have no groups",
    "start": "partial_fit goes on",
    "init": "is a file",
    "log": "is a file",
    "reject": "needs rows that are held out",
    "checkpoint": "is a file",
}


def small(**options: Any) -> ska_edge.Classifier:
    return ska_edge.Classifier(**{"hidden": 4, "epochs": 2, **options})


def test_scikit_learns_own_checks_pass() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the checks cause warnings themselves
        results = check_estimator(small(), on_skip=None, on_fail=None)
    assert len(results) > 40
    wrong = {r["check_name"]: r["exception"] for r in results if r["status"] == "failed"}
    assert wrong == {}
    assert {r["check_name"] for r in results if r["status"] != "passed"} <= {
        "check_array_api_input"  # needs a setting of scipy
    }


def test_the_parameters_are_the_training_options() -> None:
    signature = inspect.signature(ska_edge.Classifier).parameters
    fields = {field.name: field.default for field in dataclasses.fields(Options)}
    expected = {name: default for name, default in fields.items() if name not in NOT_HERE}
    assert {name: parameter.default for name, parameter in signature.items()} == expected
    assert set(NOT_HERE) <= set(fields)
    page = inspect.getdoc(ska_edge.Classifier)
    assert page is not None
    assert all(f"{name}: " in page for name in expected)


def test_it_is_the_training_of_all_rows() -> None:
    options = {"hidden": (5, 4), "epochs": 2, "seed": 3, "rule": "feedback", "decay": 1}
    fitted = small(**options).fit(X, Y)
    trained = ska_edge.train((X, Y), **options, test_fraction=0)
    assert fitted.model_.state.to_bytes() == trained.model.state.to_bytes()
    assert fitted.model_.plan.labels == ("cat", "dog", "eel")
    assert fitted.predict(X).tolist() == trained.model.predict(X).tolist()
    assert (fitted.predict_proba(X) == trained.model.predict_proba(X)).all()


@pytest.mark.parametrize(
    ("labels", "names"),
    [([3, 7, 10], ("3", "7", "10")), ([1.0, 2.0, 10.0], ("1", "2", "10")), ([False, True], None)],
)
def test_classes_are_the_labels_themselves(labels: list[Any], names: Any) -> None:
    y = np.array(labels)[np.arange(ROWS) % len(labels)]
    fitted = small().fit(X, y)
    assert fitted.classes_.tolist() == labels
    assert set(fitted.predict(X)) <= set(labels)
    assert fitted.model_.plan.labels == (names or ("False", "True"))


def test_partial_fit_is_the_step_of_the_device() -> None:
    fitted = small().fit(X[:40], Y[:40])
    trainer = FixedTrainer(fitted.model_.state.copy())
    for row, label in zip(fitted.model_.quantize(X[40:]), np.arange(40, ROWS) % 3, strict=True):
        trainer.learn_one(row, label)
    plan = fitted.model_.plan
    assert fitted.partial_fit(X[40:50], Y[40:50]) is fitted
    fitted.partial_fit(X[50:], Y[50:])
    assert fitted.model_.state.to_bytes() == trainer.state.to_bytes()
    assert fitted.model_.plan == plan


def test_partial_fit_from_nothing_calibrates_on_its_first_rows() -> None:
    learned = small().partial_fit(X[:30], Y[:30], classes=["cat", "dog", "eel", "fox"])
    assert learned.classes_.tolist() == ["cat", "dog", "eel", "fox"]
    assert learned.model_.state.samples == learned.model_.state.step == 30
    for start in range(30, 600, 30):
        rows = np.arange(start, start + 30) % ROWS
        learned.partial_fit(X[rows], Y[rows])
    assert learned.model_.state.samples == 600
    assert learned.score(X, Y) > 0.9


@pytest.mark.parametrize(
    ("ask", "kind", "sentence"),
    [
        (lambda: small().partial_fit(X, Y), ValueError, "classes must be passed on the first call"),
        (
            lambda: small().partial_fit(X, Y, classes=["cat", "dog"]),
            ValueError,
            r"y\[2\] is .*'eel'.*, which is none of the classes",
        ),
        (
            lambda: small().partial_fit(X[:1], Y[:1], classes=["cat", "dog"]),
            ValueError,
            "all features of the 1 row are constant",
        ),
        (
            lambda: small(batch=4).fit(X, Y).partial_fit(X, Y),
            ska_edge.InputError,
            "needs a model with batch 1; this one has batch 4",
        ),
        (lambda: small().fit(X, ["cat"] * ROWS), ValueError, "only one class"),
        (lambda: small().fit(X, np.linspace(0, 1, ROWS)), ValueError, "Unknown label type"),
        (lambda: small().fit(X, Y[:-1]), ValueError, "inconsistent numbers of samples"),
        (lambda: small().fit(X * np.nan, Y), ValueError, "NaN"),
        (lambda: small().predict(X), NotFittedError, "not fitted yet"),
        (lambda: small(rule="published").fit(X, Y), ska_edge.InputError, "learns no classes"),
        (lambda: small(rule="nope").fit(X, Y), ska_edge.InputError, "no rule 'nope'"),
        (lambda: small(hidden="x").fit(X, Y), ska_edge.InputError, "hidden is 'x'"),
        (lambda: small(epochs=0).fit(X, Y), ska_edge.InputError, "epochs is at least 1"),
    ],
)
def test_impossible_uses_are_refused(ask: Any, kind: type[Exception], sentence: str) -> None:
    with pytest.raises(kind, match=sentence):
        ask()


def test_it_takes_part_in_pipelines_and_searches() -> None:
    pipeline = make_pipeline(PCA(2), small())
    search = GridSearchCV(pipeline, {"classifier__hidden": [2, 4]}, cv=2).fit(X, Y)
    assert search.best_score_ > 0.8
    assert search.best_estimator_[-1].model_.plan.sizes[:2] == (
        2,
        search.best_params_["classifier__hidden"],
    )
    assert cross_val_score(small(), X, Y, cv=2).mean() > 0.8


def test_it_is_cloned_and_pickled() -> None:
    fitted = small(seed=2).fit(X, Y)
    assert clone(fitted).get_params() == fitted.get_params()
    assert not hasattr(clone(fitted), "model_")
    copy = pickle.loads(pickle.dumps(fitted))
    assert copy.predict(X).tolist() == fitted.predict(X).tolist()
    copy.partial_fit(X, Y)
    fitted.partial_fit(X, Y)
    assert copy.model_.state.to_bytes() == fitted.model_.state.to_bytes()


def test_data_frames_keep_the_names_of_their_columns() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=["a", "b", "c"])
    fitted = small().fit(frame, pandas.Series(Y))
    assert fitted.feature_names_in_.tolist() == ["a", "b", "c"]
    assert fitted.score(frame, Y) > 0.8


def test_without_scikit_learn_one_sentence_says_what_to_do() -> None:
    program = (
        "import sys; sys.modules['sklearn'] = None\n"
        "import importlib.util; importlib.util.find_spec = lambda name: None\n"
        "import pydoc, ska_edge\n"
        "assert 'train' in pydoc.render_doc(ska_edge)\n"
        "try:\n    ska_edge.Classifier\nexcept ska_edge.ToolError as error:\n    print(error)\n"
    )
    outcome = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert outcome.stdout == (
        "ska_edge.Classifier and Regressor need scikit-learn 1.6 or newer:"
        " pip install '.[sklearn]' in the clone\n"
    )
