"""`firmware --sensor`, `flash --sensor` and `monitor`: a device with a sensor of its own."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

import ska_edge as api
from firmware_gen.board.board import Board, load_board
from firmware_gen.emulators import flash
from firmware_gen.memory.footprint import ram
from firmware_gen.project import load_project
from ska_edge.data.recordings.layout import Layout
from ska_edge.data.recordings.sensor_file import sensor_file
from ska_edge.errors import DeviceError, InputError
from ska_edge.model.open import open_model
from tests.agreement.test_raw_windows import model_of
from tests.cli.conftest import Run
from tests.cli.test_live import Terminal
from tests.recordings import recording, write_recordings
from tests.signals import heeded


@pytest.fixture
def project(ska_edge: Run, require_board: Callable[[str], Board], tmp_path: Path) -> Path:
    """Return a project with a sensor for the board host; its model is model.ska."""
    require_board("host")
    model_of("half").save(Path("model.ska"))
    done = ska_edge("firmware", "model.ska", "--board", "host", "--sensor", "-o", "fw")
    assert done.code == 0 and "fw/board/sensor.c reads its sensor" in done.out
    assert ska_edge("build", "fw").code == 0
    return Path("fw")


def record(path: Path, axes: int, label: str | None, count: int = 200) -> None:
    """Write a recording in which every sample has the label."""
    names = [f"x{axis}" for axis in range(axes)]
    rows = np.random.default_rng(1).integers(-900, 900, (count, axes)).tolist()
    lines = [",".join(names + (["label"] if label is not None else []))]
    lines += [",".join([*map(str, row), *([label] if label is not None else [])]) for row in rows]
    path.write_text("\n".join(lines) + "\n")


def test_a_sensor_is_watched_and_its_log_replayed(ska_edge: Run, project: Path) -> None:
    axes, labels = load_project(project).sensor, load_project(project).labels
    record(Path("rec.csv"), axes, labels[1])
    assert ska_edge("flash", "fw", "--sensor", "rec.csv").code == 0
    try:
        done = ska_edge("monitor", "model.ska", "--samples", 4, "--log", "log")
        assert "watches the windows of the device's sensor" in done.out
        assert f"window 4 was learned as {labels[1]}" in done.out
        assert ska_edge("replay", "log", "model.ska", "-o", "again.ska").code == 0
        port = flash.running()[0].port
        with api.connect(port, "model.ska") as device:
            assert device.info().crc == open_model(Path("again.ska")).state.crc
            window = device.window(after=4)
            assert window is not None and window.number == 5 and window.label == 1
            with pytest.raises(DeviceError, match="learned before"):
                device.label(window, labels[0])
            with pytest.raises(InputError, match="no class 'none'"):
                device.label(window, "none")
    finally:
        assert ska_edge("flash", "fw", "--stop").code == 0


def test_a_window_without_a_label_is_labeled_by_the_host(ska_edge: Run, project: Path) -> None:
    record(Path("rec.csv"), load_project(project).sensor, None)
    assert ska_edge("flash", "fw", "--sensor", "rec.csv").code == 0
    try:
        with api.connect(flash.running()[0].port, "model.ska") as device:
            window = device.window()
            assert window is not None and window.label is None
            learned = device.label(window, load_project(project).labels[0])
            assert (learned.label, device.info().samples) == (0, 1)
    finally:
        assert ska_edge("flash", "fw", "--stop").code == 0


def test_recordings_that_do_not_fit_are_refused(ska_edge: Run, project: Path) -> None:
    axes = load_project(project).sensor
    record(Path("rec.csv"), axes, "jump")
    said = ska_edge("flash", "fw", "--sensor", "rec.csv").refusal(2)
    assert "has the label 'jump', which is no class of this firmware" in said
    record(Path("more.csv"), axes + 1, None)
    said = ska_edge("flash", "fw", "--sensor", "more.csv").refusal(2)
    assert f"has {axes + 1} axes, but the sensor of this firmware has {axes}" in said
    Path("wide.csv").write_text("\n".join([",".join("1" * axes), ",".join(["99999"] * axes)]))
    assert "more than 16 bits" in ska_edge("flash", "fw", "--sensor", "wide.csv").refusal(2)
    assert "leave" in ska_edge("flash", "fw", "--sensor", "rec.csv", "--dry-run").refusal(2)


def test_the_axes_of_a_sensor_have_the_names_and_the_rate_of_the_model(
    ska_edge: Run, require_board: Callable[[str], Board]
) -> None:
    require_board("host")
    write_recordings(Path("rec"))
    options = ("--window", 20, "--frontend", "statistics", "--epochs", 1, "--rate", 0.1)
    assert ska_edge("train", "rec", *options, "-o", "model.ska").code == 0
    done = ska_edge("firmware", "model.ska", "--board", "host", "--sensor", "-o", "fw")
    assert done.code == 0, done.err
    layout = Layout.from_dict(load_project(Path("fw")).inputs["layout"])
    assert layout is not None and layout.axes == ("ax", "ay")
    rows = [line.split(",") for line in recording("run", "a").splitlines()]
    for name, columns in {"kept": (0, 1, 2), "turned": (0, 2, 1)}.items():
        text = "\n".join(",".join(row[column] for column in columns) for row in rows)
        Path(f"{name}.csv").write_text(text + "\n")
    kept, turned = (
        sensor_file(f"{name}.csv", 2, ("run", "sit", "walk"), layout) for name in ("kept", "turned")
    )
    assert kept == turned
    Path("other.csv").write_text(Path("kept.csv").read_text().replace("ay", "gy"))
    Path("slow.csv").write_text(recording("run", "a", rate=25))
    for name, words in (("other.csv", "ay"), ("slow.csv", "at 25 Hz of ax, ay")):
        assert words in ska_edge("flash", "fw", "--sensor", name).refusal(2)


def test_inspect_predicts_the_ram_of_a_sensor(ska_edge: Run) -> None:
    model = model_of("kernels")
    model.save(Path("model.ska"))
    board = load_board("uno")
    more = ram(model.plan, board, sensor=True) - ram(model.plan, board)
    done = ska_edge("inspect", "model.ska", "--board", "uno")
    assert f"firmware --sensor needs {more} bytes more" in done.out and more > 30
    found = ska_edge("inspect", "model.ska", "--board", "uno", "--json").document()
    assert found["ram"]["sensor"] == more


@pytest.mark.parametrize(
    ("front", "functions"),
    [
        ("plain", ["wake_front_push", "wake_front_input"]),
        ("image", ["wake_front_image_input"]),
    ],
)
def test_firmware_names_the_functions_that_take_what_a_sensor_gives(
    ska_edge: Run, front: str, functions: list[str]
) -> None:
    model_of(front).save(Path("model.ska"))
    done = ska_edge("firmware", "model.ska", "--name", "wake", "-o", "fw")
    assert done.code == 0 and "standardize" not in done.out
    headers = " ".join(path.read_text() for path in Path("fw").rglob("wake_front*.h"))
    for function in functions:
        assert f"{function} " in done.out and f"{function}(" in headers


def test_a_sensor_that_a_firmware_cannot_have_is_refused(ska_edge: Run, iris_file: Path) -> None:
    said = ska_edge("firmware", iris_file, "--sensor", "-o", "fw").refusal(2)
    assert "only with a front end" in said
    said = ska_edge("firmware", iris_file, "--sensor", "--as", "cmake", "-o", "library").refusal(2)
    assert "leave --sensor out" in said
    assert ska_edge("firmware", iris_file, "--board", "host", "-o", "plain").code == 0
    assert "has no sensor" in ska_edge("flash", "plain", "--sensor", "rec.csv").refusal(2)


@pytest.mark.parametrize("front", ["plain", "echo"])
def test_raw_samples_that_no_device_keeps_are_refused_before_a_device_is_asked(
    ska_edge: Run, front: str
) -> None:
    model_of(front).save(Path("model.ska"))
    said = ska_edge("monitor", "model.ska", "--port", "/dev/nothere", "--raw").refusal(2)
    assert "leave --raw out" in said and "kernels, spectrum, patches" in said


def test_raw_samples_need_a_front_end(ska_edge: Run, iris_file: Path) -> None:
    said = ska_edge("monitor", iris_file, "--port", "/dev/nothere", "--raw").refusal(2)
    assert f"{iris_file} has no front end: leave --raw out" in said


def test_a_session_ends_with_the_samples_of_the_sensor(ska_edge: Run, project: Path) -> None:
    record(Path("rec.csv"), load_project(project).sensor, None)
    assert ska_edge("flash", "fw", "--sensor", "rec.csv").code == 0
    try:
        done = ska_edge("monitor", "model.ska", "--samples", 4)
        assert done.code == 0 and "has no more samples" in done.err and "window 19: " in done.out
    finally:
        assert ska_edge("flash", "fw", "--stop").code == 0


def test_a_key_labels_the_last_window_whose_samples_are_shown(
    ska_edge: Run, require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    require_board("host")
    model_of("kernels").save(Path("model.ska"))
    assert ska_edge("firmware", "model.ska", "--board", "host", "--sensor", "-o", "fw").code == 0
    assert ska_edge("build", "fw").code == 0
    record(Path("rec.csv"), load_project(Path("fw")).sensor, None, count=4000)
    assert ska_edge("flash", "fw", "--sensor", "rec.csv").code == 0
    arguments = ("monitor", "model.ska", "--log", "log", "--raw")
    try:
        with heeded(), closing(Terminal(80, *arguments)) as terminal:
            shown = terminal.until("window 2") + terminal.until("q ends")
            assert re.search("[\u2801-\u28ff]{9}", shown)  # a line of the signal
            terminal.press("9")
            terminal.until("there is no class 9")
            terminal.press("1")
            terminal.until("was learned as")
            terminal.press("q")
            assert terminal.end() == 130
        assert ska_edge("replay", "log", "model.ska", "-o", "again.ska").code == 0
        with api.connect(flash.running()[0].port, "model.ska") as device:
            assert device.info().samples == 1
            window = device.window(raw=True)
            assert window is not None and window.raw is not None and len(window.raw) == 40
            assert device.info().crc == open_model(Path("again.ska")).state.crc
    finally:
        assert ska_edge("flash", "fw", "--stop").code == 0
