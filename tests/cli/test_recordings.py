"""Commands take recordings: windows are cut once, and a model remembers how."""

from __future__ import annotations

from pathlib import Path

import pytest

from ska_edge import load_data, train
from ska_edge.errors import InputError
from ska_edge.model.open import open_model
from tests.cli.conftest import Run
from tests.recordings import recording, write_recordings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "rec"
    write_recordings(found)
    return found


TRAIN = ("--hidden", "8", "--epochs", "5", "--group-column", "person", "-o", "m.ska")


def test_a_model_of_windows_needs_no_options_later(ska_edge: Run, folder: Path) -> None:
    trained = ska_edge("train", folder, "--window", "1s", "--hop", "25", *TRAIN)
    assert trained.code == 0, trained.err
    assert "84 windows of 50 samples, hop 25" in trained.err
    assert "test rows are the group" in trained.out
    accuracy = ska_edge("eval", "m.ska", folder, "--json").document()["accuracy"]["fixed"]
    assert accuracy["test"] > 0.9
    rows = ska_edge("predict", "m.ska", folder / "a-run.csv").out.splitlines()
    assert len(rows) == 1 + 7 and all(row.endswith(",run") for row in rows[1:])
    inspected = ska_edge("inspect", "m.ska", "--json").document()
    assert inspected["sizes"] == [100, 8, 3]
    proven = ska_edge("verify", "m.ska", folder, "--board", "host", "--samples", "9", "--json")
    assert proven.document()["equal"] is True


def test_a_stream_of_windows_that_share_samples_is_refused(ska_edge: Run, folder: Path) -> None:
    stream = ("train", folder, "--window", "1s", "--prequential", "20", "-o", "m.ska")
    said = ska_edge(*stream, "--hop", "25").refusal(2)
    assert "windows must not share samples; give --hop at least 50" in said
    assert ska_edge(*stream, "--hop", "50", "--epochs", "1").code == 0


FRONT = ("--window", "1s", "--hop", "25", "--frontend", "statistics")
SPECTRUM = ("--window", "50", "--frontend", "spectrum:bands=16")


def test_a_model_computes_the_features_of_its_front_end(ska_edge: Run, folder: Path) -> None:
    trained = ska_edge("train", folder, *FRONT, *TRAIN)
    assert trained.code == 0, trained.err
    accuracy = ska_edge("eval", "m.ska", folder, "--json").document()["accuracy"]["fixed"]
    assert accuracy["test"] > 0.9
    inspected = ska_edge("inspect", "m.ska", "--json").document()
    assert inspected["sizes"] == [10, 8, 3] and inspected["features"][1] == "mean ay"
    front = inspected["front"]
    assert (front["length"], front["hop"], front["parts"], front["ram"]) == (50, 25, 2, 96)
    assert "front end statistics: windows of 50 samples" in ska_edge("inspect", "m.ska").out
    rows = ska_edge("predict", "m.ska", folder / "a-run.csv").out.splitlines()
    assert len(rows) == 1 + 7 and all(row.endswith(",run") for row in rows[1:])
    proven = ska_edge("verify", "m.ska", folder, "--board", "host", "--samples", "9", "--json")
    assert proven.document()["equal"] is True
    again = ska_edge("train", folder, "--from", "m.ska", "--epochs", "1", "-o", "n.ska")
    assert again.code == 0, again.err
    assert ska_edge("inspect", "n.ska", "--json").document()["front"] == front


