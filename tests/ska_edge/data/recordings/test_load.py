"""Recordings are read from tables; what cannot be used is refused in one sentence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ska_edge
from ska_edge.data.load import load
from ska_edge.data.recordings.load import Recordings, load_recordings
from ska_edge.data.recordings.overview import doubts_of
from ska_edge.data.recordings.window_size import WindowSize
from ska_edge.data.split.division import divide, divide_few
from ska_edge.data.tables.columns import Columns
from ska_edge.data.tables.recorded import Recorded
from ska_edge.errors import InputError

HALF = Recorded(WindowSize(10), WindowSize(5))


def written(path: Path, times: list[float], head: str = "t,ax,ay", end: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [f"{t:g},{at},{-at}{end}\n" for at, t in enumerate(times)]
    path.write_text(f"{head}\n" + "".join(rows))
    return path


def even(count: int, step: float = 20) -> list[float]:
    return [at * step for at in range(count)]


def read(source: Path, **said: object) -> Recordings:
    return load_recordings(source, Columns(recorded=Recorded(**said)))  # type: ignore[arg-type]


def test_times_give_the_rate_and_the_gaps_and_are_not_an_axis(tmp_path: Path) -> None:
    times = [*even(20), *[400 + t for t in even(20)], *even(20)]  # a lost half second; a restart
    times[20:40] = [t + 500 for t in times[20:40]]
    (found,) = read(written(tmp_path / "walk-1.csv", times)).recordings
    assert found.axes == ("ax", "ay") and found.samples.dtype == np.int16
    assert found.rate == pytest.approx(50) and found.labels == ("walk",)
    assert [(each.start, each.stop) for each in found.segments] == [(0, 20), (20, 40), (40, 60)]


def test_a_lost_sample_is_a_gap(tmp_path: Path) -> None:
    times = even(40)
    del times[17]
    (found,) = read(written(tmp_path / "walk.csv", times)).recordings
    assert [each.stop for each in found.segments] == [17, 39]


def test_rounded_times_have_no_gaps(tmp_path: Path) -> None:
    times = [float(round(at * 2.5)) for at in range(200)]  # 400 Hz in milliseconds
    (found,) = read(written(tmp_path / "walk.csv", times)).recordings
    assert len(found.segments) == 1 and found.rate == pytest.approx(400, rel=0.01)


def test_labels_come_from_a_column_the_folders_or_the_files(tmp_path: Path) -> None:
    one = written(tmp_path / "c" / "x.csv", even(9), "t,ax,ay,label", ",sit")
    assert read(one).recordings[0].labels == ("sit",)
    written(tmp_path / "f" / "anna" / "walk" / "1.csv", even(9))
    written(tmp_path / "f" / "anna" / "run" / "1.csv", even(9))
    found = read(tmp_path / "f", group_from="folder")
    assert [each.labels for each in found.recordings] == [("run",), ("walk",)]
    assert {s.group for each in found.recordings for s in each.segments} == {"anna"}
    assert read(one, label_from="file").recordings[0].labels == ("x",)


def test_resampling_interpolates_and_rounds(tmp_path: Path) -> None:
    (found,) = read(written(tmp_path / "a.csv", even(5)), resample=100.0).recordings
    assert found.rate == 100
    assert found.samples[:, 0].tolist() == [0, 1, 1, 2, 2, 3, 3, 4, 4]  # 0.5 becomes 1
    assert found.samples[:, 1].tolist() == [0, 0, -1, -1, -2, -2, -3, -3, -4]


def clocked(path: Path, head: str, times: list[float]) -> Path:
    values = np.random.default_rng(0).integers(-9, 9, len(times))
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [f"{t:g},{value}\n" for t, value in zip(times, values, strict=True)]
    path.write_text(head + "".join(rows))
    return path


@pytest.mark.parametrize(
    ("head", "axis", "name"),
    [
        ("zeit,ax\n", "zeit", "zeit"),
        ("", "column 1", "1"),
        ("my clock,ax\n", "my clock", "'my clock'"),
    ],
)
def test_an_axis_that_rises_like_a_time_is_warned_about(
    tmp_path: Path, head: str, axis: str, name: str
) -> None:
    clocked(tmp_path / "rec" / "walk.csv", head, even(40))
    clocked(tmp_path / "rec" / "run.csv", head, [*even(75), *[t + 1900 for t in even(75)]])
    found = read(tmp_path / "rec")
    assert doubts_of(found.recordings) == (
        f"the axis {axis} rises by nearly the same step all the time, like a clock or a counter,"
        f" and a network would learn it; name it if it has the times (--time-column {name}), or"
        f" leave it out (--drop {name})",
    )
    assert "; no timestamps, so gaps and the rate are not checked; labels" in found.origin
    named = read(tmp_path / "rec", time=name.strip("'"))
    assert doubts_of(named.recordings) == () and named.rate == pytest.approx(50)
    assert "no timestamps" not in named.origin
    assert "no timestamps" not in read(tmp_path / "rec", rate=50.0).origin
    clocked(tmp_path / "rec" / "sit.csv", head, [float(t % 7) for t in range(40)])
    assert doubts_of(read(tmp_path / "rec").recordings) == ()


def test_a_counter_beside_the_times_is_warned_about(tmp_path: Path) -> None:
    (sentence,) = doubts_of(read(written(tmp_path / "walk.csv", even(40))).recordings)
    assert sentence.endswith("and a network would learn it; leave it out (--drop ax)")


@pytest.mark.parametrize(
    ("times", "head", "end", "sentence"),
    [
        ([*even(40), *[800 + t for t in even(40, 40)]], "t,ax,ay", "", "the rate jumps"),
        ([0.0] * 30, "t,ax,ay", "", "most times do not rise"),
        (even(20), "t,ax,ay,az", ",0.5", r"line 2, column 4 \(az\) is 0.5, but a recording has in"),
        (even(20), "t,ax,ay,az", ",nan", "inputs must be finite numbers"),
        (
            even(20),
            "t,ax,ay,az",
            ",3e9",
            "is 3000000000; a sample is an integer of at most",
        ),
        (even(20), "t,ax,ay,az", ",-26000000001", "is -26000000001; .* larger step with lsb"),
        (even(20), "t,ax,ay,az", ",3e30", "is 3e.30; a sample is an integer"),
        (even(1), "t,ax,ay", "", "line 2 is the only sample"),
    ],
)
def test_a_bad_recording_is_refused(
    tmp_path: Path, times: list[float], head: str, end: str, sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        read(written(tmp_path / "a.csv", times, head, end))


def test_recordings_that_differ_are_refused(tmp_path: Path) -> None:
    written(tmp_path / "a.csv", even(20))
    written(tmp_path / "b.csv", even(20), "t,ax,az")
    with pytest.raises(InputError, match=r"a.csv has the axis ay, but .*b.csv has not"):
        read(tmp_path)
    written(tmp_path / "b.csv", even(20, 10))
    with pytest.raises(InputError, match=r"b.csv is recorded at 100 Hz, but .*a.csv at 50 Hz"):
        read(tmp_path)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputError, match="nothing does not exist; recordings come from a file or"):
        read(tmp_path / "nothing")
    with pytest.raises(InputError, match="has no recordings"):
        read(empty)


def test_windows_are_rows_split_by_recording(tmp_path: Path) -> None:
    for name in ("a-1", "a-2", "b-1", "b-2"):
        written(tmp_path / f"{name}.csv", even(60))
    data = load(tmp_path, Columns(recorded=HALF))
    assert data.x.shape == (4 * 11, 20) and data.labels == ("a", "b")
    assert data.layout is not None and (data.layout.hop, data.layout.axes) == (5, ("ax", "ay"))
    parts = divide(data, 0.3, 0)
    assert parts.kind == "file"
    with pytest.raises(InputError, match="windows that overlap"):
        divide(data, 0.3, 0, "random")


def test_no_test_window_shares_a_sample_with_a_learned_one(tmp_path: Path) -> None:
    for name in ("a", "b"):
        written(tmp_path / f"{name}.csv", even(400))
    close = replace(HALF, hop=WindowSize(2))
    data = load(tmp_path, Columns(recorded=close))
    for parts in (divide(data, 0.3, 0), divide_few(data, 3, 0)):
        train, test = parts.train.starts, parts.test.starts
        assert train is not None and test is not None and len(test) > 10
        assert np.abs(train[:, np.newaxis] - test).min() >= 10
    assert divide(data, 0.3, 0).kind == "blocked"


def test_python_takes_recordings_too(tmp_path: Path) -> None:
    for number in (1, 2):
        for label in ("run", "walk"):
            written(tmp_path / f"{label}-{number}.csv", even(20))
    found = ska_edge.load_data(tmp_path, window=10, hop="100ms")
    assert found.x.shape == (4 * 3, 20) and found.labels == ("run", "walk")
    one = ska_edge.load_data(tmp_path / "run-1.csv", window=20, label_from="file", drop="t", lsb=2)
    assert one.layout is not None and one.layout.rate is None and one.x[0, 4] == 1


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"window": 0}, "window is 0"),
        ({"window": 10, "hop": "x"}, "hop is 'x'"),
        ({"window": 10, "label_from": "name"}, "label_from is 'name', but must be one of column"),
        ({"window": 10, "group_from": "column"}, "group_from is 'column', but must be one of fol"),
        ({"window": 10, "sample_rate": 0}, "sample_rate is 0, but must be a positive number"),
        ({"window": 10, "resample": float("nan")}, "resample is nan, but must be a positive"),
        ({"window": 10, "lsb": [1.0, -1.0]}, "lsb is -1, but must be a positive number"),
    ],
)
def test_a_bad_option_is_refused_by_its_python_name(
    tmp_path: Path, options: dict[str, Any], sentence: str
) -> None:
    written(tmp_path / "run.csv", even(20))
    with pytest.raises(InputError, match=sentence):
        ska_edge.load_data(tmp_path / "run.csv", **options)
