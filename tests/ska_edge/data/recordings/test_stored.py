"""Windows in an npz file are those of the recordings from which they were cut."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import ska_edge
from ska_edge.data.dataset import Dataset, save
from ska_edge.data.rows import load_rows
from ska_edge.data.split.overlap import without_overlap
from ska_edge.errors import InputError, OptionError

FRONT = "statistics"


@pytest.fixture
def rec(tmp_path: Path) -> Path:
    folder = tmp_path / "rec"
    folder.mkdir()
    rng = np.random.default_rng(2)
    for label, size in (("still", 20), ("walk", 900)):
        for number in (1, 2):
            samples = rng.normal(0, size, (60, 2)).astype(int)
            lines = [f"{20 * at},{a},{b}" for at, (a, b) in enumerate(samples.tolist())]
            (folder / f"{label}-{number}.csv").write_text("\n".join(["t_ms,ax,ay", *lines]) + "\n")
    return folder


def stored(rec: Path) -> Path:
    path = rec.parent / "x.npz"
    save(ska_edge.load_data(rec, window=20, hop=10), path)
    return path


def test_a_file_of_windows_says_how_they_were_cut(rec: Path) -> None:
    data, found = ska_edge.load_data(rec, window=20, hop=10), ska_edge.load_data(stored(rec))
    assert found.layout == data.layout and found.front is None
    np.testing.assert_array_equal(found.starts, data.starts)
    np.testing.assert_array_equal(found.x, data.x)


def test_a_model_of_features_is_trained_on_a_file_of_windows(rec: Path) -> None:
    data = ska_edge.load_data(rec, window=20, hop=10, frontend=FRONT)
    found = ska_edge.load_data(stored(rec), frontend=FRONT)
    assert (found.front, found.features) == (data.front, data.features)
    np.testing.assert_array_equal(found.x, data.x)
    np.testing.assert_array_equal(found.windows, data.windows)
    model = ska_edge.train(found, hidden=(4,), epochs=1, seed=0).model
    assert model.plan.front == data.front
    assert model.evaluate(rec).accuracy == model.evaluate(stored(rec)).accuracy
    rows = load_rows(stored(rec), model.takes)
    np.testing.assert_array_equal(rows.x, data.x)
    np.testing.assert_array_equal(model.predict(found.x), model.predict(found.windows))


def test_features_are_not_written_without_their_samples(rec: Path) -> None:
    with pytest.raises(OptionError, match=r"keeps samples or pixels, .* leave frontend out"):
        save(ska_edge.load_data(rec, window=20, frontend=FRONT), rec.parent / "y.npz")
    assert not (rec.parent / "y.npz").exists()


def test_stored_windows_are_not_cut_again(rec: Path) -> None:
    with pytest.raises(OptionError, match=r"x has windows of 20 samples .* already; leave window"):
        ska_edge.load_data(stored(rec), window=10)


def test_windows_of_two_joined_files_do_not_overlap(rec: Path) -> None:
    path = stored(rec)
    other = path.with_name("z.npz")
    other.write_bytes(path.read_bytes())
    one, found = ska_edge.load_data(path), ska_edge.load_data(f"{path},{other}", frontend=FRONT)
    assert found.layout == one.layout and found.windows is not None and len(found.windows) == 40
    assert one.starts is not None and found.starts is not None
    np.testing.assert_array_equal(np.diff(found.starts[20:]), np.diff(one.starts))
    first, second = found.take(np.arange(20)), found.take(np.arange(20, 40))
    assert without_overlap(first, second)[1] == 0


def test_rows_of_an_npz_file_are_no_windows(tmp_path: Path) -> None:
    save(Dataset("a", np.ones((4, 2)), np.array([0, 1, 0, 1]), ("a", "b")), tmp_path / "a.npz")
    with pytest.raises(OptionError, match=r"has rows, not recordings, .* leave frontend out"):
        ska_edge.load_data(tmp_path / "a.npz", frontend=FRONT)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"layout": np.array("{")}, "layout does not say how x was cut"),
        ({"layout": np.array(["a", "b"])}, "layout does not say how x was cut"),
        ({"layout": np.array(json.dumps({"length": 3}))}, "layout does not say how x was cut"),
        ({"x": np.ones((20, 7))}, "layout does not say how x was cut"),
        ({"starts": np.arange(3)}, r"starts must be integers of shape \(20,\)"),
        ({"x": np.full((20, 40), 0.5)}, "samples that are not integers"),
        ({"x": np.full((20, 40), 4e4)}, "frontend takes samples of 16 bits"),
    ],
)
def test_a_damaged_file_of_windows_is_refused(
    rec: Path, change: dict[str, np.ndarray], sentence: str
) -> None:
    path = stored(rec)
    with np.load(path) as file:
        content = dict(file)
    np.savez(path, **{**content, **change})
    with pytest.raises(InputError, match=sentence):
        ska_edge.load_data(path, frontend=FRONT)
