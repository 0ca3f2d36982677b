"""A device classifies and learns windows of its own sensor with the bits of the host."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest

import ska_edge as api
from firmware_gen.board.board import Board
from firmware_gen.build import build
from firmware_gen.emulators.flash import start
from firmware_gen.memory.footprint import ram
from firmware_gen.project import write_project
from ska_edge.arithmetic.fixedpoint import QFormat
from ska_edge.data.recordings.sensor_file import GAP, UNLABELED
from ska_edge.device.device_errors import NotNewestError
from ska_edge.device.link import Link
from ska_edge.device.sample import Truth
from ska_edge.device.sensor import RawSamples, SensorWindow
from ska_edge.device.stream import Stream
from ska_edge.errors import DeviceError, InputError
from ska_edge.frontend.front import Front
from ska_edge.model.model_file import Model
from ska_edge.model.scaling import Scaling
from ska_edge.monitor.log.file import LogFile
from ska_edge.monitor.log.line import LogLine, LogRow, Missing, WindowSeen
from ska_edge.monitor.monitor import Monitor
from ska_edge.monitor.replay import rebuild
from ska_edge.monitor.sinks.log import Log
from ska_edge.monitor.watcher import NO_KEY
from ska_edge.network.state import State
from ska_edge.network.trainer import FixedTrainer
from ska_edge.plan.resolve import make_plan
from tests.agreement.test_front import expected_of, samples_of, windows_of
from tests.agreement.test_raw_windows import model_of, recorded
from tests.lossy_wire import LossyWire

# A sensor that measures all the time, for COUNT samples; the button is pressed during a window.
RUNNING = """
#include "ska_sensor.h"
const bool ska_sensor_runs = true;
static uint16_t taken;
bool ska_sensor_read(int16_t sample[SKA_SENSOR_AXES]) {
    for (uint8_t axis = 0; axis < SKA_SENSOR_AXES; axis++) {
        sample[axis] = (int16_t)(uint16_t)(taken * 509u + axis * 77u);
    }
    taken = (uint16_t)(taken + (taken < COUNT));
    return taken < COUNT;
}
bool ska_sensor_gap(void) { return false; }
int16_t ska_sensor_label(void) {
    static bool pressed;
    const bool gives = taken > 50u && !pressed;
    pressed = pressed || gives;
    return gives ? 1 : SKA_SENSOR_NO_LABEL;
}
"""
COUNT = 200  # samples of the sensor
BORDER = 45  # the samples of the first recording; the others are of a second one
BUTTON = range(60, 90)  # the samples at which a button is held


def running_samples(front: Front, count: int) -> np.ndarray:
    """Return the samples (count, axes) of the sensor that measures all the time."""
    numbers = np.arange(count)[:, None] * 509 + np.arange(front.axes) * 77
    return numbers.astype(np.uint16).view(np.int16)


class Sensor:
    """A project for a board, and what its sensor gives: two recordings."""

    def __init__(self, project: Path, model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
        self.project, self.model = project, model
        front = model.plan.front
        assert front is not None
        samples = samples_of(front, COUNT)
        if front.image:
            samples = samples & 255
        labels = np.full(COUNT, UNLABELED)
        labels[BUTTON] = 1
        gap = np.full((1, 1 + front.axes), GAP)
        records, inputs, raw, buttons = [], [], [], list[int]()
        for part in (slice(BORDER), slice(BORDER, COUNT)):
            records += [gap, np.column_stack([labels[part], samples[part]])]
            inputs.append(expected_of(model.plan, samples[part])[1])
            raw.append(windows_of(front, samples[part]))
            last = front.length - 1 + np.arange(len(inputs[-1])) * front.hop
            buttons += labels[part][last].tolist()
        self.inputs, self.raw, self.buttons = np.concatenate(inputs), np.concatenate(raw), buttons
        (project / "records").write_bytes(np.concatenate(records).astype("<i2").tobytes())
        monkeypatch.setenv("SKA_SENSOR", str(project / "records"))


@pytest.fixture(params=["host", "virtual-m4"])
def sensor(
    request: pytest.FixtureRequest,
    require_board: Callable[[str], Board],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Sensor:
    return made(require_board(request.param), tmp_path, monkeypatch)


@pytest.fixture
def on_host(
    require_board: Callable[[str], Board], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Sensor:
    return made(require_board("host"), tmp_path, monkeypatch)


def made(
    board: Board,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    front: str = "half",
    model: Model | None = None,
    inference_only: bool = False,
    key: bytes | None = None,
) -> Sensor:
    model = model or model_of(front)
    write_project(
        *(model.plan, model.state.parameters, board.name, folder / "p"),
        key=key,
        inference_only=inference_only,
        sensor=True,
    )
    build(folder / "p")
    return Sensor(folder / "p", model, monkeypatch)


def test_windows_are_classified_and_learned_as_on_the_host(sensor: Sensor) -> None:
    trainer = FixedTrainer(sensor.model.state.copy())
    with start(sensor.project) as board, Link(board.port) as link:
        for number, (x, button) in enumerate(zip(sensor.inputs, sensor.buttons, strict=True), 1):
            window = link.window(number - 1)
            assert window is not None
            assert (window.number, window.x) == (number, tuple(x))
            assert window.label == (None if button < 0 else button)
            if button < 0 and number % 2:
                window = link.label(number, 0)
                assert window.label == 0 and window.result.metrics == tuple(metrics(trainer, x, 0))
            decisions = trainer.infer(x[None])[0] if window.label is None else None
            if button >= 0:
                decisions = trainer.learn_one(x, button)
            if decisions is not None:
                assert window.result.decisions == tuple(decisions.tolist())
            assert window.result.samples == trainer.state.samples
        assert not link.sensor_ended
        assert link.window(len(sensor.inputs)) is None
        assert link.sensor_ended
        assert link.hello().crc == trainer.state.crc
    assert trainer.state.samples > 5 and BUTTON.start < COUNT


@pytest.mark.parametrize("name", ["host", "virtual-m4"])
def test_a_device_that_only_classifies_has_windows_of_its_sensor(
    name: str,
    require_board: Callable[[str], Board],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    board = require_board(name)
    sensor = made(board, tmp_path, monkeypatch, "kernels", inference_only=True)
    trainer = FixedTrainer(sensor.model.state.copy())
    with start(sensor.project) as running:
        with Link(running.port) as link:
            first = link.window()
            assert first is not None and first.label is None
            assert first.result.decisions == tuple(trainer.infer(sensor.inputs[:1])[0].tolist())
            with pytest.raises(DeviceError, match="only classifies"):
                link.label(1, 0)
        stop = threading.Event()
        with closing(stream_to(running.port, sensor.model, stop, watching=True)) as stream:
            monitor = Monitor(stream, sensor.model.plan)
            lines = [*monitor.watch(4, pause=0, raw=True)]
    windows = [line for line in lines if isinstance(line, WindowSeen)]
    assert [line.number for line in windows] == [1, 2, 3, 4]
    raw = [tuple(map(tuple, each)) for each in sensor.raw[:4].tolist()]
    assert [line.raw for line in windows] == raw
    for line, x in zip(windows, sensor.inputs, strict=False):
        assert line.decisions == tuple(trainer.infer(x[None])[0].tolist())


def metrics(trainer: FixedTrainer, x: np.ndarray, label: Truth) -> list[dict[str, int]]:
    """Learn a row, and return its metrics."""
    trainer.learn_one(x, label if isinstance(label, int) else np.array(label))
    return [dict(each) for each in trainer.metrics()]


def test_a_window_is_learned_only_once_and_only_while_it_is_the_newest(on_host: Sensor) -> None:
    with start(on_host.project) as board, Link(board.port) as link:
        for none in (0, 1):  # there is no window yet
            with pytest.raises(NotNewestError, match="the newest has the number 0"):
                link.label(none, 0)
        first = link.window()
        assert first is not None and link.window() == first  # the host has no window yet
        with pytest.raises(DeviceError, match="no class has this label"):
            link.label(1, on_host.model.plan.classes)
        assert link.label(1, 1).result.samples == 1
        with pytest.raises(NotNewestError, match="as another class"):
            link.label(1, 0)
        again = link.label(1, 1)
        assert again.result.samples == 1 and again.result.metrics
        link.window(1)
        with pytest.raises(NotNewestError, match="the newest has the number 2"):
            link.label(1, 0)
        assert link.hello().samples == 1


@pytest.mark.parametrize("inference_only", [False, True])
def test_a_regression_with_a_sensor_takes_the_predicted_ram(
    inference_only: bool, require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    model, board = regression(), require_board("uno")
    write_project(
        *(model.plan, model.state.parameters, board.name, tmp_path / "p"),
        inference_only=inference_only,
        sensor=True,
    )
    predicted = ram(model.plan, board, inference_only=inference_only, sensor=True)
    assert 0 <= predicted - build(tmp_path / "p").ram <= (3 if inference_only else 0)


@pytest.mark.parametrize(
    ("name", "prefix", "front"),
    [
        ("uno", "ska", "half"),
        ("uno", "ska", "kernels"),
        ("virtual-m4", "pump", "half"),
        ("qemu-m0", "ska", "kernels"),
        ("qemu-rv32", "ska", "half"),
    ],
)
def test_a_firmware_with_a_sensor_takes_the_predicted_ram(
    name: str, prefix: str, front: str, require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    """A board without a driver gets one to fill in, and names with a prefix fit the driver."""
    model, board = model_of(front), require_board(name)
    write_project(
        model.plan, model.state.parameters, name, tmp_path / "p", name=prefix, sensor=True
    )
    report = build(tmp_path / "p")
    slack = 0 if board.kernel == "avr" else 8  # the alignment of sections, and a driver
    assert 0 <= report.ram - ram(model.plan, board, sensor=True) <= slack
    assert ram(model.plan, board) < ram(model.plan, board, sensor=True)


def test_a_sensor_that_runs_needs_no_host(
    require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    """The device classifies and learns while no request arrives."""
    model, project = model_of("half"), tmp_path / "p"
    front = model.plan.front
    assert front is not None
    write_project(
        model.plan, model.state.parameters, require_board("host").name, project, sensor=True
    )
    (project / "board" / "sensor.c").write_text(RUNNING.replace("COUNT", f"{COUNT}u"))
    build(project)
    inputs = expected_of(model.plan, running_samples(front, COUNT - 1))[1]
    trainer = FixedTrainer(model.state.copy())
    pressed = -((front.length - 51) // front.hop)  # the first window that is complete by then
    trainer.learn_one(inputs[pressed], 1)
    with start(project) as board, Link(board.port) as link:
        while (window := link.window()) is None or window.number < len(inputs):
            pass  # the samples are taken between the requests
        assert (window.x, window.label) == (tuple(inputs[-1]), None)
        assert window.result.decisions == tuple(trainer.infer(inputs[-1:])[0].tolist())
        assert (link.hello().samples, link.hello().crc) == (1, trainer.state.crc)


def test_pushed_samples_take_the_place_of_the_sensor_until_the_next_session(
    on_host: Sensor,
) -> None:
    front = on_host.model.plan.front
    assert front is not None
    data, _ = recorded(on_host.model)
    assert data.windows is not None
    window = data.windows[0].astype("<i2")
    with start(on_host.project) as board, Link(board.port) as link:
        assert link.window() is not None
        pushed = [
            link.push_samples(sample.tobytes(), reset=index == 0)
            for index, sample in enumerate(window)
        ]
        assert pushed == [False] * (front.length - 1) + [True]
        assert link.window(1) is None
        link.hello()
        second = link.window(1)
        assert second is not None and second.number == 2


def test_a_second_label_for_a_window_is_answered(on_host: Sensor) -> None:
    model, answers = on_host.model, list[str]()
    with streaming(on_host) as stream:
        monitor = Monitor(stream, model.plan)
        for line in monitor.watch(pause=0, labels=("a", "b")):
            answers.append(monitor.steering.answer)
            if isinstance(line, WindowSeen) and line.number == 1:
                monitor.steering.label(1)
            if isinstance(line, LogRow):
                monitor.steering.label(0)
            if isinstance(line, WindowSeen) and line.number == 2:
                break
    assert answers[-2:] == ["window 1 was learned as b", "window 1 was already learned as b"]
    assert monitor.learned == 1


def test_a_label_that_comes_too_late_is_answered(on_host: Sensor) -> None:
    model, answers = on_host.model, list[str]()
    with streaming(on_host) as stream:
        monitor = Monitor(stream, model.plan)

        def goes_on(_: LogLine) -> None:
            stream.link.window(1)  # the device has the next window before it gets the label

        for line in monitor.watch(sending=[goes_on], pause=0, labels=("a", "b")):
            answers.append(monitor.steering.answer)
            if isinstance(line, WindowSeen) and line.number == 1:
                monitor.steering.label(1)
            if isinstance(line, WindowSeen) and line.number == 2:
                break
    assert answers[-1] == "window 1 is over, so it was not learned"
    assert monitor.learned == 0


def test_a_learned_window_whose_answer_is_lost_is_named(
    on_host: Sensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, answers = on_host.model, list[str]()
    with streaming(on_host) as stream:
        link, monitor = stream.link, Monitor(stream, model.plan)
        learned = link.label

        def lost(window: int, label: Truth) -> SensorWindow | None:
            """Learn a window; return the next one, which answers the retry."""
            learned(window, label)
            return link.window(window)

        monkeypatch.setattr(link, "label", lost)
        for line in monitor.watch(pause=0, labels=("a", "b")):
            if isinstance(line, LogRow):
                answers.append(monitor.steering.answer)
            elif isinstance(line, WindowSeen) and line.number in (1, 2):
                monitor.steering.label(line.number % 2)
            elif isinstance(line, WindowSeen) and line.number == 3:
                break
    assert answers == ["window 1 was learned as b", "window 2 was learned as a"]


def regression(front: str = "half") -> Model:
    """Return a model of two targets, with values in the unit of other data."""
    plan = model_of(front).plan
    plan = make_plan(
        (plan.inputs, 3, 2),
        input_format=plan.layers[0].input,
        raw=plan.raw,
        front=plan.front,
        output=QFormat(16, 13),
        labels=("load", "speed"),
    )
    parameters = np.random.default_rng(6).integers(-3000, 3000, plan.parameter_count)
    units = Scaling(np.array([5.0, -1.0]), np.array([2.0, 0.5]))
    return Model(plan, State(plan, parameters), model_of(front).scaling, units=units)


@pytest.mark.parametrize(("name", "front"), [("host", "half"), ("virtual-m4", "kernels")])
def test_a_regression_learns_windows_with_targets_as_on_the_host(
    name: str,
    front: str,
    require_board: Callable[[str], Board],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = regression(front)
    sensor = made(require_board(name), tmp_path, monkeypatch, model=model)
    trainer = FixedTrainer(model.state.copy())
    with start(sensor.project) as running, Link(running.port) as link:
        link.token()
        with pytest.raises(NotNewestError, match="the newest has the number 0"):
            link.label(0, (0, 0))
        for number, x in enumerate(sensor.inputs[:3], 1):
            window = link.window(number - 1)
            assert window is not None and (window.number, window.x) == (number, tuple(x))
            assert window.label is None  # no button gives targets
            values = tuple(trainer.infer(x[None])[0].tolist())
            assert (window.result.predicted, window.result.decisions) == (0, values)
            targets = (300 * number - 32768, 32767 - number)
            learned = link.label(number, targets)
            assert [*learned.result.metrics] == metrics(trainer, x, targets)
            assert (learned.label, learned.result.decisions) == (targets, values)
            assert link.label(number, targets).result.samples == number
            with pytest.raises(NotNewestError, match="with other targets"):
                link.label(number, (1, 2))
        assert link.hello().crc == trainer.state.crc


def test_the_log_of_a_regression_gives_its_state_and_a_key_is_answered(
    require_board: Callable[[str], Board], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = regression()
    sensor = made(require_board("host"), tmp_path, monkeypatch, model=model)
    seen, answers = list[str](), list[str]()
    with streaming(sensor) as stream:
        monitor = Monitor(stream, model.plan)
        log = Log(tmp_path / "log", monitor.info)
        for line in monitor.watch(sending=[log.write], pause=0, units=model.units):
            log.write(line)
            answers.append(monitor.steering.answer)
            if isinstance(line, WindowSeen):
                seen.append(monitor.seen)
                monitor.steering.label((100 * line.number, -7) if line.number % 2 else 3)
            elif isinstance(line, LogRow):
                seen.append(monitor.steering.answer)
        log.close()
        crc = stream.link.hello().crc
    found = rebuild(tmp_path / "log", model)
    assert (found.state.crc, found.rows) == (crc, (len(sensor.inputs) + 1) // 2)
    values = model.values_of(FixedTrainer(model.state.copy()).infer(sensor.inputs[:1]))[0]
    assert seen[0] == f"window 1: load {values[0]:.4g}, speed {values[1]:.4g}"
    assert seen[1] == "window 1 was learned with load 5.024, speed -1"
    assert NO_KEY in answers


def test_a_window_is_labeled_with_values_in_python(
    require_board: Callable[[str], Board], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = regression()
    sensor = made(require_board("host"), tmp_path, monkeypatch, model=model)
    with start(sensor.project) as board, api.connect(board.port, model) as device:
        window = device.window()
        assert window is not None
        targets = model.targets(1, [[6.5, -0.75]])
        assert device.label(window, [6.5, -0.75]).label == tuple(targets[0].tolist())
        with pytest.raises(InputError, match="1 target, but the model has 2: load, speed"):
            device.label(window, 6.5)
        assert device.pull().state.crc == device.info().crc


class Labels:
    """A person who labels every third window, in the thread of the monitor."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor

    def see(self, line: LogLine) -> None:
        if isinstance(line, WindowSeen) and line.number % 3 == 0:
            self._monitor.steering.label(line.number % 2)


