"""Whatever a device says, a command ends in time with a documented exit code."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.attack import devices
from tests.attack.conftest import CAMPAIGN
from tests.attack.place import Place


@CAMPAIGN
@given(st.integers(0, 2**32 - 1))
def test_any_device(place: Place, seed: int) -> None:
    line, lies = devices.scene(Random(seed))
    with devices.impatient(), devices.Liar(place.model, Random(seed), lies) as device:
        attempt, found = place.attempt([part.format(device.port) for part in line])
    assert found == [], (attempt.text, attempt.err)


@pytest.mark.parametrize("line", devices.COMMANDS, ids=" ".join)
def test_an_honest_device_is_served(place: Place, line: list[str]) -> None:
    """So when a command refuses a liar, the reason is the lie."""
    codes = {"verify": 1}  # 1, because its metrics are made up
    with devices.Liar(place.model, Random(0), lies=0.0) as device:
        attempt, found = place.attempt([*line, "--port", device.port])
    expected = 2 if "steps.jsonl" in line else codes.get(line[0], 0)  # another device wrote the log
    assert (attempt.code, found) == (expected, []), attempt
