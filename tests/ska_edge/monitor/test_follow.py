"""A monitor follows a device that learns by itself; no lost announcement goes unnoticed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ska_edge.cli.screen.console import Output
from ska_edge.cli.screen.monitor import TerminalSink
from ska_edge.device.link import Link
from ska_edge.device.stream import Stream
from ska_edge.errors import InputError
from ska_edge.model.model_file import Model
from ska_edge.model.scaling import Scaling
from ska_edge.monitor.log.line import (
    Interruption,
    LogLine,
    LogRow,
    Missing,
    SessionEnd,
    SessionStart,
)
from ska_edge.monitor.monitor import Monitor
from ska_edge.monitor.replay import rebuild
from ska_edge.monitor.sinks.log import Log
from ska_edge.network.state import State
from ska_edge.plan.resolve import make_plan
from ska_edge.wire.frame import Frame
from ska_edge.wire.protocol import BY_NAME
from tests.trainer_device import TrainerDevice

X, LABELS = np.random.default_rng(0).integers(-90, 90, (40, 3)), [n % 2 for n in range(40)]
TIMEOUT = 0.1


@pytest.fixture
def model() -> Model:
    plan = make_plan((3, 4, 2))
    parameters = np.random.default_rng(1).integers(-3000, 3000, plan.parameter_count)
    return Model(plan, State(plan, parameters), Scaling(np.zeros(3), np.ones(3)))


@pytest.fixture
def device(model: Model) -> Iterator[TrainerDevice]:
    with TrainerDevice(model.state) as found:
        yield found


class Following:
    """A monitor that follows a device and writes a log."""

    def __init__(self, device: TrainerDevice, model: Model, path: Path, most: int | None) -> None:
        self.stop = threading.Event()
        self.device, self.path = device, path
        self._stream = Stream(
            lambda: Link(device.port, timeout=TIMEOUT, stop=self.stop),
            model.plan.digest,
            plan=model.plan,
            patience=5,
            stop=self.stop,
        )
        self._stream.listen()
        self.monitor = Monitor(self._stream, model.plan)
        self._log = Log(path, self.monitor.info)
        self._lines = self.monitor.follow(most)

    def next(self) -> LogLine:
        """Return the next line, after it is in the log."""
        line = next(self._lines)
        self._log.write(line)
        return line

    def rows(self, first: int, count: int) -> None:
        """Let the device learn rows, and expect their lines."""
        for n in range(first, first + count):
            self.device.learn_alone(X[n], LABELS[n])
            line = self.next()
            assert isinstance(line, LogRow)
            assert (line.sample, line.label, line.x) == (n + 1, LABELS[n], tuple(X[n]))

    def rest(self) -> list[LogLine]:
        """Stop; return the remaining lines."""
        self.stop.set()
        found = list(self._lines)
        for line in found:
            self._log.write(line)
        self._log.close()
        self._stream.close()
        return found


def test_the_log_of_a_device_that_learned_by_itself_gives_its_state(
    device: TrainerDevice, model: Model, tmp_path: Path
) -> None:
    following = Following(device, model, tmp_path / "log", most=12)
    assert isinstance(following.next(), SessionStart)
    following.rows(0, 12)
    assert [type(line) for line in following.rest()] == [SessionEnd]
    assert not device.followed
    found = rebuild(following.path, model)
    assert (found.rows, found.checked) == (12, True)
    assert found.state.to_bytes() == device.network.to_bytes()


def test_the_terminal_says_that_the_device_is_followed(
    device: TrainerDevice, model: Model, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    following = Following(device, model, tmp_path / "log", most=1)
    terminal = TerminalSink(Output(as_json=False), 1.0, None)
    terminal.open(following.monitor)
    terminal.write(following.next())
    following.rest()
    assert "no DATA: follows what the device learns by itself" in capsys.readouterr().out


def test_samples_that_arrive_after_the_last_wanted_one_are_in_the_log(
    device: TrainerDevice, model: Model, tmp_path: Path
) -> None:
    """A fast device continues to learn until the monitor ends the following; the log must have no
    gap.
    """
    following = Following(device, model, tmp_path / "log", most=3)
    following.next()
    for n in range(9):
        device.learn_alone(X[n], LABELS[n])
    lines = [following.next() for _ in range(10)]
    assert [type(line) for line in lines] == [LogRow] * 9 + [SessionEnd]
    assert following.rest() == []
    found = rebuild(following.path, model)
    assert (found.rows, found.checked) == (9, True)


def test_lost_announcements_are_counted_in_the_log_and_refused_by_replay(
    device: TrainerDevice, model: Model, tmp_path: Path
) -> None:
    following = Following(device, model, tmp_path / "log", most=None)
    following.next()
    following.rows(0, 3)
    for n in (3, 4):
        device.learn_alone(X[n], LABELS[n], lost=True)
    device.learn_alone(X[5], LABELS[5])
    assert following.next() == Missing(2, 5)
    row = following.next()
    assert isinstance(row, LogRow)
    assert row.sample == 6
    following.rest()
    assert following.monitor.missing == 2
    with pytest.raises(InputError, match="line 5: sample 4 was expected, but 6 found"):
        rebuild(following.path, model)
    assert rebuild(following.path, model, at=3).state.samples == 3


@pytest.mark.parametrize("silent", [True, False])
def test_the_last_announcement_is_missed_too(
    silent: bool, device: TrainerDevice, model: Model, tmp_path: Path
) -> None:
    """A report shows the loss: the report after a silence, or the report at the end."""
    following = Following(device, model, tmp_path / "log", most=None)
    following.next()
    following.rows(0, 2)
    device.learn_alone(X[2], LABELS[2], lost=True)
    if silent:
        assert following.next() == Missing(1, 3)
    lines = following.rest()
    assert [type(line) for line in lines] == [Missing] * (not silent) + [SessionEnd]


def test_a_device_that_restarts_is_followed_again(
    device: TrainerDevice, model: Model, tmp_path: Path
) -> None:
    following = Following(device, model, tmp_path / "log", most=None)
    following.next()
    following.rows(0, 2)
    device.restart()

    def respond(frame: Frame) -> bytes:
        """Learn a row as soon as a host follows again."""
        answer, again = device.answer(frame), not device.network.samples
        follows = frame.code == BY_NAME["FOLLOW"].code and device.followed and again
        return answer + (device.announcement(X[0], LABELS[0]) if follows else b"")

    device.respond = respond
    line = following.next()
    assert isinstance(line, Interruption)
    assert (line.fell_back, line.mark.samples) == (True, 0)
    row = following.next()
    assert isinstance(row, LogRow)
    assert row.sample == 1
    following.rows(1, 2)
    following.rest()
    found = rebuild(following.path, model)
    assert found.state.to_bytes() == device.network.to_bytes()