def stream_to(port: str, model: Model, stop: threading.Event, watching: bool = False) -> Stream:
    return Stream(
        lambda: Link(port, timeout=0.1, tries=20, stop=stop),
        model.plan.digest,
        plan=model.plan,
        patience=20,
        stop=stop,
        watching=watching,
    )


@contextmanager
def streaming(sensor: Sensor) -> Iterator[Stream]:
    """Start the project of a sensor, and open a stream to it."""
    with (
        start(sensor.project) as board,
        closing(stream_to(board.port, sensor.model, threading.Event())) as stream,
    ):
        yield stream


def watched(sensor: Sensor, port: str, log: Path, raw: bool = False) -> list[LogLine]:
    """Watch all windows until the sensor ends, label some, and write a log; return its lines."""
    stop = threading.Event()
    with closing(stream_to(port, sensor.model, stop)) as stream:
        monitor = Monitor(stream, sensor.model.plan)
        written, person, lines = Log(log, monitor.info), Labels(monitor), []
        for line in monitor.watch(sending=[written.write], pause=0, raw=raw):
            written.write(line)
            person.see(line)
            lines.append(line)
        written.close()
    return lines


def test_the_log_of_a_watched_sensor_gives_the_state_of_the_device(
    sensor: Sensor, tmp_path: Path
) -> None:
    with start(sensor.project) as board:
        lines = watched(sensor, board.port, tmp_path / "log")
        with Link(board.port) as link:
            crc = link.hello().crc
    windows = [line.number for line in lines if isinstance(line, WindowSeen)]
    assert windows == list(range(1, len(sensor.inputs) + 1))
    found = rebuild(tmp_path / "log", sensor.model)
    assert found.state.crc == crc and found.checked
    rows = [line for line in lines if isinstance(line, LogRow)]
    assert found.rows == len(rows) > 5
    assert all(len(row.layers) == len(sensor.model.plan.layers) for row in rows)  # of buttons, too


