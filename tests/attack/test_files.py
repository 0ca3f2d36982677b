"""No damaged file ends a command in a traceback, or makes it stuck, or costs another file."""

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
    """This shows that a refusal of the damaged file is about the damage."""
    for line in files.KINDS[name][1]:
        attempt, found = place.attempt([part.format(name) for part in line])
        assert (attempt.code, found) == (0, []), attempt
