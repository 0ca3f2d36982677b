"""A damaged file never causes a traceback, a hang, or the loss of another file."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.attack import files
from tests.attack.conftest import CAMPAIGN
from tests.attack.place import Place


@CAMPAIGN
@given(st.randoms(use_true_random=False))
def test_any_file(place: Place, random: Random) -> None:
    name, content, line = files.damaged(random, place.folder)
    attempt, found = place.attempt(line, **{name: content})
    assert found == [], (attempt.text, name)


@pytest.mark.parametrize("name", files.KINDS)
def test_the_good_file_is_read(place: Place, name: str) -> None:
    """So when a command refuses the damaged file, the reason is the damage."""
    for line in files.KINDS[name][1]:
        attempt, found = place.attempt([part.format(name) for part in line])
        assert (attempt.code, found) == (0, []), attempt