def test_without_the_key_a_window_that_a_button_labeled_has_no_metrics(
    require_board: Callable[[str], Board], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = bytes(range(32))
    sensor = made(require_board("host"), tmp_path, monkeypatch, key=key)
    with start(sensor.project) as board:
        with Link(board.port, key=key) as link:
            link.token()
        with closing(stream_to(board.port, sensor.model, threading.Event())) as stream:
            lines = [*Monitor(stream, sensor.model.plan).watch(pause=0)]
    rows = [line for line in lines if isinstance(line, LogRow)]
    assert rows and not any(row.layers for row in rows)


@pytest.mark.parametrize(
    ("board", "front"),
    [
        ("host", "kernels"),
        ("host", "image"),
        ("virtual-m4", "kernels"),
    ],
)
def test_the_raw_samples_of_each_window_are_read_and_logged(
    board: str,
    front: str,
    require_board: Callable[[str], Board],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sensor = made(require_board(board), tmp_path, monkeypatch, front)
    with start(sensor.project) as running:
        watched(sensor, running.port, tmp_path / "log", raw=True)
    windows = [
        line for _, line in LogFile(tmp_path / "log").entries() if isinstance(line, WindowSeen)
    ]
    assert [line.number for line in windows] == [*range(1, len(sensor.inputs) + 1)]
    assert [line.raw for line in windows] == [tuple(map(tuple, raw)) for raw in sensor.raw.tolist()]
    assert rebuild(tmp_path / "log", sensor.model).rows > 1


def test_a_core_of_8_bits_has_the_raw_samples(
    require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    model, project = model_of("kernels"), tmp_path / "p"
    front = model.plan.front
    assert front is not None
    name = require_board("sim-atmega328p").name
    write_project(model.plan, model.state.parameters, name, project, sensor=True)
    asked = RUNNING.replace("runs = true", "runs = false").replace("COUNT", "60u")
    (project / "board" / "sensor.c").write_text(asked)
    build(project)
    found = RawSamples(front.length, front.hop, front.axes)
    windows = windows_of(front, running_samples(front, 59))
    with start(project) as board, Link(board.port) as link:
        for number, window in enumerate(windows, 1):
            assert link.window(number - 1) is not None
            found.read(link.read_raw)
            assert found.of(number) == tuple(map(tuple, window.tolist()))
    assert len(windows) == 3


def test_pushed_samples_are_not_read_as_those_of_the_sensor(
    require_board: Callable[[str], Board], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sensor = made(require_board("host"), tmp_path, monkeypatch, "kernels")
    front = sensor.model.plan.front
    assert front is not None
    with start(sensor.project) as board, Link(board.port) as link:
        link.window()
        before = link.read_raw(0, front.axes)
        assert (before.window, before.end) == (1, front.length) and before.samples
        link.push_samples(bytes(2 * front.axes), reset=True)
        during = link.read_raw(0, front.axes)
        assert (during.first, during.samples) == (front.length, ())
        link.hello()
        assert link.read_raw(0, front.axes) == during


def test_a_front_end_that_keeps_no_samples_has_none_to_read(on_host: Sensor) -> None:
    with start(on_host.project) as board, Link(board.port) as link:
        with pytest.raises(DeviceError, match="no raw samples to read"):
            link.read_raw(0, 1)
        with pytest.raises(DeviceError, match="refused READ_RAW"):
            link.request("READ_RAW", {"first": 0})


@pytest.mark.parametrize("added", [True, False])
def test_a_window_is_labeled_as_an_added_class(
    added: bool,
    require_board: Callable[[str], Board],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    half = model_of("half").plan
    sizes = (half.inputs, 3)
    plan = make_plan(
        sizes, input_format=half.layers[0].input, raw=half.raw, front=half.front, spares=1
    )
    model = Model(plan, State(plan), model_of("half").scaling)
    sensor = made(require_board("host"), tmp_path, monkeypatch, model=model)
    with (
        start(sensor.project) as board,
        closing(stream_to(board.port, model, threading.Event())) as stream,
    ):
        if added:
            assert stream.link.add_class("wave") == 2
        monitor = Monitor(stream, plan)
        for line in monitor.watch(pause=0, labels=("a", "b", "wave" if added else "")):
            if isinstance(line, WindowSeen) and line.number == 1:
                monitor.steering.label(2)
            if isinstance(line, WindowSeen) and line.number == 2:
                break
        stream.close()
        with api.connect(board.port, model) as device:
            window = device.window()
            assert window is not None
            with pytest.raises(InputError, match=r"no class '\(spare 1\)'; its classes: 0, 1"):
                device.label(window, plan.labels[2])
    learned = "window 1 was learned as wave"
    assert monitor.steering.answer == (learned if added else "there is no class 2")
    assert monitor.learned == added


@pytest.mark.parametrize("seed", range(3))
def test_each_labeled_window_is_learned_once_over_a_line_that_loses_and_doubles_frames(
    seed: int, on_host: Sensor, tmp_path: Path
) -> None:
    with start(on_host.project) as board:
        with LossyWire(board.port, 0.05, seed) as wire:
            lines = watched(on_host, wire.port, tmp_path / "log")
        with Link(board.port) as link:
            info = link.hello()
    assert wire.counts["drop"] and wire.counts["double"]
    assert not any(isinstance(line, Missing) for line in lines)
    found = rebuild(tmp_path / "log", on_host.model)
    assert (found.state.crc, found.rows) == (info.crc, info.samples)


def test_a_learned_window_that_no_host_has_read_is_missing_in_the_log(
    on_host: Sensor, tmp_path: Path
) -> None:
    with streaming(on_host) as stream:
        monitor = Monitor(stream, on_host.model.plan)
        log, lines, link = Log(tmp_path / "log", monitor.info), monitor.watch(pause=0), stream.link
        log.write(next(lines))
        link.window()
        link.label(1, 1)
        link.window(1)
        missing = next(line for line in lines if not isinstance(line, WindowSeen))
        log.write(missing)
        log.close()
    assert missing == Missing(1, 1)
    with pytest.raises(InputError, match="sample 1 was expected, but 2 found"):
        rebuild(tmp_path / "log", on_host.model)


def test_a_firmware_without_a_sensor_says_so(
    require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    model = model_of("half")
    write_project(model.plan, model.state.parameters, require_board("host").name, tmp_path / "p")
    build(tmp_path / "p")
    with (
        start(tmp_path / "p") as board,
        Link(board.port) as link,
        pytest.raises(DeviceError, match="has no sensor"),
    ):
        link.window()


def test_a_plan_without_a_front_end_has_no_sensor(tmp_path: Path) -> None:
    plan = make_plan((3, 2))
    with pytest.raises(InputError, match="front end"):
        write_project(
            plan, np.zeros(plan.parameter_count, np.int64), "host", tmp_path / "p", sensor=True
        )
