"""Resets, the crystal, the PLL and the clocks of an RP2040 (data sheet, 2.14 to 2.18)."""

from __future__ import annotations

from firmware_gen.emulators.chips.bits import bit, field, flag
from firmware_gen.emulators.fault import FirmwareFault

CRYSTAL = 12_000_000
"""Hertz of the crystal on a Pico."""
RING = 6_500_000
"""Hertz of the internal oscillator after reset; the real value is 1.8 MHz to 12 MHz."""
STARTUP = 47
"""The shortest start-up delay, 1 ms, in units of 256 crystal periods (data sheet, 2.16.3)."""
WAIT_READS = 2
"""For how many reads of a status register a change lasts; not a measure of time."""
BLOCKS = {5: "IO_BANK0", 8: "PADS_BANK0", 12: "PLL_SYS", 22: "UART0"}
"""The blocks that a driver may use, by their bits in RESETS_RESET."""


class Resets:
    """RESETS: a block leaves reset a moment after its bit is cleared, and can then be used."""

    RESET, WDSEL, DONE = 0x0, 0x4, 0x8
    ALL = 0x01FF_FFFF

    def __init__(self) -> None:
        self._reset = self.ALL
        self._done = 0
        self._wait = 0

    def read(self, offset: int) -> int:
        """Return the value of the register at an offset."""
        if offset == self.DONE:
            if self._wait:
                self._wait -= 1
            else:
                self._done = self.ALL & ~self._reset
            return self._done
        if offset == self.RESET:
            return self._reset
        raise unknown("reads", "RESETS", offset)

    def write(self, offset: int, value: int) -> None:
        """Write the register at an offset."""
        if offset != self.RESET:
            raise unknown("writes", "RESETS", offset)
        self._reset = value & self.ALL
        self._done &= ~self._reset
        self._wait = WAIT_READS

    def check(self, number: int) -> None:
        """Raise FirmwareFault if a block cannot be used now."""
        name = BLOCKS[number]
        if bit(self._reset, number):
            raise FirmwareFault(
                f"it uses {name} while it is in reset; clear bit {number} of RESETS_RESET first"
            )
        if not bit(self._done, number):
            raise FirmwareFault(
                f"it uses {name} before it has left reset; wait for bit {number} of"
                " RESETS_RESET_DONE"
            )


class Crystal:
    """XOSC: the crystal oscillator, which is stable some time after it is turned on."""

    CTRL, STATUS, STARTUP = 0x00, 0x04, 0x0C
    ENABLE, RANGE = 0xFAB, 0xAA0
    STABLE = 31

    def __init__(self) -> None:
        self.stable = False
        self._control = self._startup = 0
        self._wait = 0

    def read(self, offset: int) -> int:
        """Return the value of the register at an offset."""
        if offset == self.STATUS:
            if self._wait:
                self._wait -= 1
                self.stable = self._wait == 0
            return flag(self.STABLE, self.stable)
        if offset == self.CTRL:
            return self._control
        if offset == self.STARTUP:
            return self._startup
        raise unknown("reads", "XOSC", offset)

    def write(self, offset: int, value: int) -> None:
        """Write the register at an offset."""
        if offset == self.STARTUP:
            self._startup = value
        elif offset == self.CTRL:
            self._control = value
            if (field(value, 12, 12), field(value, 0, 12)) != (self.ENABLE, self.RANGE):
                raise FirmwareFault(
                    "it writes XOSC_CTRL without turning the crystal on; write 0x00FABAA0"
                )
            if self._startup < STARTUP:
                raise FirmwareFault(
                    f"it turns the crystal on with a delay of {self._startup}; write {STARTUP} or"
                    " more to XOSC_STARTUP first, so that the crystal has 1 ms"
                )
            self._wait = WAIT_READS
        else:
            raise unknown("writes", "XOSC", offset)


