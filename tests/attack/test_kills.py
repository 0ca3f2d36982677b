"""After kill -9 at any moment, a replaced file is the old or the new one, and a log is
continued.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from tests.attack import kills
from tests.attack.kills import Executioner
from tests.attack.place import Place

EACH = 3  # kills of each command; `python -m tests.attack.run --kills 200` makes many more


@pytest.fixture(scope="module")
def executioner(_place: Place) -> Iterator[Executioner]:
    with _place.enter(), Executioner() as executioner:
        yield executioner


@pytest.mark.parametrize("name", kills.KILLS)
def test_a_killed_command_leaves_the_old_file_or_the_new_one(
    name: str, place: Place, executioner: Executioner
) -> None:
    for seed in range(EACH):
        assert kills.kill(place, executioner, name, Random(f"{name} {seed}")) is None


def test_a_command_is_killed_at_a_moment_that_it_reaches(
    place: Place, executioner: Executioner
) -> None:
    line = ["data", "iris", "-o", "new.npz"]
    moments = executioner.moments(line)
    assert moments > 4
    place.restore()
    assert executioner.kill(line, 2)
    assert not executioner.kill(line, 10 * moments)
