"""The memories of a board: flash, RAM, and non-volatile memory for saves."""

from __future__ import annotations

from dataclasses import dataclass

SAVE_OVERHEAD = 36
"""Bytes of a save in addition to the state: its header and its CRC (runtime/ska_journal.h)."""
LARGEST_SLOT = 254
"""Maximum saves between two erases of a slot: runtime/ska_journal.c keeps the number of a save in
its slot in one byte.
"""
STORAGE_UNITS = (1, 2, 4, 8, 16, 32)
"""Allowed sizes of a write in bytes; each divides the 32 bytes of a save's header."""
LONGEST_INTERVAL = 3600  # seconds; at any baud rate, the count of bytes in this time fits 32 bits


@dataclass(frozen=True)
class Region:
    """A range of memory: its first address, and its size in bytes."""

    origin: int
    size: int

    def holds(self, address: int, size: int = 1) -> bool:
        """Tell whether all `size` bytes from `address` on are in this memory."""
        return self.origin <= address and address + size <= self.origin + self.size


@dataclass(frozen=True)
class Memory:
    """The two memories of a microcontroller."""

    flash: Region
    ram: Region


@dataclass(frozen=True)
class Storage:
    """Non-volatile memory for saves of the state.

    `source` is its driver (see runtime/ska_storage.h). `size` is its size in bytes. `page` is the
    number of bytes that one erase clears; with 1, bytes are overwritten without an erase. `unit` is
    the number of bytes that one write programs. `wear` is the number of erases that a page endures,
    from the data sheet. `origin` is the address of its first byte, if it has an address. `ram` is
    the number of bytes of RAM that the driver needs, including code that runs from RAM.

    A device makes at most `save_budget` saves in a row (0: no limit). Each `save_interval` seconds
    in which bytes arrive without a pause allow one more save.
    """

    source: str
    size: int
    page: int
    unit: int
    wear: int
    origin: int | None = None
    ram: int = 0
    save_budget: int = 200
    save_interval: int = 30

    def holds(self, state_bytes: int) -> bool:
        """Tell whether each half of the memory, in whole pages, holds a save of such a state."""
        return SAVE_OVERHEAD + state_bytes <= self.size // 2 // self.page * self.page

    def saves_per_erase(self, state_bytes: int) -> int:
        """Return the number of saves that a slot holds. The pages of a slot are erased together."""
        record = -(-(SAVE_OVERHEAD + state_bytes) // self.unit) * self.unit
        pages = -(-record // self.page)
        return min(pages * self.page // record, LARGEST_SLOT)

    def endurance(self, state_bytes: int) -> int:
        """Return the number of saves that the memory endures, in its two slots.

        The second slot begins with the first slot's count of erases (runtime/ska_journal.c), so it
        has one erase less.
        """
        return (2 * self.wear - 1) * self.saves_per_erase(state_bytes)

    def fault(self, memory: Memory | None) -> str | None:
        """Return what is wrong with the values on a board with this memory, or None."""
        if self.unit not in STORAGE_UNITS:
            return f"[storage] unit must be one of {', '.join(map(str, STORAGE_UNITS))}"
        if self.page < 1 or self.page % self.unit:
            return "[storage] page must be a multiple of its unit"
        if self.size < 2 * self.page or self.size % self.page:
            return "[storage] size must be a whole number of pages, two or more"
        if not 0 <= self.save_budget < 256:
            return "[storage] save_budget must be 0 to 255 saves"
        if not 1 <= self.save_interval <= LONGEST_INTERVAL:
            return f"[storage] save_interval must be 1 to {LONGEST_INTERVAL} seconds"
        if not 1 <= self.wear < 2**32:
            return "[storage] wear must be 1 erase or more, and must fit 32 bits"
        if self.origin is not None and memory is not None:
            for name, region in (("flash", memory.flash), ("ram", memory.ram)):
                if region.origin < self.origin + self.size and (
                    self.origin < region.origin + region.size
                ):
                    return f"[storage] overlaps {name} of [memory], which the image may fill"
        return None
