"""docs/BOARDS.md says how many mistakes the tests plant in the drivers of each real board."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.firmware_gen.emulators import test_simavr_drivers
from tests.firmware_gen.emulators.chips import test_nrf, test_stm32f4, test_stm32l4
from tests.firmware_gen.emulators.esp32c3 import test_machine as test_esp32c3
from tests.firmware_gen.emulators.machine import Mistake
from tests.firmware_gen.emulators.rp2040 import test_machine

PAGE = Path(__file__).parents[3] / "docs" / "BOARDS.md"


@pytest.mark.parametrize(
    ("board", "mistakes"),
    [
        ("esp32-c3", test_esp32c3.MISTAKES),
        ("mega2560", test_simavr_drivers.MISTAKES),
        ("microbit-v1", test_nrf.MISTAKES_V1),
        ("microbit-v2", test_nrf.MISTAKES_V2),
        ("nucleo-f401re", test_stm32f4.MISTAKES),
        ("nucleo-l476rg", test_stm32l4.MISTAKES),
        ("pico", test_machine.MISTAKES),
        ("uno", test_simavr_drivers.MISTAKES),
    ],
)
def test_the_page_counts_the_mistakes(board: str, mistakes: Sequence[Mistake]) -> None:
    uart = sum(mistake.file.startswith("uart") for mistake in mistakes)
    flash = sum(mistake.file.startswith("storage") for mistake in mistakes)
    assert uart + flash == len(mistakes)
    assert f"\n| `{board}` | {uart} | {flash} |" in PAGE.read_text(encoding="utf-8")
