"""Passes each access to the peripheral or the interrupt controller that has the register."""

from __future__ import annotations

from collections.abc import Mapping

from firmware_gen.emulators.chips.bits import bit, flag
from firmware_gen.emulators.chips.chip import Peripheral
from firmware_gen.emulators.fault import FirmwareFault

PAGE = 0x1000
"""Bytes of a page, the unit in which an emulator maps memory."""
SYSTEM_CONTROL = 0xE000_E000
NVIC_ENABLE, NVIC_DISABLE, NVIC_CLEAR_PENDING = 0x100, 0x180, 0x280
NVIC_BYTES = 0x20
"""Bytes of each group of registers of the interrupt controller in the system control space."""


class Bus:
    """The registers of the interrupt controller and of the peripherals.

    `peripherals` are groups of registers, by the address of the group; each group has `size` bytes.
    `nvic` is None if the core has no such interrupt controller.
    """

    def __init__(
        self, peripherals: Mapping[int, Peripheral], size: int, nvic: Nvic | None = None
    ) -> None:
        self._places = [(start, size, peripheral) for start, peripheral in peripherals.items()]
        if nvic is not None:
            self._places.append((SYSTEM_CONTROL, PAGE, nvic))

    def add(self, start: int, size: int, peripheral: Peripheral) -> None:
        """Add a group of registers within a mapped page; it hides what was there."""
        self._places.insert(0, (start, size, peripheral))

    def pages(self) -> list[int]:
        """Return the addresses of the pages with registers."""
        return sorted({start // PAGE * PAGE for start, _, _ in self._places})

    def read(self, address: int, size: int) -> int:
        """Read `size` bytes at an address."""
        peripheral, offset = self._find(address, size, "reads")
        return peripheral.read(offset)

    def write(self, address: int, size: int, value: int) -> None:
        """Write `size` bytes at an address."""
        peripheral, offset = self._find(address, size, "writes")
        peripheral.write(offset, value)

    def _find(self, address: int, size: int, verb: str) -> tuple[Peripheral, int]:
        if size != 4 or address % 4:
            raise FirmwareFault(
                f"it {verb} {size} bytes at 0x{address:08x}; a register takes 4 bytes"
            )
        for start, length, peripheral in self._places:
            if start <= address < start + length:
                return peripheral, address - start
        raise FirmwareFault(f"it {verb} the register 0x{address:08x}, which is not modeled")


class Nvic:
    """The interrupt controller (Armv7-M ARM, B3.4). `enabled` are the enabled interrupts."""

    def __init__(self) -> None:
        self.enabled: set[int] = set()

    def read(self, offset: int) -> int:
        """Return the value of the register at an offset."""
        for group in (NVIC_ENABLE, NVIC_DISABLE):
            if group <= offset < group + NVIC_BYTES:
                first = (offset - group) * 8
                return sum(flag(number, first + number in self.enabled) for number in range(32))
        raise self._unknown("reads", offset)

    def write(self, offset: int, value: int) -> None:
        """Write the register at an offset."""
        for group in (NVIC_ENABLE, NVIC_DISABLE, NVIC_CLEAR_PENDING):
            if group <= offset < group + NVIC_BYTES:
                first = (offset - group) * 8
                numbers = {first + number for number in range(32) if bit(value, number)}
                if group == NVIC_ENABLE:
                    self.enabled |= numbers
                elif group == NVIC_DISABLE:
                    self.enabled -= numbers
                return
        raise self._unknown("writes", offset)

    def _unknown(self, verb: str, offset: int) -> FirmwareFault:
        return FirmwareFault(
            f"it {verb} the system register 0x{SYSTEM_CONTROL + offset:08x}, which is not modeled"
        )
