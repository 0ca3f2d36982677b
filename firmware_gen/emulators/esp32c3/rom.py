"""The routines of an ESP32-C3's ROM that use the serial flash, at their addresses in the ROM.

The addresses are those of ESP-IDF (esp32c3.rom.ld), and ESP-IDF's header rom/spi_flash.h says what
the routines do. A routine uses the stack of its caller, and returns when flash has finished. The
routines of this module raise FirmwareFault where the ROM would only report a mistake, or not notice
it.
"""

from __future__ import annotations

from collections.abc import Callable

from firmware_gen.board.memory import Region, Storage
from firmware_gen.emulators.cells import Cells
from firmware_gen.emulators.fault import FirmwareFault

ERASE_SECTOR, WRITE, READ, CONFIG, UNLOCK = (
    0x4000_0128,
    0x4000_012C,
    0x4000_0130,
    0x4000_0134,
    0x4000_0140,
)
WORD = 4
SECTOR, BLOCK, PAGE, STATUS_MASK = 0x1000, 0x1_0000, 0x100, 0xFFFF
PIECE = 32
"""How many bytes a routine programs at once."""
ERASE_S, PIECE_S = 45e-3, 0.11e-3
"""Seconds to erase a sector, and to program a piece (W25Q16JV data sheet, 9.6, typical)."""


class FlashRoutines:
    """The routines for the flash for saves.

    `read_ram` and `write_ram` copy bytes of RAM, which is the region `ram`. `stall` lets a number
    of seconds pass.
    """

    def __init__(
        self,
        storage: Storage,
        cells: Cells,
        ram: Region,
        read_ram: Callable[[int, int], bytes],
        write_ram: Callable[[int, bytes], None],
        stall: Callable[[float], None],
    ) -> None:
        assert storage.origin is not None
        self._storage, self._cells, self._ram = storage, cells, ram
        self._first = storage.origin
        self._read_ram, self._write_ram, self._stall = read_ram, write_ram, stall
        self._size = 0
        self._unlocked = False
        self._routines: dict[int, tuple[Callable[..., None], int]] = {
            ERASE_SECTOR: (self._erase, 1),
            WRITE: (self._write, 3),
            READ: (self._read, 3),
            CONFIG: (self._configure, 6),
            UNLOCK: (self._unlock, 0),
        }

    def call(self, address: int, registers: list[int]) -> None:
        """Run the routine at an address with the contents of the registers a0 to a7.

        A routine succeeds, or raises FirmwareFault.
        """
        if address not in self._routines:
            raise FirmwareFault(
                f"it calls the routine at 0x{address:08x} of the ROM, which is not modeled"
            )
        routine, count = self._routines[address]
        routine(*registers[:count])

    def _configure(
        self, _device: int, size: int, block: int, sector: int, page: int, mask: int
    ) -> None:
        found, right = (block, sector, page, mask), (BLOCK, SECTOR, PAGE, STATUS_MASK)
        if found != right:
            raise FirmwareFault(
                f"it tells the ROM blocks, sectors, pages and a mask of {_hex(found)}, but the"
                f" flash has {_hex(right)}"
            )
        self._size = size

    def _unlock(self) -> None:
        self._require_size()
        self._unlocked = True

    def _erase(self, sector: int) -> None:
        self._require_unlocked("erases")
        offset = sector * SECTOR - self._first
        if not 0 <= offset < self._storage.size:
            raise FirmwareFault(
                f"it erases sector {sector} of flash, which is not in [storage] of board.toml; the"
                " routine takes the number of a sector"
            )
        self._require_room(sector * SECTOR, SECTOR)
        self._cells.erase(offset, SECTOR)
        self._stall(ERASE_S)

    def _write(self, target: int, source: int, count: int) -> None:
        self._require_unlocked("programs")
        self._require_words("programs", target, source, count)
        content = self._read_ram(source, count)
        for at in range(0, count, PIECE):
            piece = content[at : at + PIECE]
            self._program(target - self._first + at, piece)
            self._stall(PIECE_S)

    def _program(self, offset: int, piece: bytes) -> None:
        for at in range(0, len(piece), WORD):
            value = int.from_bytes(piece[at : at + WORD], "little")
            if value & ~self._cells.read(offset + at, WORD):
                raise FirmwareFault(
                    "it programs bytes of flash that are not erased, at"
                    f" 0x{self._first + offset + at:08x}; erase the sector first"
                )
            self._cells.program(offset + at, WORD, value)

    def _read(self, source: int, target: int, count: int) -> None:
        self._require_size()
        self._require_words("reads", source, target, count)
        value = self._cells.read(source - self._first, count)
        self._write_ram(target, value.to_bytes(count, "little"))

    def _require_size(self) -> None:
        if not self._size:
            raise FirmwareFault(
                "it uses flash before the ROM knows its size; call esp_rom_spiflash_config_param"
                " first"
            )

    def _require_unlocked(self, verb: str) -> None:
        self._require_size()
        if not self._unlocked:
            raise FirmwareFault(
                f"it {verb} flash that may be protected; call esp_rom_spiflash_unlock first"
            )

    def _require_room(self, at: int, count: int) -> None:
        if at + count > self._size:
            raise FirmwareFault(
                f"it uses flash at 0x{at:08x}, but told the ROM that flash has 0x{self._size:x}"
                " bytes"
            )

    def _require_words(self, verb: str, at: int, address: int, count: int) -> None:
        """Raise FirmwareFault unless flash and RAM have these bytes, in whole words."""
        if at % WORD or address % WORD or count % WORD:
            raise FirmwareFault(
                f"it {verb} {count} bytes of flash at 0x{at:08x} with the address 0x{address:08x};"
                " the routine of the ROM takes whole words, at multiples of 4"
            )
        if not self._ram.holds(address, count):
            raise FirmwareFault(
                f"it {verb} flash with the {count} bytes at 0x{address:08x}, which are not in RAM"
            )
        if not self._first <= at <= self._first + self._storage.size - count:
            raise FirmwareFault(
                f"it {verb} {count} bytes of flash at 0x{at:08x}, outside [storage] of board.toml"
            )
        self._require_room(at, count)


def _hex(numbers: tuple[int, ...]) -> str:
    return ", ".join(f"0x{number:x}" for number in numbers)
