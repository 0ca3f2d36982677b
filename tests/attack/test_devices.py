"""Whatever a device says, a command ends in time with a documented exit code."""

from __future__ import annotations

from random import Random

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ska_edge.cli.main import main
from ska_edge.cli.options.data import RECORDED
from ska_edge.training.options import flag
from tests.attack import devices
from tests.attack.conftest import CAMPAIGN
from tests.attack.place import Place


@CAMPAIGN
@given(st.integers(0, 2**32 - 1))
def test_any_device(place: Place, seed: int) -> None:
    line, lies = devices.scene(Random(seed))
    attempt, found = devices.attempt(place, line, Random(seed), lies)
    assert found == [], (attempt.text, attempt.err)


@pytest.mark.parametrize("line", devices.COMMANDS, ids=" ".join)
def test_each_command_accepts_a_device_without_altered_answers(
    place: Place, line: list[str]
) -> None:
    """Here each command ends as expected, so another end comes from an altered answer."""
    # `verify` fails, because the simulated device sends made-up metrics. `record` refuses a device
    # that sends frames.
    codes = {"verify": 1, "record": 3}
    attempt, found = devices.attempt(place, [*line, "--port", "{port}"], Random(0), 0.0)
    expected = codes.get(line[0], 0)
    if "steps.jsonl" in line and "--overwrite" not in line:
        expected = 2  # another device wrote the log
    assert (attempt.code, found) == (expected, []), attempt


READERS = ("monitor", "predict", "teach", "verify")  # commands that take DATA
FLASH = ("--port", "--stop", "--trust", "--json", "--tool", "--dry-run", "--emulated", "--sensor")


def test_the_lines_have_every_option_of_every_command_that_talks_to_a_device() -> None:
    """Options that start a board, program a chip, or need a broker with TLS are not required.

    Options of recordings are not required either, because the model has learned rows. `dashboard`
    passes its options on to `monitor`.
    """
    lines = [devices.scene(Random(seed))[0] for seed in range(1000)]
    lacking = set()
    for name, command in main.commands.items():
        options = [each for each in command.params if isinstance(each, click.Option)]
        if name != "dashboard" and any("--port" in each.opts for each in options):
            used = {part for line in lines if line[0] == name for part in line}
            lacking |= {(name, each.opts[0]) for each in options if not used & set(each.opts)}
    flash = {("flash", option) for option in FLASH}
    recorded = {(name, flag(option)) for name in READERS for option in RECORDED}
    assert lacking == flash | recorded | {
        ("predict", "--board"),
        ("verify", "--board"),
        ("monitor", "--board"),
        ("monitor", "--mqtt-ca"),
        ("monitor", "--raw"),  # the devices have no sensor
        *(("record", option) for option in ("--page", "--host", "--http-port")),  # needs clicks
        ("teach", "--forget"),  # the model has no spare class
    }
