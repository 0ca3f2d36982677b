"""The data cache of STM32 models: it notices each line that flash has changed beneath it."""

from __future__ import annotations

import pytest

from firmware_gen.emulators.chips.stm32_flash import DataCache
from firmware_gen.emulators.fault import FirmwareFault

ON = 1 << DataCache.DCEN


@pytest.mark.parametrize(
    ("offset", "size", "stale"),
    [
        (16, 8, {1}),  # the lower double word of a line
        (24, 8, {1}),  # the upper one
        (16, 16, {1}),
        (0, 64, {0, 1, 2, 3}),
    ],
)
def test_a_change_makes_each_line_that_it_touches_stale(
    offset: int, size: int, stale: set[int]
) -> None:
    cache = DataCache(ON)
    for line in range(4):
        cache.look(line * DataCache.LINE)
    cache.erase(offset, size)
    for line in range(4):
        if line in stale:
            with pytest.raises(FirmwareFault, match="flush the cache"):
                cache.look(line * DataCache.LINE)
        else:
            cache.look(line * DataCache.LINE)
