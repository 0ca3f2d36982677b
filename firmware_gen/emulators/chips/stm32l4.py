"""Runs the image of a board with an STM32L476 in Unicorn, with strict models of its peripherals.

    python -m firmware_gen.emulators.chips.stm32l4 firmware.elf board.toml

prints the path of the serial port and runs until it is stopped. RCC, GPIOA, USART2 and the flash
interface follow the reference manual RM0351. A mistake of a driver ends the run with exit code 1
and one sentence. The other parts of the chip are missing; their use is a mistake, too.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from firmware_gen.board.memory import Region
from firmware_gen.emulators.chips.bits import bit, field, flag
from firmware_gen.emulators.chips.chip import Peripheral, Surroundings, Uart
from firmware_gen.emulators.chips.stm32 import Gate, PortA, Usart2
from firmware_gen.emulators.chips.stm32_flash import BUSY_READS, DataCache, Flash
from firmware_gen.emulators.fault import FirmwareFault
from firmware_gen.emulators.program import run_chip

MSI, HSI16 = 4_000_000, 16_000_000
BANK_2, PAGE = 0x0808_0000, 2048
PATIENCE = 1000
"""A driver that reads RCC more often than this without a write counts as waiting for ever."""


class Rcc:
    """Reset and clock control (RM0351, 6.4): the core begins on MSI, and can change to HSI16."""

    CR, CFGR, AHB2ENR, APB1ENR1 = 0x00, 0x08, 0x4C, 0x58
    HSION, HSIRDY = 8, 10

    def __init__(self) -> None:
        self.port = Gate("GPIOA", "RCC_AHB2ENR", "GPIOAEN", 0)
        self.usart = Gate("USART2", "RCC_APB1ENR1", "USART2EN", 17)
        self._values = {self.CR: 0x63, self.CFGR: 0, self.AHB2ENR: 0, self.APB1ENR1: 0}
        self._wait = 0
        self._reads = 0

    def clock(self) -> int:
        """Return the clock of the core and of the USART in hertz."""
        return HSI16 if field(self._values[self.CFGR], 2, 2) == 1 else MSI

    def read(self, offset: int) -> int:
        """Return the value of the register at an offset."""
        self.port.settle()
        self.usart.settle()
        if offset not in self._values:
            raise FirmwareFault(f"it reads RCC at 0x{offset:x}, which is not modeled")
        self._reads += 1
        if self._reads > PATIENCE:
            raise FirmwareFault(
                "it waits for ever for HSI16; set HSION in RCC_CR, wait for HSIRDY, and then set SW"
                " in RCC_CFGR to 1"
            )
        if self._wait:
            self._wait -= 1
            if self._wait == 0:
                self._values[self.CR] |= flag(self.HSIRDY)
        return self._values[offset]

    def write(self, offset: int, value: int) -> None:
        """Write the register at an offset."""
        self._reads = 0
        if offset == self.AHB2ENR:
            self.port.write(value)
        elif offset == self.APB1ENR1:
            self.usart.write(value)
        elif offset == self.CR:
            if value & ~flag(self.HSION) != self._values[self.CR] & ~flag(self.HSION):
                raise FirmwareFault(
                    "it changes bits of RCC_CR that are not modeled; change only HSION"
                )
            self._wait = BUSY_READS
        elif offset == self.CFGR:
            value = self._switched(value)
        else:
            raise FirmwareFault(f"it writes RCC at 0x{offset:x}, which is not modeled")
        self._values[offset] = value

    def _switched(self, value: int) -> int:
        """Return RCC_CFGR after a write that selects HSI16."""
        if field(value, 0, 2) != 1 or value // 16:
            raise FirmwareFault(
                f"it writes 0x{value:x} to RCC_CFGR, which is not modeled; write 1, which selects"
                " HSI16 without dividers"
            )
        if not bit(self._values[self.CR], self.HSIRDY):
            raise FirmwareFault("it selects HSI16 while HSIRDY of RCC_CR is 0; wait for HSIRDY")
        return value & ~0xC | flag(2)


class Usart(Usart2):
    """USART2 (RM0351, 40.8). Only ICR clears ORE."""

    CR1, CR3, BRR, ISR, ICR, RDR, TDR = 0x00, 0x08, 0x0C, 0x1C, 0x20, 0x24, 0x28
    UE = 0
    ORECF = 3

    def __init__(self, rcc: Rcc, port: PortA, world: Surroundings) -> None:
        super().__init__(rcc.usart, port, world)
        self._rcc = rcc

    def clock(self) -> int:
        """Return the clock of the USART in hertz."""
        return self._rcc.clock()

    def read(self, offset: int) -> int:
        """Return the value of the register at an offset."""
        self._gate.check()
        if offset == self.ISR:
            return self._status()
        if offset == self.RDR:
            return self._take()
        if offset == self.BRR:
            return self._divider
        return self._control[self._which(offset, "reads")]

    def write(self, offset: int, value: int) -> None:
        """Write the register at an offset."""
        self._gate.check()
        if offset == self.TDR:
            self._put(value)
        elif offset == self.ICR:
            if bit(value, self.ORECF) and self._overrun:
                self._overrun = False
                self.progress += 1
        elif offset == self.BRR:
            if bit(self._control[0], self.UE):
                raise FirmwareFault("it writes USART2_BRR while UE of USART2_CR1 is 1; set UE last")
            self._divider = value
        else:
            self._control[self._which(offset, "writes")] = value


class FlashInterface(Flash):
    """The flash interface (RM0351, 3.7). Saves are in bank 2, so the core need not halt."""

    ACR, KEYR, SR, CR, ECCR = 0x00, 0x08, 0x10, 0x14, 0x18
    ERASE, MASS = "PER", "MER1"
    PGSERR, BK_ECC, ECCD = 7, 19, 31

    def __init__(self, world: Surroundings) -> None:
        super().__init__(world, cache=0x600)  # the data cache is on after reset
        # An earlier program, such as a boot loader, may have left an error flag set.
        self._status = flag(self.PGSERR)
        self._error = 0
        self._half: tuple[int, int] | None = None

    def alarm(self) -> str | None:
        """Return what raises the NMI now, or None."""
        return "ECCD of FLASH_ECCR" if bit(self._error, self.ECCD) else None

    def read(self, offset: int) -> int:
        """Return the value of the register at an offset."""
        return self._error if offset == self.ECCR else super().read(offset)

    def write(self, offset: int, value: int) -> None:
        """Write the register at an offset."""
        if offset != self.ECCR:
            super().write(offset, value)
        elif bit(value, self.ECCD):
            self._error = 0

    def _check_idle(self) -> None:
        super()._check_idle()
        if self._half is not None:
            raise self._halved()

    def _check_errors(self) -> None:
        """Raise FirmwareFault if an operation cannot begin."""
        if self._status:
            raise FirmwareFault(
                "it uses flash while FLASH_SR has an error of an earlier program; clear all errors"
                " by writing ones first"
            )
        if bit(self._cache.control, DataCache.DCEN):
            raise FirmwareFault(
                "it changes flash while the data cache is on, which a read of the other bank can"
                " corrupt (ES0250); clear DCEN in FLASH_ACR first"
            )

    def _start(self, control: int) -> None:
        self._check_errors()
        bank = BANK_2 if bit(control, 11) else 0x0800_0000
        address = bank + field(control, 3, 8) * PAGE
        offset = address - self._first
        if not 0 <= offset < self._size:
            raise FirmwareFault(
                f"it erases the page at 0x{address:08x}, which is not in [storage] of board.toml"
            )
        self._erase(offset, PAGE)

    def look(self, offset: int, size: int) -> int:
        """Return `size` bytes of the flash for saves; half-written bytes raise the NMI."""
        if offset in self._world.cells.broken:
            self._error = flag(self.ECCD) | flag(self.BK_ECC)
        return super().look(offset, size)

    def program(self, offset: int, size: int, value: int) -> None:
        """Store a number of `size` bytes in the flash for saves."""
        self._keys.check()
        if size != 4:
            raise FirmwareFault(f"it stores {size} bytes to flash; store words of 4 bytes")
        if self._half is None:
            self._begin(offset, value)
            return
        start, low = self._half
        if offset != start + 4:
            raise self._halved()
        self._half = None
        both = low + value * 2**32
        if self._world.cells.read(start, 8) != 2**64 - 1 and both:
            raise FirmwareFault(
                f"it writes a double word that is not erased, at 0x{self._first + start:08x}; erase"
                " the page first"
            )
        self._cache.erase(start, 8)
        self._busy = BUSY_READS
        self._world.cells.program(start, 8, both)

    def _begin(self, offset: int, value: int) -> None:
        """Store the lower word of a double word until the upper one comes."""
        self._check_idle()
        self._check_programs()
        self._check_errors()
        if offset % 8:
            raise self._halved()
        self._half = (offset, value)

    def _halved(self) -> FirmwareFault:
        return FirmwareFault(
            "it stores half of a double word to flash; store the two words of 4 bytes, the lower"
            " one first"
        )


class Stm32l476:
    """The chip."""

    core = "cortex-m4"
    flash = Region(0x0800_0000, 0x10_0000)
    ram = Region(0x2000_0000, 0x1_8000)
    register_bytes = 0x400

    def __init__(self, world: Surroundings) -> None:
        rcc = Rcc()
        port = PortA(rcc.port, mode=0xABFF_FFFF, pull=0x6400_0000)
        usart = Usart(rcc, port, world)
        self.uart: Uart = usart
        interface = FlashInterface(world)
        self.alarm, self.look, self.program = interface.alarm, interface.look, interface.program
        self.peripherals: Mapping[int, Peripheral] = {
            0x4000_4400: usart,
            0x4002_1000: rcc,
            0x4002_2000: interface,
            0x4800_0000: port,
        }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a board until it is stopped; return the exit code of an error, if any."""
    return run_chip("firmware_gen.emulators.chips.stm32l4", __doc__, Stm32l476, arguments)


if __name__ == "__main__":
    sys.exit(main())