def test_kernels_are_learned_and_a_model_keeps_them(ska_edge: Run, folder: Path) -> None:
    kernels = ("--window", "1s", "--hop", "20", "--frontend", "kernels:count=12,levels=3")
    trained = ska_edge("train", folder, *kernels, *TRAIN)
    assert trained.code == 0, trained.err
    accuracy = ska_edge("eval", "m.ska", folder, "--json").document()["accuracy"]["fixed"]
    assert accuracy["test"] > 0.9
    inspected = ska_edge("inspect", "m.ska", "--json").document()
    assert inspected["sizes"] == [18, 8, 3] and inspected["features"][1] == "kernel 2"
    assert inspected["features"][-1] == "mean ay 3/3"
    front = inspected["front"]
    assert (front["length"], front["hop"], front["ram"]) == (50, 20, 200)
    assert sum(len(group["biases"]) for group in front["kernels"]["groups"]) == 12
    assert "200 bytes of RAM for the samples" in ska_edge("inspect", "m.ska").out
    rows = ska_edge("predict", "m.ska", folder / "a-run.csv").out.splitlines()
    assert len(rows) == 1 + 8 and all(row.endswith(",run") for row in rows[1:])
    proven = ska_edge("verify", "m.ska", folder, "--board", "host", "--samples", "9", "--json")
    assert proven.document()["equal"] is True
    again = ska_edge("train", folder, "--from", "m.ska", "--epochs", "1", "-o", "n.ska")
    assert again.code == 0, again.err
    assert ska_edge("inspect", "n.ska", "--json").document()["front"] == front


def test_a_front_end_is_chosen_and_the_choice_is_printed(ska_edge: Run, folder: Path) -> None:
    windows = ("--window", "50", "--epochs", "2", "--hidden", "4", "--group-column", "person")
    trained = ska_edge("train", folder, *windows, "--frontend", "auto", "-o", "m.ska", "--json")
    found = trained.document()["frontend"]
    scores = ", ".join(f"{t['frontend']} ({t['accuracy']:.1%})" for t in found["trials"])
    line = f"--frontend {found['frontend']}, from trials on held-out rows: {scores}"
    assert line in trained.err.splitlines() and len(found["trials"]) >= 3
    front = ska_edge("inspect", "m.ska", "--json").document()["front"]
    assert found["frontend"] == ("none" if front is None else front["kind"])
    for command in ("eval", "predict"):  # ska.toml may name auto, and a model has made its choice
        plain = ska_edge(command, "m.ska", folder)
        assert ska_edge(command, "m.ska", folder, "--frontend", "auto") == plain
    again = ("train", folder, "--from", "m.ska", "--frontend", "auto", "--epochs", "1")
    assert ska_edge(*again, "-o", "n.ska").code == 0
    trained = ska_edge("train", "iris", "--frontend", "auto", "--epochs", "1", "-o", "n.ska")
    assert "--frontend none: the rows are neither windows" in trained.err
    empty = ska_edge("eval", "m.ska", folder, "--frontend", "kernels:")
    assert "no parameters after its colon" in empty.refusal(2)


def test_a_model_keeps_its_echo(ska_edge: Run, folder: Path) -> None:
    trained = ska_edge("train", folder, *FRONT[:-1], "echo:units=8", *TRAIN)
    assert trained.code == 0, trained.err
    inspected = ska_edge("inspect", "m.ska", "--json").document()
    assert inspected["sizes"][0] == 16 and inspected["features"][8] == "size 1"
    front = inspected["front"]
    assert (front["parts"], front["ram"], front["echo"]["units"]) == (2, 128, 8)
    assert len(front["echo"]["signs"]) == 8
    accuracy = ska_edge("eval", "m.ska", folder, "--json").document()["accuracy"]["fixed"]
    assert accuracy["test"] > 0.9
    proven = ska_edge("verify", "m.ska", folder, "--board", "host", "--samples", "9", "--json")
    assert proven.code == 0, proven.err + proven.out
    assert proven.document()["equal"] is True
    again = ska_edge("train", folder, "--from", "m.ska", "--epochs", "1", "-o", "n.ska")
    assert again.code == 0, again.err
    assert ska_edge("inspect", "n.ska", "--json").document()["front"] == front


