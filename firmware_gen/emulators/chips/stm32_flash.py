"""What the STM32 families share of their flash: keys, the data cache, and the control register."""

from __future__ import annotations

from abc import ABC, abstractmethod

from firmware_gen.emulators.chips.bits import bit, field, flag
from firmware_gen.emulators.chips.chip import Surroundings
from firmware_gen.emulators.fault import FirmwareFault

BUSY_READS = 2
"""For how many reads of a status register an operation lasts; not a measure of time."""


class Keys:
    """Unlocks FLASH_CR after two keys in the right order."""

    KEYS = (0x4567_0123, 0xCDEF_89AB)

    def __init__(self) -> None:
        self.locked = True
        self._given = 0

    def write(self, key: int) -> None:
        """Write FLASH_KEYR; raise FirmwareFault for a wrong key, or if flash is unlocked."""
        if not self.locked or key != self.KEYS[self._given]:
            raise FirmwareFault(
                f"it writes 0x{key:08X} to FLASH_KEYR, which locks flash until the next reset;"
                " while LOCK is 1, write 0x45670123 and then 0xCDEF89AB"
            )
        self._given += 1
        if self._given == len(self.KEYS):
            self.locked, self._given = False, 0

    def check(self) -> None:
        """Raise FirmwareFault if FLASH_CR is locked."""
        if self.locked:
            raise FirmwareFault(
                "it uses flash while LOCK of FLASH_CR is 1; write the two keys to FLASH_KEYR first"
            )


class DataCache:
    """The data cache in front of flash, of unlimited size, controlled by FLASH_ACR.

    An erase does not change what the cache holds.
    """

    DCEN, DCRST = 10, 12
    LINE = 16

    def __init__(self, reset: int) -> None:
        self.control = reset
        self._lines: set[int] = set()
        self._stale: set[int] = set()

    def write(self, value: int) -> None:
        """Write FLASH_ACR."""
        if bit(value, self.DCRST):
            if bit(value, self.DCEN) or bit(self.control, self.DCEN):
                raise FirmwareFault(
                    "it flushes the data cache while it is on; clear DCEN in FLASH_ACR first"
                )
            self._lines.clear()
            self._stale.clear()
        self.control = value

    def look(self, offset: int) -> None:
        """Note a read; raise FirmwareFault if the cache holds bytes from before a change."""
        line = offset // self.LINE
        if not bit(self.control, self.DCEN):
            return
        if line in self._stale:
            raise FirmwareFault(
                "it reads what the data cache held before the erase; flush the cache after an"
                " erase: clear DCEN in FLASH_ACR, set DCRST, clear DCRST, set DCEN"
            )
        self._lines.add(line)

    def erase(self, offset: int, size: int) -> None:
        """Note an erase or a write of bytes; cached lines with some of them become stale."""
        lines = range(offset // self.LINE, (offset + size - 1) // self.LINE + 1)
        self._stale |= self._lines.intersection(lines)


class Flash(ABC):
    """The part of the flash interface that is the same in all families; a family adds its rules.

    `ERASE` is the family's name of bit 1 of FLASH_CR, which erases one unit (a sector or a page).
    `MASS` is its name of bit 2, which erases more.
    """

    ACR: int
    KEYR: int
    SR: int
    CR: int
    ERASE: str
    MASS: str
    PG, ERASES, STRT, LOCK, BSY = 0, 1, 16, 31, 16

    def __init__(self, world: Surroundings, cache: int) -> None:
        storage = world.board.storage
        assert storage is not None and storage.origin is not None
        self._world, self._first, self._size = world, storage.origin, storage.size
        self._cache, self._keys = DataCache(cache), Keys()
        self._control = self._status = self._busy = 0

    @abstractmethod
    def _start(self, control: int) -> None:
        """Erase what this value of FLASH_CR selects."""

    def _check_control(self, value: int) -> None:  # noqa: B027 (not every family has a rule)
        """Raise FirmwareFault for a value of FLASH_CR that the family forbids."""

    def read(self, offset: int) -> int:
        """Return the value of the register at an offset."""
        if offset == self.ACR:
            return self._cache.control
        if offset == self.SR:
            busy = self._busy > 0
            self._busy -= busy
            return self._status | flag(self.BSY, busy)
        if offset == self.CR:
            return self._control | flag(self.LOCK, self._keys.locked)
        raise FirmwareFault(f"it reads the flash interface at 0x{offset:x}, which is not modeled")

    def write(self, offset: int, value: int) -> None:
        """Write the register at an offset."""
        if offset == self.ACR:
            self._cache.write(value)
        elif offset == self.KEYR:
            self._keys.write(value)
        elif offset == self.SR:
            self._status &= ~value
        elif offset == self.CR:
            self._write_control(value)
        else:
            raise FirmwareFault(
                f"it writes the flash interface at 0x{offset:x}, which is not modeled"
            )

    def _write_control(self, value: int) -> None:
        self._keys.check()
        self._check_idle()
        self._control = value & ~(flag(self.STRT) | flag(self.LOCK))
        self._keys.locked = bit(value, self.LOCK)
        self._check_control(value)
        if bit(value, self.STRT):
            if field(value, 0, 3) != flag(self.ERASES):
                raise FirmwareFault(
                    f"it sets STRT in FLASH_CR for another operation than {self.ERASE}; of PG,"
                    f" {self.ERASE} and {self.MASS}, set only {self.ERASE}"
                )
            self._start(value)

    def _check_idle(self) -> None:
        if self._busy:
            raise FirmwareFault("it uses flash while BSY of FLASH_SR is 1; wait until BSY is 0")

    def _check_programs(self) -> None:
        """Raise FirmwareFault unless FLASH_CR selects programming."""
        if not bit(self._control, self.PG) or bit(self._control, self.ERASES):
            raise FirmwareFault(
                f"it stores to flash without PG in FLASH_CR; set PG, and clear {self.ERASE}"
            )

    def _erase(self, offset: int, size: int) -> None:
        self._cache.erase(offset, size)
        self._world.cells.erase(offset, size)
        self._busy = BUSY_READS

    def look(self, offset: int, size: int) -> int:
        """Return `size` bytes of the flash for saves, as a little-endian number."""
        self._cache.look(offset)
        return self._world.cells.read(offset, size)
