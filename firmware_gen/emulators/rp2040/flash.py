"""The serial flash of a Pico, behind the SSI and the cache of its RP2040 (data sheet, 2.6, 4.10).

The flash is a W25Q16JV. The bytes of its last part, [storage] of board.toml, are in `Cells`. The
firmware can read flash as memory only while the SSI translates reads into the command 03h. It
erases and programs flash only by commands, which the routines of the ROM send.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from firmware_gen.board.memory import Storage
from firmware_gen.emulators.cells import Cells
from firmware_gen.emulators.chips.bits import bit, flag
from firmware_gen.emulators.fault import FirmwareFault
from firmware_gen.emulators.rp2040.clocks import Clocks, unknown

ORIGIN, SIZE = 0x1000_0000, 0x20_0000
SECTOR, PAGE = 4096, 256
PROGRAM_S, ERASE_S = 0.4e-3, 45e-3
"""Typical seconds to program a page and to erase a sector (W25Q16JV data sheet, 9.6)."""
FASTEST_READ = 50_000_000
"""Hertz up to which the command 03h works (W25Q16JV data sheet, 9.6)."""
LOADS = 4
"""How many times the ROM tries to load the second stage of the boot: once for each clock phase."""
BUSY_READS = 2
"""For how many reads of its status an operation lasts; not a measure of time."""


class SerialFlash:
    """The flash chip. `content` is the whole flash as the core reads it.

    `stall` lets a number of seconds pass. `worked` tells whether the flash has changed since the
    last flush of the cache, which may then have old bytes.
    """

    WRITE_ENABLE, STATUS, READ, PROGRAM, ERASE = 0x06, 0x05, 0x03, 0x02, 0x20
    BUSY, ENABLED = 0, 1

    def __init__(
        self,
        content: memoryview,
        storage: Storage,
        cells: Cells,
        stall: Callable[[float], None],
    ) -> None:
        assert storage.origin is not None
        self.worked = False
        self._content, self._storage, self._cells, self._stall = content, storage, cells, stall
        self._first = storage.origin - ORIGIN
        self._command = bytearray()
        self._enabled = False
        self._busy = self._loads = 0
        self._show(0, storage.size)

    def exchange(self, byte: int) -> int:
        """Take a byte of a command, and return the byte that the chip sends meanwhile."""
        self._command.append(byte)
        command, count = self._command[0], len(self._command)
        if self._busy and command != self.STATUS:
            raise FirmwareFault(
                "it sends a command to flash while flash is busy; wait until BUSY is 0"
            )
        if command == self.STATUS and count > 1:
            self._busy -= self._busy > 0
            return flag(self.BUSY, self._busy > 0) | flag(self.ENABLED, self._enabled)
        if command == self.READ and count > 4:
            return self._content[(self._address() + count - 5) % SIZE]
        return 0xFF

    def deselect(self) -> None:
        """Carry out the command whose last byte has been sent."""
        command, count = self._command[0] if self._command else None, len(self._command)
        if command == self.WRITE_ENABLE:
            self._enabled = True
        elif command == self.READ:
            self._loads += 1
            if self._loads > LOADS:
                raise FirmwareFault(
                    "the ROM does not start the image, because the CRC-32 of the first 256 bytes of"
                    " flash is wrong; correct it in boot2.S"
                )
        elif command == self.ERASE and count == 4:
            self._erase(self._address() - self._first)
        elif command == self.PROGRAM and count > 4:
            self._program(self._address() - self._first, bytes(self._command[4:]))
        self._command.clear()

    def _address(self) -> int:
        return int.from_bytes(self._command[1:4], "big")

    def _erase(self, offset: int) -> None:
        if offset % self._storage.page or not 0 <= offset < self._storage.size:
            raise FirmwareFault(
                f"it erases the sector at 0x{ORIGIN + self._first + offset:08x}, which is not the"
                " start of a page of [storage] in board.toml"
            )
        self._cells.erase(offset, SECTOR)
        self._finish(offset, SECTOR, ERASE_S)

    def _program(self, offset: int, data: bytes) -> None:
        address, size = ORIGIN + self._first + offset, len(data)
        if not 0 <= offset <= self._storage.size - size:
            raise FirmwareFault(
                f"it programs {size} bytes at 0x{address:08x}, outside [storage] in board.toml"
            )
        if offset % PAGE + size > PAGE:
            raise FirmwareFault(
                f"it programs {size} bytes at 0x{address:08x}, which is not within a page of 256"
                " bytes; start at a multiple of 256"
            )
        value = int.from_bytes(data, "little")
        old = self._cells.read(offset, size)
        # A byte of 0xFF programs nothing, so its place need not be erased.
        asked = int.from_bytes(bytes(0 if byte == 0xFF else 0xFF for byte in data), "little")
        if value & ~old & asked:
            raise FirmwareFault(
                f"it programs bytes of flash that are not erased, in the page at 0x{address:08x};"
                " erase the sector first"
            )
        self._cells.program(offset, size, value)
        self._finish(offset, size, PROGRAM_S)

    def _finish(self, offset: int, size: int, seconds: float) -> None:
        if not self._enabled:
            raise FirmwareFault(
                "it erases or programs flash without the command 06h; send this command first"
            )
        self._show(offset, size)
        self._enabled, self._busy, self.worked = False, BUSY_READS, True
        self._stall(seconds)

    def _show(self, offset: int, size: int) -> None:
        """Copy bytes of the cells to `content`, where the core reads them."""
        start = self._first + offset
        self._content[start : start + size] = self._cells.read(offset, size).to_bytes(
            size, "little"
        )


class Ssi:
    """XIP_SSI, the serial interface. It tells `switched` whether the core can read flash."""

    CTRLR0, CTRLR1, SSIENR, SER, BAUDR = 0x00, 0x04, 0x08, 0x10, 0x14
    TXFLR, RXFLR, SR, ICR, DR0, SPI_CTRLR0 = 0x20, 0x24, 0x28, 0x48, 0x60, 0xF4
    SERIAL_READ = (0x001F_0300, 0x0300_0218)
    """CTRLR0 and SPI_CTRLR0 for reads by the command 03h; the clock's phase may differ."""
    PHASE = 0xC0

    def __init__(
        self, flash: SerialFlash, clocks: Clocks, switched: Callable[[bool], None]
    ) -> None:
        self._flash, self._clocks, self._switched = flash, clocks, switched
        self._values = {self.CTRLR0: 0, self.CTRLR1: 0, self.SSIENR: 0, self.SER: 0, self.BAUDR: 0}
        self._values |= {self.SPI_CTRLR0: 0x0300_0000}
        self._received: deque[int] = deque()
        self.selected = False

    def read(self, offset: int) -> int:
        """Return the value of the register at an offset."""
        if offset == self.RXFLR:
            return len(self._received)
        if offset in (self.TXFLR, self.ICR):
            return 0
        if offset == self.SR:
            return 0x6 | flag(3, bool(self._received))
        if offset == self.DR0:
            return self._received.popleft() if self._received else 0
        if offset in self._values:
            return self._values[offset]
        raise unknown("reads", "XIP_SSI", offset)

    def write(self, offset: int, value: int) -> None:
        """Write the register at an offset."""
        if offset == self.DR0:
            self._received.append(self._flash.exchange(value & 0xFF) if self.selected else 0xFF)
            return
        if offset not in self._values:
            raise unknown("writes", "XIP_SSI", offset)
        if bit(self._values[self.SSIENR], 0) and offset not in (self.SSIENR, self.SER):
            raise FirmwareFault(
                f"it writes XIP_SSI at 0x{offset:x} while the SSI is on; write 0 to SSIENR first"
            )
        self._values[offset] = value
        if offset == self.SSIENR:
            self._received.clear()
            self._switched(self._reads())

    def select(self, selected: bool) -> None:
        """Note whether software selects the flash chip."""
        if self.selected and not selected:
            self._flash.deselect()
        self.selected = selected

    def check(self) -> None:
        """Raise FirmwareFault unless the core may read flash now."""
        divider = self._values[self.BAUDR]
        if divider < 2 or self._clocks.system() / divider > FASTEST_READ:
            raise FirmwareFault(
                f"the SSI reads flash with its clock divided by {divider}, but the command 03h"
                " works up to 50 MHz; write a larger, even divider to BAUDR"
            )
        if self._flash.worked:
            raise FirmwareFault(
                "it reads flash after an erase or a write, but the cache still has the old bytes;"
                " call flash_flush_cache of the ROM first"
            )

    def _reads(self) -> bool:
        """Tell whether the SSI translates the core's reads into commands."""
        found = (self._values[self.CTRLR0] & ~self.PHASE, self._values[self.SPI_CTRLR0])
        return bit(self._values[self.SSIENR], 0) and found == self.SERIAL_READ


class Cache:
    """XIP_CTRL: flushes the cache, which does not see what the SSI's commands change."""

    CTRL, FLUSH = 0x0, 0x4

    def __init__(self, flash: SerialFlash) -> None:
        self._flash = flash
        self._control = 3

    def read(self, offset: int) -> int:
        """Return the value of the register at an offset."""
        if offset == self.CTRL:
            return self._control
        if offset == self.FLUSH:
            return 0
        raise unknown("reads", "XIP_CTRL", offset)

    def write(self, offset: int, value: int) -> None:
        """Write the register at an offset."""
        if offset == self.CTRL:
            self._control = value
        elif offset == self.FLUSH:
            self._flash.worked = False
        else:
            raise unknown("writes", "XIP_CTRL", offset)
