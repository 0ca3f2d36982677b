"""The SysTick of a strict chip model counts instructions down, like the counter of a real one."""

from __future__ import annotations

import re

import pytest

from firmware_gen.emulators.chips.cortex_m.systick import SysTick
from firmware_gen.emulators.fault import FirmwareFault

ON = 0b101
CONTROL, RELOAD, VALUE, CALIBRATION = 0x0, 0x4, 0x8, 0xC


def started(reload: int) -> SysTick:
    systick = SysTick()
    systick.executed = 1000  # before the start
    systick.write(RELOAD, reload)
    systick.write(VALUE, 0)
    systick.write(CONTROL, ON)
    return systick


def test_it_counts_down_and_reloads() -> None:
    systick = started(9)
    found = []
    for _ in range(12):
        found.append(systick.read(VALUE))
        systick.executed += 1
    assert found == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 9, 8]


def test_a_write_of_the_value_starts_again() -> None:
    systick = started(99)
    systick.executed += 30
    systick.write(VALUE, 12)
    systick.executed += 1
    assert systick.read(VALUE) == 98


def test_it_does_not_count_before_it_is_on() -> None:
    systick = SysTick()
    systick.write(RELOAD, 9)
    systick.executed += 5
    assert systick.read(VALUE) == 0
    assert (systick.read(CONTROL), systick.read(RELOAD)) == (0, 9)


@pytest.mark.parametrize("control", [0b111, 0b001])
def test_the_interrupt_and_the_other_clock_are_refused(control: int) -> None:
    sentence = f"it writes 0x{control:x} to the control register of SysTick; only SysTick on the"
    with pytest.raises(FirmwareFault, match=re.escape(sentence)):
        SysTick().write(CONTROL, control)


def test_a_register_that_is_not_modeled_is_refused() -> None:
    with pytest.raises(FirmwareFault, match="it reads SysTick at 0xc, which is not modeled"):
        SysTick().read(CALIBRATION)
    with pytest.raises(FirmwareFault, match="it writes SysTick at 0xc, which is not modeled"):
        SysTick().write(CALIBRATION, 0)
