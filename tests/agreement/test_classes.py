"""A class is added exactly once, even on a bad line or when power fails; a log rebuilds
the state.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from firmware_gen.board.board import Board
from firmware_gen.emulators.flash import start
from ska_edge.data.dataset import Dataset
from ska_edge.data.load import load
from ska_edge.data.split.plain import split
from ska_edge.device.link import Link
from ska_edge.device.stream import Stream
from ska_edge.errors import CheckError, DeviceError, InputError
from ska_edge.model.evaluation import Evaluation
from ska_edge.model.model_file import Model
from ska_edge.model.scaling import Scaling
from ska_edge.monitor.monitor import Monitor
from ska_edge.monitor.replay import rebuild
from ska_edge.monitor.sinks.log import Log
from ska_edge.monitor.teach import PASSES, as_known, repeated
from ska_edge.monitor.verify import verify
from ska_edge.network.state import State
from ska_edge.plan.replay import Replay
from ska_edge.plan.resolve import make_plan
from ska_edge.training.options import Options
from ska_edge.training.train import train
from tests.lossy_wire import LossyWire
from tests.powered_board import PoweredBoard

PLAN = make_plan((6, 5, 5), spares=2, replay=Replay(2, 1))
NAMES = ("wave", "cläp")
ROWS = 60


def a_model() -> Model:
    rng = np.random.default_rng(1)
    state = State(PLAN, rng.integers(-3000, 3000, PLAN.parameter_count))
    for row in range(6):
        state.replay.remember(rng.integers(-128, 128, PLAN.inputs), row % 3)
    return Model(PLAN, state, Scaling(np.zeros(PLAN.inputs), np.ones(PLAN.inputs)))


MODEL = a_model()
RNG = np.random.default_rng(2)
INPUTS = RNG.integers(-128, 128, (ROWS, PLAN.inputs))
LABELS = RNG.integers(0, PLAN.classes, ROWS)


@pytest.fixture(scope="module")
def project(
    require_board: Callable[[str], Board], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("classes") / "project"
    MODEL.firmware(folder, require_board("host").name, prefill=2).build()
    return folder


@pytest.fixture(autouse=True)
def own_saves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKA_STORAGE", str(tmp_path / "saves"))


def taught(connect: Callable[[], Link], log: Path, save_every: int | None = None) -> Monitor:
    """Add both classes and let the device learn all rows; check that the log gives the device's
    state.
    """
    stream = Stream(connect, PLAN.digest, patience=60)
    monitor = Monitor(stream, PLAN)
    with Log(log, stream.link.info) as written:
        for line in monitor.run(
            INPUTS, LABELS, classes=NAMES, save_every=save_every, sending=[written.write]
        ):
            written.write(line)
    device = stream.link.pull(PLAN.state_bytes)
    assert as_known(stream.link, MODEL).labels == ("0", "1", "2", *NAMES)
    stream.close()
    assert rebuild(log, MODEL).state.to_bytes() == device
    assert State.from_bytes(PLAN, device).labels == ("0", "1", "2", *NAMES)
    return monitor


@pytest.mark.parametrize("seed", range(3))
def test_a_class_is_added_once_on_a_bad_line(seed: int, project: Path, tmp_path: Path) -> None:
    with start(project) as running, LossyWire(running.port, 0.05, seed) as wire:
        monitor = taught(lambda: Link(wire.port, timeout=0.1, tries=50), tmp_path / "log")
    assert (monitor.samples, monitor.fell_back) == (ROWS, 0)


@pytest.mark.parametrize(
    ("name", "before"),
    [("ADD_CLASS", 0), ("ADD_CLASS", 1), ("STATUS", 1), ("STATUS", 2), ("SAMPLE", 12)],
)
def test_a_class_survives_a_failure_of_the_power(
    name: str, before: int, project: Path, tmp_path: Path
) -> None:
    """Power fails within a frame; without a save, the host adds the classes again."""
    board = PoweredBoard(project, tmp_path / "port")
    with board:
        board.fail_after([(name, before)])
        monitor = taught(board.link, tmp_path / "log", save_every=5)
    assert board.failures == 1
    assert monitor.fell_back == 1
    assert monitor.learned == ROWS


def test_a_save_keeps_classes_and_a_reset_drops_them(project: Path, tmp_path: Path) -> None:
    board = PoweredBoard(project, tmp_path / "port")
    with board:
        with board.link() as link:
            link.hello()
            assert [link.add_class(name) for name in (*NAMES, "wave")] == [3, 4, 3]
            link.learn(INPUTS[0].tolist(), 3)
            link.save()
            link.forget_class(4)
        board.restart()
        with board.link() as link:
            link.hello()
            assert as_known(link, MODEL).labels == ("0", "1", "2", *NAMES)
            link.reset()
            assert as_known(link, MODEL).labels == ("0", "1", "2")
            assert link.pull(PLAN.state_bytes) == MODEL.state.flashed(2).to_bytes()


def test_a_device_refuses_classes_that_do_not_fit(project: Path) -> None:
    with start(project) as running, Link(running.port) as link:
        before = link.hello().crc
        for label in (2, 3, 5):
            with pytest.raises(DeviceError, match="no class has this label"):
                link.forget_class(label)
        with pytest.raises(DeviceError, match="no class has this label"):
            link.learn(INPUTS[0].tolist(), 4)
        with pytest.raises(DeviceError, match="or the name is empty"):
            link.add_class("")
        with pytest.raises(InputError, match="more than 16 bytes"):
            link.add_class("a" * 17)
        assert link.hello().crc == before
        for name in NAMES:
            link.add_class(name)
        with pytest.raises(DeviceError, match="no spare output is left"):
            link.add_class("fist")


def test_a_log_with_a_wrong_label_is_refused(project: Path, tmp_path: Path) -> None:

    log = tmp_path / "log"
    with start(project) as running:
        taught(lambda: Link(running.port), log)
    text = log.read_text()
    assert '"class": "wave", "label": 3' in text
    log.write_text(text.replace('"class": "wave", "label": 3', '"class": "wave", "label": 4'))
    with pytest.raises(CheckError, match="label is 4 in the log and 3 on the host"):
        rebuild(log, MODEL)
    lines = [line for line in text.splitlines(True) if '"class"' not in line]
    log.write_text("".join(lines))
    with pytest.raises(CheckError, match=r"decisions\[\d\] is"):
        rebuild(log, MODEL)


def test_a_digit_is_taught_with_five_rows_on_the_virtual_board(
    require_board: Callable[[str], Board], tmp_path: Path
) -> None:
    """`verify` proves that the board learns what the host learns, so the host's accuracy is the
    board's.
    """
    board, data = require_board("virtual-m4"), load("digits")
    fit, test = split(data, 0.2, 6)
    known = fit.take(fit.y != 0)
    options = Options(epochs=5, rate=0.125, spare_classes=1, test_fraction=0.0, arithmetic="fixed")
    model = train(Dataset("nine", known.x, known.y - 1, data.labels[1:]), options).model
    rows = np.flatnonzero(fit.y == 0)[:5][repeated(5, PASSES, 0)]
    inputs, labels = model.quantize(fit.x[rows]), np.full(len(rows), 9)
    model.firmware(tmp_path / "p", board.name, prefill=10).build()
    with start(tmp_path / "p") as running, Link(running.port) as link:
        report = verify(link, model, inputs, labels, added={9: "0"})
        report.require_equal()
        state = State.from_bytes(model.plan, link.pull(model.plan.state_bytes))
    assert (report.samples, report.steps) == (50, 550)
    taught = replace(model, state=state).evaluate(test)
    assert isinstance(taught, Evaluation)
    assert taught.balanced_accuracy >= 0.955
