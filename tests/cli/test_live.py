"""`monitor` on a terminal: a live view whose keys steer the device."""

from __future__ import annotations

import contextlib
import re
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ska_edge.cli.screen.trends import BLOCKS, PLAIN_BLOCKS, WIDTH, Trend
from ska_edge.model.model_file import Model
from ska_edge.monitor.replay import rebuild
from tests.signals import heeded
from tests.terminal import Terminal
from tests.trainer_device import GatedDevice

HIGH = 80  # lines, so that warnings and trends fit


@pytest.fixture
def device(iris: Model) -> Iterator[GatedDevice]:
    with GatedDevice(iris.state) as found:
        yield found


@pytest.fixture
def monitored(iris_file: Path, device: GatedDevice) -> Iterator:
    with heeded(), contextlib.ExitStack() as stack:

        def start(columns: int, *options: object) -> Terminal:
            line = ("monitor", iris_file, "iris", "--port", device.port, *options)
            found = Terminal(columns, *line, lines=HIGH)
            stack.callback(found.close)
            return found

        yield start


@pytest.mark.parametrize("columns", [80, 46])
def test_keys_steer_a_device_and_the_log_rebuilds_it(
    monitored, device: GatedDevice, iris: Model, columns: int
) -> None:
    terminal = monitored(columns, "--log", "steps.jsonl")
    shown = terminal.until("q ends")
    assert "layer 1 (3)" in shown and "last rows: " in shown
    assert re.search(rf"entropy +-?\d+\.\d{{3}} [{BLOCKS}]+", shown)
    view = shown[shown.index(": learning") :].splitlines()[1:]
    assert len(view) > 10 and max(map(len, view)) <= columns
    terminal.press("p")
    terminal.until(": paused")
    device.gate.set()
    terminal.press("-")
    terminal.until("the rate is the plan's, halved 1 time")
    learned = device.network.samples
    terminal.press("s")
    terminal.until("saved at sample")
    assert (device.halvings, device.saves) == (1, 1)
    assert device.network.samples == learned
    terminal.press("+q")
    assert terminal.end() == 0
    assert termios.tcgetattr(terminal.slave) == terminal.before
    assert terminal.shown.count("\x1b[?25l") == terminal.shown.count("\x1b[?25h") == 1  # the cursor
    found = rebuild(Path("steps.jsonl"), iris)
    assert found.checked and found.state.to_bytes() == device.network.to_bytes()


def test_a_terminal_that_changes_its_width_is_followed(monitored, device: GatedDevice) -> None:
    terminal = monitored(80)
    side_by_side = re.compile(r"layer 0 \(4\) +layer 1 \(3\)")
    assert side_by_side.search(terminal.until("q ends"))
    terminal.press("p")
    terminal.until(": paused")
    device.gate.set()
    terminal.resize(46)
    while side_by_side.search(shown := terminal.until("q ends")):
        pass  # a picture from before the change
    assert "layer 1 (3)" in shown
    terminal.press("q")
    assert terminal.end() == 0


def test_ctrl_c_restores_the_terminal(monitored, device: GatedDevice) -> None:
    terminal = monitored(80)
    terminal.until("q ends")
    assert termios.tcgetattr(terminal.slave) != terminal.before
    terminal.press("\x03")
    device.gate.set()
    assert terminal.end() == 130
    assert termios.tcgetattr(terminal.slave) == terminal.before
    assert terminal.shown.count("\x1b[?25h") == 1
    assert "stopped at step" in terminal.shown


def test_plain_lines_are_printed_on_request(monitored, device: GatedDevice) -> None:
    device.gate.set()
    terminal = monitored(80, "--plain", "--samples", 20)
    assert terminal.end() == 0
    assert "q ends" not in terminal.shown and "\x1b" not in terminal.shown
    assert "20/20 samples" in terminal.shown


# --- trend lines ----------------------------------------------------------------------------------

REAL = st.floats(-1e6, 1e6)


@given(st.lists(REAL, max_size=300), st.booleans())
def test_a_trend_fits_its_place_and_shows_its_extremes(values: list[float], plain: bool) -> None:
    trend, blocks = Trend(), PLAIN_BLOCKS if plain else BLOCKS
    for value in values:
        trend.add(value)
    line = trend.line(plain)
    assert len(line) <= WIDTH and set(line) <= set(blocks)
    assert bool(line) == bool(values)
    if len(values) <= WIDTH and len(set(values)) > 1:
        assert line[values.index(max(values))] == blocks[-1]
        assert line[values.index(min(values))] == blocks[0]


@given(st.integers(1, 2000))
def test_a_trend_keeps_the_direction_of_a_long_session(count: int) -> None:
    trend = Trend()
    for value in range(count):
        trend.add(float(value))
    line = trend.line()
    assert list(line) == sorted(line, key=BLOCKS.index)
