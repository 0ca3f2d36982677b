"""No command line causes a traceback, an undocumented exit code, or the loss of a file."""

from __future__ import annotations

from random import Random

import click
from hypothesis import given
from hypothesis import strategies as st

from ska_edge.cli.main import main
from tests.attack import options
from tests.attack.conftest import CAMPAIGN
from tests.attack.place import Place


@CAMPAIGN
@given(st.randoms(use_true_random=False))
def test_any_options(place: Place, random: Random) -> None:
    attempt, found = place.attempt(options.line(random))
    assert found == [], attempt.text


def test_the_lines_have_every_command_and_option() -> None:
    lines = [options.line(Random(seed)) for seed in range(4000)]
    for name, command in main.commands.items():
        used = {part for line in lines if line[0] == name for part in line}
        wanted = [each for each in command.params if isinstance(each, click.Option)]
        assert [each.opts for each in wanted if not used & set(each.opts)] == [], name
