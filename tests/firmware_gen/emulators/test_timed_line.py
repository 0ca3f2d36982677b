"""Bytes that a host sends while a board starts wait on the wire until the receiver is on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from firmware_gen.board.board import Board
from firmware_gen.emulators.chips.nrf51 import Nrf51822
from firmware_gen.emulators.chips.nrf52 import Nrf52833
from firmware_gen.emulators.chips.stm32f4 import Stm32f401
from firmware_gen.emulators.chips.stm32l4 import Stm32l476
from firmware_gen.emulators.esp32c3 import machine as esp32c3
from firmware_gen.emulators.rp2040 import machine as rp2040
from firmware_gen.emulators.timed_line import TimedLine
from tests.conftest import ECHO
from tests.firmware_gen.emulators.chips import test_nrf, test_stm32f4
from tests.firmware_gen.emulators.esp32c3 import test_machine as test_esp32c3
from tests.firmware_gen.emulators.machine import (
    MakeMachine,
    Mistake,
    Script,
    core_with,
    plant,
    require_notice,
    run,
)
from tests.firmware_gen.emulators.rp2040 import test_machine as test_rp2040

WriteFirmware = Callable[..., Path]
BAUD = 921_600
# The driver and the machine of each board whose bytes arrive at the times that its core's clock
# gives.
MACHINES: dict[str, tuple[str, MakeMachine]] = {
    "esp32-c3": ("uart_esp32c3.c", esp32c3.Machine),
    "microbit-v1": ("uart_nrf.c", core_with(Nrf51822)),
    "microbit-v2": ("uart_nrf.c", core_with(Nrf52833)),
    "nucleo-f401re": ("uart_stm32.c", core_with(Stm32f401)),
    "nucleo-l476rg": ("uart_stm32.c", core_with(Stm32l476)),
    "pico": ("uart_rp2040.c", rp2040.Machine),
}
BEGIN = "void ska_board_init(void) {\n"
# At least three byte times, even at 115,200 baud.
DELAY = "    for (volatile uint32_t i = 0; i < 1000u; i++) {\n    }\n"


class Early(Script):
    """A line that has bytes from the start, and ends after the last."""

    def ready(self) -> bool:
        return bool(self._chunks)


@pytest.mark.parametrize("name", MACHINES)
def test_no_byte_is_lost_while_the_firmware_starts(
    name: str, require_board: Callable[[str], Board], write_firmware: WriteFirmware
) -> None:
    driver, machine = MACHINES[name]
    project = write_firmware(require_board(name))
    path = project / "board" / "board.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("[uart]\n", f"[uart]\nbaud = {BAUD}\n"), encoding="utf-8")
    plant(project, Mistake("a slow start", driver, BEGIN, BEGIN + DELAY, ""))
    assert run(project, machine, [b"abc"], wire=Early).endswith(b"bcd")


OFF = {
    "esp32-c3": (test_esp32c3.MISTAKES, "no clock for the receiver"),
    "microbit-v2": (test_nrf.MISTAKES_V2, "the receiver is not started"),
    "nucleo-f401re": (test_stm32f4.MISTAKES, "the receiver is off"),
    "pico": (test_rp2040.MISTAKES, "the receiver is off"),
}


@pytest.mark.parametrize("name", OFF)
def test_a_receiver_that_stays_off_is_noticed_although_bytes_wait(
    name: str, require_board: Callable[[str], Board], write_firmware: WriteFirmware
) -> None:
    mistakes, wanted = OFF[name]
    (mistake,) = (each for each in mistakes if each.name == wanted)
    project = write_firmware(require_board(name))
    require_notice(project, MACHINES[name][1], [b"abc"], mistake, Early)


def test_a_line_takes_bytes_from_a_byte_time_after_the_receiver_is_on() -> None:
    line = TimedLine(Early(b"ab"), 1_000_000, 100_000)
    assert [line.take(lambda: False) for _ in range(3)] == [None] * 3
    assert line.take(lambda: True) is None
    assert line.take(lambda: True) == ord("a")
    assert line.take(lambda: False) == ord("b")  # the receiver is off, so the chip loses this byte


def test_a_receiver_that_was_on_loses_bytes_while_it_is_off(
    require_board: Callable[[str], Board], write_firmware: WriteFirmware
) -> None:
    read = "        byte = ska_board_read();\n"
    assert ECHO.count(read) == 1
    off, on = (f"        *(volatile uint32_t *)0x4000440Cu = {cr1}u;\n" for cr1 in (0x2008, 0x202C))
    project = write_firmware(
        require_board("nucleo-f401re"), ECHO.replace(read, read + off + DELAY + on)
    )
    assert run(project, core_with(Stm32f401), [b"abc"], wire=Early) == b"b"
