"""Runs the image of a board with an STM32F401xE in Unicorn, with strict models of peripherals.

    python -m firmware_gen.emulators.chips.stm32f4 firmware.elf board.toml

prints the path of the serial port and runs until it is stopped. RCC, GPIOA, USART2 and the flash
interface follow the reference manual RM0368. A mistake of a driver ends the run with exit code 1
and one sentence. The other parts of the chip are missing; their use is a mistake, too.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from firmware_gen.board.memory import Region
from firmware_gen.emulators.chips.bits import field
from firmware_gen.emulators.chips.chip import Peripheral, Surroundings, Uart
from firmware_gen.emulators.chips.stm32 import Gate, PortA, Usart2
from firmware_gen.emulators.chips.stm32_flash import BUSY_READS, Flash
from firmware_gen.emulators.fault import FirmwareFault
from firmware_gen.emulators.program import run_chip

SECTORS = (16, 16, 16, 16, 64, 128, 128, 128)
"""Sizes of the sectors of flash in KB (RM0368, table 5)."""
PROGRAM_S, ERASE_S = 16e-6, 0.25
"""Seconds to program a word and to erase 16 KB, at 2.7 V to 3.6 V (DS10086, flash memory)."""


class Rcc:
    """Reset and clock control (RM0368, 6.3): the core runs on HSI, 16 MHz, as after reset."""

    CR, CFGR, AHB1ENR, APB1ENR = 0x00, 0x08, 0x30, 0x40

    def __init__(self) -> None:
        self.port = Gate("GPIOA", "RCC_AHB1ENR", "GPIOAEN", 0)
        self.usart = Gate("USART2", "RCC_APB1ENR", "USART2EN", 17)
        self._values = {self.CR: 0x83, self.CFGR: 0, self.AHB1ENR: 0, self.APB1ENR: 0}

    def read(self, offset: int) -> int:
        """Return the value of the register at an offset."""
        self.port.settle()
        self.usart.settle()
        if offset not in self._values:
            raise FirmwareFault(f"it reads RCC at 0x{offset:x}, which is not modeled")
        return self._values[offset]

    def write(self, offset: int, value: int) -> None:
        """Write the register at an offset. CR and CFGR, which set the clock, must not change."""
        if offset == self.AHB1ENR:
            self.port.write(value)
        elif offset == self.APB1ENR:
            self.usart.write(value)
        elif self._values.get(offset) != value:
            raise FirmwareFault(f"it writes RCC at 0x{offset:x}, which is not modeled")
        self._values[offset] = value


class Usart(Usart2):
    """USART2 (RM0368, 19.6). Reading SR and then DR clears ORE."""

    SR, DR, BRR, CR1, CR3 = 0x00, 0x04, 0x08, 0x0C, 0x14
    UE = 13

    _saw_overrun = False

    def read(self, offset: int) -> int:
        """Return the value of the register at an offset."""
        self._gate.check()
        if offset == self.SR:
            self._saw_overrun = self._overrun
            return self._status()
        if offset == self.DR:
            byte = self._take()
            if self._saw_overrun:
                self._overrun = self._saw_overrun = False
                self.progress += 1
            return byte
        if offset == self.BRR:
            return self._divider
        return self._control[self._which(offset, "reads")]

    def write(self, offset: int, value: int) -> None:
        """Write the register at an offset."""
        self._gate.check()
        if offset == self.DR:
            self._put(value)
        elif offset == self.BRR:
            self._divider = value
        else:
            self._control[self._which(offset, "writes")] = value


class FlashInterface(Flash):
    """The flash interface (RM0368, 3.8). The core halts while flash is erased or programmed."""

    ACR, KEYR, SR, CR = 0x00, 0x04, 0x0C, 0x10
    ERASE, MASS = "SER", "MER"

    def __init__(self, world: Surroundings) -> None:
        super().__init__(world, cache=0)
        assert world.board.clock is not None
        self._clock = world.board.clock

    def _check_control(self, value: int) -> None:
        if field(value, 8, 2) == 3:
            raise FirmwareFault(
                "PSIZE of FLASH_CR is 3, which needs 8 V to 9 V at VPP; set it to 2"
            )

    def _start(self, control: int) -> None:
        sector = field(control, 3, 5)
        storage = self._world.board.storage
        assert storage is not None
        origin = 0x0800_0000 + 1024 * sum(SECTORS[:sector])
        size = 1024 * SECTORS[sector] if sector < len(SECTORS) else 0
        offset = origin - self._first
        if not (size == storage.page and 0 <= offset < self._size):
            raise FirmwareFault(
                f"it erases sector {sector}, which is not a page of [storage] in board.toml"
            )
        self._erase(offset, size)
        self._world.stall(int(ERASE_S * self._clock))

    def program(self, offset: int, size: int, value: int) -> None:
        """Store a number of `size` bytes in the flash for saves."""
        self._keys.check()
        self._check_idle()
        self._check_programs()
        width = 2 ** field(self._control, 8, 2)
        if size != width or offset % width:
            raise FirmwareFault(
                f"it stores {size} bytes to flash while PSIZE of FLASH_CR says {width}; store as"
                " many bytes as PSIZE says, at a multiple of this number"
            )
        if value & ~self._world.cells.read(offset, size):
            raise FirmwareFault(
                f"it programs bytes of flash that are not erased, at 0x{self._first + offset:08x};"
                " erase the sector first"
            )
        self._world.cells.program(offset, size, value)
        self._busy = BUSY_READS
        self._world.stall(int(PROGRAM_S * self._clock))


class Stm32f401:
    """The chip."""

    core = "cortex-m4"
    flash = Region(0x0800_0000, 0x8_0000)
    ram = Region(0x2000_0000, 0x1_8000)
    register_bytes = 0x400

    def __init__(self, world: Surroundings) -> None:
        rcc = Rcc()
        port = PortA(rcc.port, mode=0xA800_0000, pull=0x6400_0000)
        usart = Usart(rcc.usart, port, world)
        self.uart: Uart = usart
        interface = FlashInterface(world)
        self.look, self.program = interface.look, interface.program
        self.peripherals: Mapping[int, Peripheral] = {
            0x4000_4400: usart,
            0x4002_0000: port,
            0x4002_3800: rcc,
            0x4002_3C00: interface,
        }

    def alarm(self) -> None:
        """Return None: nothing raises the NMI."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a board until it is stopped; return the exit code of an error, if any."""
    return run_chip("firmware_gen.emulators.chips.stm32f4", __doc__, Stm32f401, arguments)


if __name__ == "__main__":
    sys.exit(main())
