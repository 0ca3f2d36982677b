"""A damaged file never causes a traceback, a hang, or the loss of another file."""

from __future__ import annotations

from pathlib import Path
from random import Random

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ska_edge.cli.main import main
from tests.attack import devices, files
from tests.attack.conftest import CAMPAIGN
from tests.attack.place import Place


@CAMPAIGN
@given(st.randoms(use_true_random=False))
def test_any_file(place: Place, random: Random) -> None:
    name, content, line = files.damaged(random, place.folder)
    attempt, found = devices.attempt(place, line, random, 0.0, **{name: content})
    assert found == [], (attempt.text, name)


@pytest.mark.parametrize("name", files.KINDS)
def test_the_good_file_is_read(place: Place, name: str) -> None:
    """Here each command ends as expected, so another end comes from the damage."""
    for line in files.KINDS[name][1]:
        line = files.line_of(line, name)
        attempt, found = devices.attempt(place, line, Random(0), 0.0)
        # `build` fails, because the project is not trusted. `verify` fails, because the simulated
        # device sends made-up metrics.
        codes = {"build": 2, "verify": 1}
        assert (attempt.code, found) == (codes.get(line[0], 0), []), attempt


def test_every_file_that_a_command_reads_is_damaged() -> None:
    """Four kinds of files need no damage: a broker's CA file; the C source of `build --main`,
    which only a compiler reads; the recordings of `flash --sensor`, which are read as those of
    `train` are; and the files of `run` and `bench`, which start a board.

    Files that a command only writes or continues are not counted, and neither are those that
    `dashboard` passes on to `monitor`.
    """
    read = {("monitor", "ca"), ("build", "main"), ("flash", "sensor")}
    for name, (_, readers) in files.KINDS.items():
        for reader in readers:
            line = files.line_of(reader, name)
            context = main.commands[line[0]].make_context(line[0], line[1:])
            read |= {
                (line[0], parameter)
                for parameter, value in context.params.items()
                for path in (value if isinstance(value, tuple) else (value,))
                if isinstance(path, (str, Path)) and Path(name).is_relative_to(path)
            }
    written = {"output", "checkpoint"}
    growing = {("train", "log"), ("monitor", "log"), ("teach", "log"), ("record", "folder")}
    growing.add(("new", "name"))
    growing |= {
        ("dashboard", parameter.name or "") for parameter in main.commands["monitor"].params
    }
    for name in main.commands.keys() - {"run", "bench"}:
        for parameter in main.commands[name].params:
            place = (name, parameter.name)
            if isinstance(parameter.type, click.Path) or parameter.name == "data":
                assert parameter.name in written or place in growing | read, place
