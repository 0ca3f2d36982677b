"""SysTick as a counter of instructions, for images that measure themselves.

A real SysTick counts the cycles of the core. The model does not know them, so it counts one for
each instruction.
"""

from __future__ import annotations

from firmware_gen.emulators.chips.bits import bit
from firmware_gen.emulators.fault import FirmwareFault

SYSTICK, SYSTICK_BYTES = 0xE000_E010, 0x10
ENABLED, INTERRUPT, CORE_CLOCK = 0, 1, 2
"""Bits of the control register."""


class SysTick:
    """A counter from the reload value down to 0 (Armv7-M ARM, B3.3), without its interrupt.

    Attributes:
        executed: the number of instructions that the core has executed.
    """

    CONTROL, RELOAD, VALUE = 0x0, 0x4, 0x8

    def __init__(self) -> None:
        self.executed = 0
        self._control = self._reload = self._start = 0

    def read(self, offset: int) -> int:
        """Return the value of the register at an offset."""
        if offset == self.CONTROL:
            return self._control
        if offset == self.RELOAD:
            return self._reload
        if offset == self.VALUE:
            if not bit(self._control, ENABLED):
                return 0
            return self._reload - (self.executed - self._start) % (self._reload + 1)
        raise self._unknown("reads", offset)

    def write(self, offset: int, value: int) -> None:
        """Write the register at an offset."""
        if offset == self.CONTROL:
            if bit(value, INTERRUPT) or not bit(value, CORE_CLOCK):
                raise FirmwareFault(
                    f"it writes 0x{value:x} to the control register of SysTick; only SysTick on the"
                    " core's clock, with its interrupt off, is modeled"
                )
            self._control, self._start = value, self.executed
        elif offset == self.RELOAD:
            self._reload = value
        elif offset == self.VALUE:
            self._start = self.executed
        else:
            raise self._unknown("writes", offset)

    def _unknown(self, verb: str, offset: int) -> FirmwareFault:
        return FirmwareFault(f"it {verb} SysTick at 0x{offset:x}, which is not modeled")
