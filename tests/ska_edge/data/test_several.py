"""The files of a folder, of a pattern or of a list are one data set."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ska_edge.data.dataset import Dataset, save
from ska_edge.data.load import load
from ska_edge.data.several import name_of
from ska_edge.data.source import load_data
from ska_edge.data.split.division import divide
from ska_edge.data.tables.columns import Columns
from ska_edge.data.tables.inputs import Inputs
from ska_edge.errors import InputError
from tests.recordings import write_recordings

MONDAY = "a,b,who,label\n1,2,eva,rest\n3,4,tom,wave\n"
TUESDAY = "b,label,a,who\n6,clap,5,zoe\n8,wave,7,eva\n"
WHO = Columns(group="who")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "week"
    place.mkdir()
    (place / "monday.csv").write_text(MONDAY)
    (place / "tuesday.csv").write_text(TUESDAY)
    (place / "notes.txt").write_text("no data")
    return place


def test_a_folder_a_pattern_and_a_list_are_the_same(folder: Path) -> None:
    files = [folder / "monday.csv", folder / "tuesday.csv"]
    named = ",".join(map(str, files))
    found = [load(folder, WHO), load(str(folder / "*.csv"), WHO), load(named, WHO)]
    found.append(load_data(files, group_column="who"))
    for each in found:
        assert each.x.tolist() == [[1, 2], [3, 4], [5, 6], [7, 8]]
        assert each.labels == ("clap", "rest", "wave") and each.y.tolist() == [1, 2, 0, 2]
        assert each.file is not None and each.file.tolist() == [0, 0, 1, 1]
        assert each.file_names == ("monday.csv", "tuesday.csv")
        assert each.group is not None and each.group.tolist() == [0, 1, 2, 0]
        assert each.group_names == ("eva", "tom", "zoe")
        assert each.digest == found[0].digest
        assert each.name == "week"
    assert found[0].origin == (
        f"{folder}: 2 files (monday.csv, tuesday.csv); 2 inputs (a, b); labels from label;"
        " groups from who"
    )


def test_a_name_without_reading(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    for source in (folder, ".", "*.csv", "monday.csv,tuesday.csv", "../*/mon*.csv"):
        assert name_of(source) == "week"
    assert (name_of("monday.csv"), name_of("iris"), name_of("\0")) == ("monday", "iris", "\0")
    (folder / "more").mkdir()
    (folder / "more" / "friday.csv").write_text(MONDAY)
    assert name_of("**/*.csv") == "week"  # the folder above both
    with pytest.raises(InputError, match="no file matches"):
        name_of("s*.csv")


def test_a_group_is_chosen_by_name_or_number(folder: Path) -> None:
    week = load(folder, WHO)
    for wanted in ("eva", 0, "0"):
        assert week.of_group(wanted).x.tolist() == [[1, 2], [7, 8]]
    with pytest.raises(InputError, match=r"no group ada; its groups are eva \(0\), tom \(1\), zoe"):
        week.of_group("ada")


def test_a_file_is_a_group_if_there_are_no_groups(folder: Path) -> None:
    week = load(folder, Columns(drop=("who",)))
    assert week.group is None
    assert week.of_group("tuesday.csv").x.tolist() == [[5, 6], [7, 8]]


def test_whole_files_are_held_out(folder: Path) -> None:
    for number, name in enumerate(("monday", "tuesday", "friday")):
        rows = [f"{number},{row},{'ab'[row % 2]}" for row in range(4)]
        (folder / f"{name}.csv").write_text("\n".join(["x1,x2,label", *rows]) + "\n")
    division = divide(load(folder), 0.3, 0)
    assert division.kind == "file"
    assert len(np.unique(division.test.x[:, 0])) == 1
    assert not np.isin(division.train.x[:, 0], division.test.x[:, 0]).any()


def test_a_saved_folder_is_the_same_data(folder: Path, tmp_path: Path) -> None:
    for columns in (Columns(drop=("who",)), Columns(group="who")):
        week = load(folder, columns)
        save(replace(week, time="clock"), tmp_path / "all.npz")
        found = load(tmp_path / "all.npz")
        assert found.digest == week.digest and found.time == "clock"
        assert (found.file_names, found.group_names) == (week.file_names, week.group_names)


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"from_file": np.array([0, 2])}, "from_file must be numbers of the 2 files in file_names"),
        ({"from_file": np.array([0, -1])}, "from_file must be numbers of the 2 files in file_nam"),
        ({"from_file": np.array([0.0, 1.0])}, r"from_file must be integers of shape \(2,\), not f"),
        ({"file_names": np.array([1, 2])}, "file_names must be texts, one per file, not int64"),
        ({"time_column": np.array([1, 2])}, "time_column must be a single text, not int64"),
    ],
)
def test_impossible_notes_about_files_are_refused(
    tmp_path: Path, arrays: dict[str, NDArray[Any]], sentence: str
) -> None:
    whole = {"from_file": np.array([0, 1]), "file_names": np.array(["a", "b"]), **arrays}
    np.savez(tmp_path / "all.npz", x=np.eye(2), y=np.array([0, 1]), **whole)
    with pytest.raises(InputError, match=sentence):
        load(tmp_path / "all.npz")


def test_integer_classes_and_groups_keep_their_order(tmp_path: Path) -> None:
    for number in (2, 10):
        part = Dataset("d", np.eye(2), np.array([0, 0]), (str(number),), np.array([number, 3]))
        save(part, tmp_path / f"{number}.npz")
    found = load(tmp_path)
    assert found.labels == ("2", "10") and found.y.tolist() == [1, 1, 0, 0]
    assert found.group is not None and found.group.tolist() == [10, 3, 2, 3]


def test_files_that_do_not_belong_together(folder: Path) -> None:
    for name, text in {
        "wide.csv": "a,b,c,label\n1,2,3,rest\n",
        "less.csv": "a,b,label\n1,2,rest\n",
        "bare.csv": "1.5,2,3,rest\n1,2,3,wave\n",
        "few.csv": "1.5,2,rest\n3,4,wave\n",
    }.items():
        (folder / name).write_text(text)
    for name, group in (("people", np.array([1, 2])), ("nobody", None)):
        part = Dataset("d", np.eye(2), np.array([0, 1]), ("rest", "wave"), group)
        save(part, folder / f"{name}.npz")
    for source, sentence in (
        ("bare.csv,few.csv", r"few.csv has 2 inputs, but .*bare.csv has 3; files that"),
        ("less.csv,wide.csv", r"wide.csv has the input c, but .*less.csv has not; drop it"),
        ("wide.csv,less.csv", r"wide.csv has the input c, but .*less.csv has not; drop it"),
        ("people.npz,nobody.npz", "only one of .*people.npz and .*nobody.npz has groups; all"),
    ):
        paths = ",".join(str(folder / name) for name in source.split(","))
        with pytest.raises(InputError, match=sentence):
            load(paths)
    with pytest.raises(InputError, match=r"no file matches '.*t\*\.npz'"):
        load(str(folder / "t*.npz"))
    empty = folder / "empty"
    empty.mkdir()
    with pytest.raises(InputError, match=r"as a folder it has no data files; they end in \.csv"):
        load(empty)


def test_files_for_a_model_need_its_inputs_only(folder: Path) -> None:
    for name, features in (("more", ("b", "a", "c")), ("some", ("a", "b")), ("less", ("b", "c"))):
        x = np.arange(2 * len(features), dtype=float).reshape(2, -1)
        part = Dataset("d", x, np.array([0, 1]), ("rest", "wave"), features=features)
        save(part, folder / f"{name}.npz")
    model = Inputs(2, ("a", "b"))
    found = load(f"{folder}/some.npz,{folder}/more.npz", model=model)
    assert found.x.tolist() == [[0, 1], [2, 3], [1, 0], [4, 3]]
    with pytest.raises(InputError, match="'less' lacks 1 input of the model: a;"):
        load(f"{folder}/some.npz,{folder}/less.npz", model=model)
    with pytest.raises(InputError, match="has not; all files need the inputs of the model"):
        load(f"{folder}/some.npz,{folder}/less.npz", model=Inputs(2))


def test_files_are_limited_together(tmp_path: Path) -> None:
    for number in range(3):
        part = Dataset("d", np.zeros((50_000, 1)), np.zeros(50_000, dtype=int), ("a",))
        save(part, tmp_path / f"{number}.npz")
    assert len(load(tmp_path, max_memory=2).x) == 150_000
    with pytest.raises(InputError, match="takes 2 MB of memory, but 1 MB are allowed"):
        load(tmp_path, max_memory=1)


def test_windows_of_several_files_stay_windows(tmp_path: Path) -> None:
    write_recordings(tmp_path / "rec")
    whole = load_data(tmp_path / "rec", window=40, hop=20)
    assert whole.layout is not None and whole.file is not None and whole.starts is not None
    folder = tmp_path / "parts"
    folder.mkdir()
    first = whole.file < 3
    for name, rows in (("a", np.flatnonzero(first)), ("b", np.flatnonzero(~first))):
        save(whole.take(rows), folder / f"{name}.npz")
    found = load(folder)
    assert found.layout == whole.layout and found.file is not None and found.starts is not None
    order = np.concatenate([np.flatnonzero(first), np.flatnonzero(~first)])
    assert found.x.tolist() == whole.x[order].tolist()
    for rows in (np.flatnonzero(found.file < 3), np.flatnonzero(found.file >= 3)):
        steps = np.diff(whole.starts[order[rows]])
        assert np.diff(found.starts[rows]).tolist() == steps.tolist()
    save(load_data(tmp_path / "rec", window=40, hop=10), folder / "c.npz")
    with pytest.raises(InputError, match=r"hop 20, but .* hop 10; cut all recordings at once"):
        load_data(f"{folder}/a.npz,{folder}/c.npz", frontend="kernels")
    with pytest.raises(InputError, match=r"hop 20, but .* hop 10; cut all recordings at once"):
        load_data(f"{folder}/a.npz,{folder}/c.npz")
    recordings = [found.file_names[number].split(": ")[1] for number in found.file]
    assert recordings == [whole.file_names[number] for number in whole.file[order]]
    save(load_data(tmp_path / "rec", window=20), folder / "c.npz")
    with pytest.raises(InputError, match=r"40 samples .* 20 samples .* cut all recordings at once"):
        load(f"{folder}/a.npz,{folder}/c.npz")
    save(replace(whole, layout=None, starts=None), folder / "c.npz")
    with pytest.raises(InputError, match=r"only one of .* has windows"):
        load(f"{folder}/a.npz,{folder}/c.npz")