def test_a_model_keeps_the_bands_of_a_spectrum(ska_edge: Run, folder: Path) -> None:
    trained = ska_edge("train", folder, "--window", "64", *SPECTRUM[-2:], *TRAIN)
    assert trained.code == 0, trained.err
    inspected = ska_edge("inspect", "m.ska", "--json").document()
    assert inspected["sizes"][0] == 32 and inspected["features"][3] == "band 2 ay"
    assert len(inspected["front"]["bands"]) == 17 and inspected["front"]["ram"] == 256
    accuracy = ska_edge("eval", "m.ska", folder, "--json").document()["accuracy"]["fixed"]
    assert accuracy["test"] > 0.6


def test_a_front_end_that_does_not_suit_is_refused_in_one_sentence(
    ska_edge: Run, folder: Path
) -> None:
    wide = folder.parent / "wide"
    wide.mkdir()
    for path in folder.iterdir():
        (wide / path.name).write_text(path.read_text().replace(",run,", "0000,run,"))
    assert ska_edge("train", folder, "--window", "50", *TRAIN).code == 0
    for arguments, sentence in (
        (("train", folder, *FRONT[-2:], *TRAIN), "give a --window, such as 100 or 2s"),
        (("train", "iris", *FRONT, "-o", "n.ska"), "leave --window, --hop, --frontend out"),
        (("train", "watch", *FRONT[-2:], "-o", "n.ska"), "or leave --frontend out"),
        (
            ("train", wide, *FRONT, *TRAIN),
            f"a sample of the axis ay of {wide}/c-run.csv is 10040000, but --frontend takes samples"
            " of 16 bits",
        ),
        (("train", folder, *FRONT, "--raw", "float32", *TRAIN), "leave --raw out"),
        (("train", folder, "--window", "50", "--hop", "3", *FRONT[-2:], *TRAIN), "has 50 parts"),
        (("eval", "m.ska", folder, *FRONT[-2:]), "leave --frontend out"),
        (("train", folder, *SPECTRUM, *TRAIN), "from 16 to 1024 samples; windows of 50 samples"),
        (
            ("train", folder, "--window", "32", *SPECTRUM[-2:], *TRAIN),
            "--frontend has bands=16, but a window of 32 samples has at most 15 bands",
        ),
    ):
        refused = ska_edge(*arguments)
        assert refused.code == 2 and sentence in refused.err
        assert len(refused.err.splitlines()) == 1


def test_a_recording_without_a_label_is_classified(ska_edge: Run, folder: Path) -> None:
    assert ska_edge("train", folder, "--window", "50", *TRAIN).code == 0
    lines = recording("run", "z").splitlines()
    bare = folder.parent / "new.csv"
    bare.write_text("\n".join(",".join(line.split(",")[:3]) for line in lines) + "\n")
    found = ska_edge("predict", "m.ska", bare)
    assert found.code == 0, found.err
    rows = found.out.splitlines()
    assert rows[0] == "row,class,confidence" and len(rows) == 1 + 4
    assert ska_edge("eval", "m.ska", bare).code == 2


def test_recordings_in_folders_are_read_and_never_written(ska_edge: Run, folder: Path) -> None:
    for path in sorted(folder.iterdir()):
        person, activity = path.stem.split("-")
        (folder / activity).mkdir(exist_ok=True)
        lines = [line.rsplit(",", 2)[0] for line in path.read_text().splitlines()]
        path.unlink()
        (folder / activity / f"{person}.csv").write_text("\n".join(lines) + "\n")
    made = ska_edge("train", folder, "--window", "50", *TRAIN[:4], "-o", "m.ska", "--json")
    assert made.code == 0, made.err
    assert made.document()["split"]["kind"] == "file"
    assert ska_edge("predict", "m.ska", folder, "-o", "classes.csv").code == 0
    taken, new = folder / "run" / "a.csv", folder / "run" / "new.csv"
    before = taken.read_text()
    for path in (taken, new):
        found = ska_edge("predict", "m.ska", folder, "-o", path)
        assert found.code == 2 and str(path) in found.err
    assert taken.read_text() == before and not new.exists()


def without_axis(folder: Path) -> None:
    (folder / "z-run.csv").write_text("t,ax,label,person\n0,1,run,z\n0.02,1,run,z\n")


