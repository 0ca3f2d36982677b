"""The pins GP0 and GP1 of an RP2040 (data sheet, 2.19): their functions and their pads."""

from __future__ import annotations

from firmware_gen.emulators.chips.bits import bit, field
from firmware_gen.emulators.fault import FirmwareFault
from firmware_gen.emulators.rp2040.clocks import Resets, unknown

PADS, FUNCTIONS = 8, 5
"""The bits of PADS_BANK0 and of IO_BANK0 in RESETS_RESET."""
UART = 2
"""The number of the function that connects a pin to UART0."""
NO_FUNCTION = 31
PIN_COUNT = 30


class Functions:
    """IO_BANK0: the function of each pin."""

    def __init__(self, resets: Resets) -> None:
        self._resets = resets
        self._controls = [NO_FUNCTION] * PIN_COUNT

    def read(self, offset: int) -> int:
        """Return the value of the register at an offset."""
        return self._controls[self._which(offset, "reads")]

    def write(self, offset: int, value: int) -> None:
        """Write the register at an offset."""
        self._controls[self._which(offset, "writes")] = value

    def require(self, pin: int) -> None:
        """Raise FirmwareFault unless a pin is connected to UART0."""
        found = field(self._controls[pin], 0, 5)
        if found != UART:
            raise FirmwareFault(
                f"GP{pin} is not a pin of UART0: it has function {found}; write {UART} to"
                f" GPIO{pin}_CTRL"
            )

    def _which(self, offset: int, verb: str) -> int:
        self._resets.check(FUNCTIONS)
        if offset % 8 != 4 or offset // 8 >= PIN_COUNT:
            raise unknown(verb, "IO_BANK0", offset)
        return offset // 8


class Pads:
    """PADS_BANK0: the electrical settings of each pin."""

    RESET = 0x56
    PULL_DOWN, PULL_UP, INPUT, OUTPUT_OFF = 2, 3, 6, 7

    def __init__(self, resets: Resets) -> None:
        self._resets = resets
        self._pads = [self.RESET] * PIN_COUNT

    def read(self, offset: int) -> int:
        """Return the value of the register at an offset."""
        return self._pads[self._which(offset, "reads")]

    def write(self, offset: int, value: int) -> None:
        """Write the register at an offset."""
        self._pads[self._which(offset, "writes")] = value

    def require_output(self, pin: int) -> None:
        """Raise FirmwareFault unless a pin can be an output."""
        if bit(self._pads[pin], self.OUTPUT_OFF):
            raise FirmwareFault(f"the output of GP{pin} is off; clear OD in the pad of GPIO{pin}")

    def require_input(self, pin: int) -> None:
        """Raise FirmwareFault unless a pin is an input that is high if nothing drives it."""
        pad = self._pads[pin]
        if not bit(pad, self.INPUT):
            raise FirmwareFault(f"the input of GP{pin} is off; set IE in the pad of GPIO{pin}")
        if bit(pad, self.PULL_DOWN) or not bit(pad, self.PULL_UP):
            raise FirmwareFault(
                f"GP{pin} is low if nothing drives it, which UART0 takes for a break; set PUE and"
                f" clear PDE in the pad of GPIO{pin}"
            )

    def _which(self, offset: int, verb: str) -> int:
        self._resets.check(PADS)
        pin = offset // 4 - 1  # the first register is the voltage of all pads
        if not 0 <= pin < PIN_COUNT:
            raise unknown(verb, "PADS_BANK0", offset)
        return pin
