"""The interface between a core and the chip around it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from firmware_gen.board.board import Board
from firmware_gen.board.memory import Region
from firmware_gen.emulators.cells import Cells


class Peripheral(Protocol):
    """Registers, each of four bytes. A method raises FirmwareFault for a mistake of the driver."""

    def read(self, offset: int) -> int:
        """Return the value of the register at an offset in bytes."""
        ...

    def write(self, offset: int, value: int) -> None:
        """Write the register at an offset in bytes."""
        ...


class Uart(Protocol):
    """The part of a chip's UART that its core must know.

    `progress` grows when the firmware clears a flag that requests the interrupt.
    """

    progress: int

    def request(self) -> str | None:
        """Return the flags that request the interrupt now, or None."""
        ...

    def deaf(self) -> str | None:
        """Return the reason why a byte on the line would not request the interrupt, or None."""
        ...

    def receives(self) -> bool:
        """Tell whether the receiver is on."""
        ...

    def receive(self, byte: int) -> None:
        """Take a byte whose last bit has just arrived; it is lost if the receiver is off."""
        ...


class Chip(Protocol):
    """The parts of a microcontroller around its core.

    `core` is the name of the core, as in board.toml. `flash` is the whole flash, which begins with
    the vector table. `peripherals` are groups of registers, by the address of the group; each group
    has `register_bytes` bytes.
    """

    core: str
    flash: Region
    ram: Region
    register_bytes: int
    peripherals: Mapping[int, Peripheral]
    uart: Uart

    def alarm(self) -> str | None:
        """Return what raises the NMI now, or None."""
        ...

    def look(self, offset: int, size: int) -> int:
        """Return `size` bytes of the flash for saves, as a little-endian number."""
        ...

    def program(self, offset: int, size: int, value: int) -> None:
        """Store a number of `size` bytes in the flash for saves."""
        ...


@dataclass(frozen=True)
class Surroundings:
    """The parts of an emulated board that a chip's peripherals use.

    `board` describes the board, and `cells` are its flash for saves. `send` puts a byte on the
    line. `stall` halts the core for some clock cycles. `handling` tells whether the core is in a
    handler.
    """

    board: Board
    cells: Cells
    send: Callable[[int], None]
    stall: Callable[[int], None]
    handling: Callable[[], bool]


MakeChip = Callable[[Surroundings], Chip]