def with_jump(folder: Path) -> None:
    head, *first = recording("run", "z", 100).splitlines()
    later = [f"{2 + at / 10:.1f},{line.split(',', 1)[1]}" for at, line in enumerate(first)]
    (folder / "z-run.csv").write_text("\n".join([head, *first, *later]) + "\n")


def with_short(folder: Path) -> None:
    (folder / "z-run.csv").write_text(recording("run", "z", 20))


def with_float(folder: Path) -> None:
    text = recording("run", "z").replace(",run", ".5,run")
    (folder / "z-run.csv").write_text(text)


def with_other_rate(folder: Path) -> None:
    (folder / "z-run.csv").write_text(recording("run", "z", rate=20))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (without_axis, "the axis ay, but"),
        (with_jump, "the rate jumps"),
        (with_short, "/z-run.csv is 20 samples long, but --window is 50"),
        (with_float, "give the value of one step with --lsb"),
        (with_other_rate, "interpolate the samples of all with --resample"),
    ],
)
def test_a_bad_recording_is_refused_in_one_sentence(
    ska_edge: Run, folder: Path, change, sentence: str
) -> None:
    change(folder)
    refused = ska_edge("train", folder, "--window", "1s", *TRAIN)
    assert refused.code == 2 and not Path("m.ska").exists()
    assert sentence in refused.err and len(refused.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("source", "options", "sentence"),
    [
        ("rec", ("--hop", "25"), "give a --window, such as 100 or 2s"),
        ("above", ("--frontend", "auto"), "give a --window, such as 100 or 2s"),
        ("above", ("--frontend", "patches"), "give a --window, such as 100 or 2s"),
        ("rec", ("--window", "0"), "--window is '0'"),
        ("rec", ("--window", "2x"), "--window is '2x'"),
        ("iris", ("--window", "50"), "name a folder of recordings, or leave --window out"),
        ("nowhere", ("--window", "50"), "nowhere"),
    ],
)
def test_bad_options_are_refused_in_one_sentence(
    ska_edge: Run, folder: Path, source: str, options: tuple[str, ...], sentence: str
) -> None:
    given = {"rec": folder, "above": folder.parent}.get(source, source)
    refused = ska_edge("train", given, *options, "--hidden", "8", "-o", "m.ska")
    assert refused.code == 2 and sentence in refused.err
    assert len(refused.err.splitlines()) == 1


def test_a_model_refuses_recordings_of_another_rate(ska_edge: Run, folder: Path) -> None:
    assert ska_edge("train", folder, "--window", "1s", *TRAIN).code == 0
    other = folder.parent / "other.csv"
    other.write_text(recording("run", "z", rate=20))
    refused = ska_edge("eval", "m.ska", other)
    assert refused.code == 2 and "but the model has learned recordings at 50 Hz" in refused.err


def test_a_model_is_never_written_among_recordings(ska_edge: Run, folder: Path) -> None:
    """Recordings are read at both levels of a folder, so a model would overwrite one."""
    nested = folder / "more" / "a-run.csv"
    nested.parent.mkdir()
    nested.write_text(recording("run", "e"))
    before = nested.read_text()
    given = ("train", folder, "--window", "50", *TRAIN[:-1])
    assert f"{nested} is read by this command" in ska_edge(*given, nested).refusal(2)
    new = folder / "more" / "m.csv"
    assert "one of the data files" in ska_edge(*given, new).refusal(2)
    assert nested.read_text() == before and not new.exists()


