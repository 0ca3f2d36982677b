"""A person steers a device that learns: the log says what was done, and rebuilds the weights."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from ska_edge.device.link import Link
from ska_edge.device.steering import Steering
from ska_edge.device.stream import Stream
from ska_edge.model.model_file import Model
from ska_edge.monitor.log.line import LogLine, LogRow, RateChange, Save, SessionEnd
from ska_edge.monitor.monitor import Monitor
from ska_edge.monitor.replay import rebuild
from ska_edge.monitor.sinks.log import LogSink
from ska_edge.wire.protocol import Capability
from tests.cli.conftest import iris, iris_file  # noqa: F401, fixtures
from tests.fake_device import EVERYTHING
from tests.trainer_device import TrainerDevice

ROWS = 40
Ask = Callable[[Steering], None]


@pytest.fixture
def device(iris: Model) -> Iterator[TrainerDevice]:  # noqa: F811
    with TrainerDevice(iris.state) as found:
        yield found


def steered(
    device: TrainerDevice, model: Model, log: Path, asked: dict[int, Ask]
) -> tuple[list[LogLine], str]:
    """Let a device learn; ask for something after some numbers of rows. Return the lines of the
    log, and the last answer.
    """
    rng = np.random.default_rng(2)
    inputs = rng.integers(-100, 100, (ROWS, model.plan.inputs))
    stop = threading.Event()
    stream = Stream(lambda: Link(device.port, stop=stop), model.plan.digest, stop=stop)
    with closing(stream):
        monitor, sink = Monitor(stream, model.plan), LogSink(log, overwrite=False)
        sink.open(monitor)
        lines = []
        labels = rng.integers(0, 3, ROWS)
        for line in monitor.run(inputs, labels, sending=[sink.write]):
            sink.write(line)
            lines.append(line)
            if isinstance(line, LogRow) and line.sample in asked:
                asked[line.sample](monitor.steering)
        sink.close()
        return lines, monitor.steering.answer


def places(lines: list[LogLine], kind: type) -> list[int]:
    """Return after how many rows the lines of a kind come."""
    return [
        sum(isinstance(each, LogRow) for each in lines[:at])
        for at, line in enumerate(lines)
        if isinstance(line, kind)
    ]


def test_the_rate_changes_between_two_rows_and_replay_rebuilds_the_weights(
    device: TrainerDevice,
    iris: Model,  # noqa: F811
    tmp_path: Path,
) -> None:
    log = tmp_path / "steps.jsonl"
    asked: dict[int, Ask] = {
        10: lambda steering: steering.change_rate(2),
        30: lambda steering: steering.change_rate(-1),
    }
    lines, answer = steered(device, iris, log, asked)
    changes = [line.halvings for line in lines if isinstance(line, RateChange)]
    assert (changes, places(lines, RateChange)) == ([2, 1], [10, 30])
    assert places(lines, SessionEnd) == [ROWS]
    assert answer == "the rate is the plan's, halved 1 time"
    found = rebuild(log, iris)
    assert found.checked and found.state.to_bytes() == device.network.to_bytes()


def test_a_save_is_made_and_logged(
    device: TrainerDevice,
    iris: Model,  # noqa: F811
    tmp_path: Path,
) -> None:
    lines, answer = steered(device, iris, tmp_path / "a.jsonl", {7: Steering.save})
    assert (device.saves, places(lines, Save), answer) == (1, [7], "saved at sample 7")


def test_a_device_that_cannot_save_says_so_and_goes_on(
    iris: Model,  # noqa: F811
    tmp_path: Path,
) -> None:
    with TrainerDevice(iris.state, EVERYTHING & ~int(Capability.SAVE)) as device:
        lines, answer = steered(device, iris, tmp_path / "a.jsonl", {7: Steering.save})
    assert places(lines, SessionEnd) == [ROWS] and not places(lines, Save)
    assert "cannot keep its state" in answer


@pytest.mark.parametrize(
    ("halvings", "said"),
    [(-1, "the rate is the plan's already"), (255, "the rate is the plan's, halved")],
)
def test_the_rate_stays_between_its_limits(
    device: TrainerDevice,
    iris: Model,  # noqa: F811
    tmp_path: Path,
    halvings: int,
    said: str,
) -> None:
    def ask(steering: Steering) -> None:
        steering.change_rate(halvings)

    lines, answer = steered(device, iris, tmp_path / "a.jsonl", {5: ask, 6: ask})
    most = iris.plan.rate_halvings_max
    changes = [line.halvings for line in lines if isinstance(line, RateChange)]
    assert changes == ([most] if halvings > 0 else [])
    assert answer == ("the rate is the smallest already" if halvings > 0 else said)


def test_an_end_keeps_what_was_learned(
    device: TrainerDevice,
    iris: Model,  # noqa: F811
    tmp_path: Path,
) -> None:
    log = tmp_path / "steps.jsonl"
    lines, _ = steered(device, iris, log, {12: Steering.end})
    assert places(lines, SessionEnd) == [12]
    assert rebuild(log, iris).state.to_bytes() == device.network.to_bytes()


def test_a_paused_device_gets_no_row_until_the_pause_ends(
    device: TrainerDevice,
    iris: Model,  # noqa: F811
    tmp_path: Path,
) -> None:
    learned_in_pause: list[int] = []

    def pause(steering: Steering) -> None:
        def go_on() -> None:
            learned_in_pause.append(device.network.samples)
            steering.save()  # is done during the pause
            while not device.saves:
                device.requests[-1:]  # until the save has arrived
            learned_in_pause.append(device.network.samples)
            steering.pause()

        steering.pause()
        threading.Thread(target=go_on).start()

    lines, _ = steered(device, iris, tmp_path / "a.jsonl", {9: pause})
    assert learned_in_pause == [9, 9]
    assert (places(lines, Save), places(lines, SessionEnd)) == ([9], [ROWS])