class Pll:
    """PLL_SYS: multiplies the crystal's frequency, and divides the product twice."""

    CS, PWR, FBDIV, PRIM = 0x00, 0x04, 0x08, 0x0C
    LOCK, PD, POSTDIVPD, VCOPD = 31, 0, 3, 5
    SLOWEST, FASTEST = 750_000_000, 1_600_000_000

    def __init__(self, resets: Resets, crystal: Crystal) -> None:
        self._resets, self._crystal = resets, crystal
        self._values = {self.CS: 1, self.PWR: 0x2D, self.FBDIV: 0, self.PRIM: 0x77000}
        self._locked = False
        self._wait = 0

    def read(self, offset: int) -> int:
        """Return the value of the register at an offset."""
        self._resets.check(12)
        if offset not in self._values:
            raise unknown("reads", "PLL_SYS", offset)
        if offset == self.CS:
            if self._wait:
                self._wait -= 1
                self._locked = self._wait == 0
            return self._values[offset] | flag(self.LOCK, self._locked)
        return self._values[offset]

    def write(self, offset: int, value: int) -> None:
        """Write the register at an offset."""
        self._resets.check(12)
        if offset not in self._values:
            raise unknown("writes", "PLL_SYS", offset)
        on = self._runs()
        if on and offset in (self.CS, self.FBDIV):
            raise FirmwareFault(
                "it changes PLL_SYS while it runs; write CS and FBDIV_INT before PWR"
            )
        self._values[offset] = value
        if self._runs() and not on:
            if not self._crystal.stable:
                raise FirmwareFault(
                    "it starts PLL_SYS before the crystal is stable; wait for STABLE of XOSC_STATUS"
                )
            if not self.SLOWEST <= self._oscillator() <= self.FASTEST:
                raise FirmwareFault(
                    f"the oscillator of PLL_SYS would run at {self._oscillator()} Hz; it can run at"
                    f" {self.SLOWEST} to {self.FASTEST}: change PLL_SYS_FBDIV_INT"
                )
            self._wait = WAIT_READS

    def frequency(self) -> int:
        """Return the frequency of the output in hertz.

        Raises:
            FirmwareFault: the PLL has no output now.
        """
        if not self._locked:
            raise FirmwareFault("it uses PLL_SYS before it has locked; wait for LOCK of PLL_SYS_CS")
        if bit(self._values[self.PWR], self.POSTDIVPD):
            raise FirmwareFault(
                "it uses PLL_SYS while its dividers are off; clear POSTDIVPD of PLL_SYS_PWR first"
            )
        dividers = field(self._values[self.PRIM], 16, 3) * field(self._values[self.PRIM], 12, 3)
        return self._oscillator() // dividers if dividers else 0

    def _runs(self) -> bool:
        power = self._values[self.PWR]
        return not bit(power, self.PD) and not bit(power, self.VCOPD)

    def _oscillator(self) -> int:
        """Return the frequency in hertz that the two dividers divide."""
        return CRYSTAL // max(1, field(self._values[self.CS], 0, 6)) * self._values[self.FBDIV]


class Clocks:
    """CLOCKS: the sources of clk_ref, clk_sys and clk_peri."""

    REF, REF_SELECTED, SYS, SYS_SELECTED, PERI = 0x30, 0x38, 0x3C, 0x44, 0x48
    ENABLE = 11

    def __init__(self, crystal: Crystal, pll: Pll) -> None:
        self._crystal, self._pll = crystal, pll
        self._values = {self.REF: 0, self.SYS: 0, self.PERI: 0}
        self._wait = {self.REF: 0, self.SYS: 0}

    def read(self, offset: int) -> int:
        """Return the value of the register at an offset."""
        if offset in self._values:
            return self._values[offset]
        if offset == self.REF_SELECTED:
            return self._selected(self.REF, 2)
        if offset == self.SYS_SELECTED:
            return self._selected(self.SYS, 1)
        raise unknown("reads", "CLOCKS", offset)

    def write(self, offset: int, value: int) -> None:
        """Write the register at an offset."""
        if offset not in self._values:
            raise unknown("writes", "CLOCKS", offset)
        if offset == self.SYS and self._wait[self.REF]:
            raise FirmwareFault(
                "it changes clk_sys before clk_ref has changed; wait for CLK_REF_SELECTED"
            )
        self._values[offset] = value
        if offset == self.REF:
            if field(value, 0, 2) != 2:
                raise FirmwareFault("clk_ref does not run on the crystal; write 2 to CLK_REF_CTRL")
            if not self._crystal.stable:
                raise FirmwareFault(
                    "it uses the crystal before it is stable; wait for STABLE of XOSC_STATUS"
                )
        if offset == self.SYS and bit(value, 0):
            if field(value, 5, 3):
                raise FirmwareFault("clk_sys does not run on PLL_SYS; write 1 to CLK_SYS_CTRL")
            self._pll.frequency()
        if offset in self._wait:
            self._wait[offset] = WAIT_READS

    def system(self) -> int:
        """Return the frequency of the core in hertz."""
        if bit(self._values[self.SYS], 0):
            return self._pll.frequency()
        return CRYSTAL if field(self._values[self.REF], 0, 2) == 2 else RING

    def peripheral(self) -> int:
        """Return the frequency of clk_peri in hertz."""
        control = self._values[self.PERI]
        if not bit(control, self.ENABLE):
            raise FirmwareFault(
                "it uses UART0 while clk_peri is off; set ENABLE in CLK_PERI_CTRL first"
            )
        if field(control, 5, 3):
            raise FirmwareFault("clk_peri does not run on clk_sys; write 0x800 to CLK_PERI_CTRL")
        if self._wait[self.SYS]:
            raise FirmwareFault(
                "it uses UART0 before clk_sys has changed; wait for CLK_SYS_SELECTED"
            )
        return self.system()

    def _selected(self, offset: int, bits: int) -> int:
        """Return a number in which only the bit of the selected source is 1.

        A changed source shows only after some reads.
        """
        if self._wait[offset]:
            self._wait[offset] -= 1
            return 1
        return flag(field(self._values[offset], 0, bits))


def unknown(verb: str, name: str, offset: int) -> FirmwareFault:
    """Return the fault of an access to a register that is not modeled."""
    return FirmwareFault(f"it {verb} {name} at 0x{offset:x}, which is not modeled")