def test_windows_that_are_cut_otherwise_are_refused(ska_edge: Run, folder: Path) -> None:
    assert ska_edge("train", folder, "--window", "1s", *TRAIN).code == 0
    model = open_model("m.ska")
    same = load_data(folder, window="50", hop="7")
    assert model.matched(same).layout is same.layout
    for options, words in (
        ({"window": "25"}, "of 25 samples at 50 Hz of ax, ay"),
        ({"window": "1s", "resample": 25.0}, "of 25 samples at 25 Hz of ax, ay"),
        ({"window": "50", "features": ["ay", "ax"]}, "of 50 samples at 50 Hz of ay, ax"),
        ({"window": "50", "sample_rate": 100.0, "drop": ["t"]}, "of 50 samples at 100 Hz"),
    ):
        with pytest.raises(InputError) as refused:
            model.matched(load_data(folder, **options))
        start = "the model has learned windows of 50 samples at 50 Hz of ax, ay, but rec has"
        assert str(refused.value).startswith(start) and words in str(refused.value)


def test_a_training_in_python_cuts_the_windows_of_its_start(ska_edge: Run, folder: Path) -> None:
    assert ska_edge("train", folder, "--window", "1s", "--hop", "25", *TRAIN).code == 0
    grown = train(folder, start="m.ska", epochs=1, group=None)
    assert grown.model.layout == open_model("m.ska").layout
    with pytest.raises(InputError, match="is read by train"):
        train(folder, start="m.ska", epochs=1, checkpoint=folder / "a-run.csv")


def test_a_table_shows_each_recording_and_what_is_odd(ska_edge: Run, folder: Path) -> None:
    head, *lines = recording("run", "z").splitlines()
    stuck = [",".join([line.split(",")[0], line.split(",")[1], "7", "run,z"]) for line in lines]
    for at in range(10, 200, 20):
        stuck[at] = ""  # the line is lost
    (folder / "z-run.csv").write_text("\n".join([head, *filter(None, stuck)]) + "\n")
    found = ska_edge("data", folder, "--window", "9", "--json")
    assert found.code == 0, found.err
    one, *_, odd = found.document()["recordings"]
    assert {**one, "jitter": round(one["jitter"], 6)} == {
        "file": "a-run.csv",
        "rows": 200,
        "seconds": pytest.approx(3.98),
        "rate": pytest.approx(50),
        "gaps": 0,
        "jitter": 0.0,
        "labels": ["run"],
        "groups": ["a"],
        "odd": [],
    }
    assert (odd["rows"], odd["gaps"]) == (190, 10)
    warned = [line for line in found.err.splitlines() if line.startswith("warning: ")]
    assert len(warned) == len(odd["odd"]) == 2
    assert "z-run.csv has 10 gaps in 190 samples" in warned[0]
    assert "the axis ay of z-run.csv is always 7" in warned[1]
    table = ska_edge("data", folder, "--window", "9").out
    assert "z-run.csv" in table and "jitter ms" in table
    trained = ska_edge("train", folder, "--window", "9", *TRAIN)
    assert "51.3 s, 10 gaps, jitter up to 0" in trained.err and warned[0] in trained.err


def test_an_axis_that_never_changes_has_one_warning(ska_edge: Run, folder: Path) -> None:
    for path in folder.iterdir():
        head, *lines = path.read_text().splitlines()
        rows = [",".join([cells[0], cells[1], "7", *cells[3:]]) for cells in
                (line.split(",") for line in lines)]  # fmt: skip
        path.write_text("\n".join([head, *rows]) + "\n")
    count = len([*folder.iterdir()])
    found = ska_edge("data", folder, "--window", "9")
    warned = [line for line in found.err.splitlines() if line.startswith("warning: ")]
    said = f"the axis ay never changes in {count} of {count} recordings; check the sensor"
    assert warned == [f"warning: {said}"]


def test_times_that_jitter_are_odd(ska_edge: Run, folder: Path) -> None:
    head, *lines = recording("run", "z").splitlines()
    jumpy = [f"{at * 0.02 + (at % 3 == 1) * 0.007:.3f},{line.split(',', 1)[1]}" for at, line in
             enumerate(lines)]  # fmt: skip
    (folder / "z-run.csv").write_text("\n".join([head, *jumpy]) + "\n")
    found = ska_edge("data", folder, "--window", "50")
    assert "the time between two samples of z-run.csv varies by 5.7 ms" in found.err
