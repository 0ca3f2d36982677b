"""The interface between a core and the chip around it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from firmware_gen.board import Board, Region
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

    def receive(self, byte: int) -> None:
        """Take a byte from the line; it is complete now."""
        ...


class Chip(Protocol):
    """A microcontroller around the core.

    `flash` is all its flash; the vector table is at its start. `peripherals` are its registers by
    address, `register_bytes` the size of each group of them.
    """

    flash: Region
    ram: Region
    register_bytes: int
    peripherals: Mapping[int, Peripheral]
    uart: Uart

    def look(self, offset: int, size: int) -> int:
        """Return bytes of the flash for saves."""
        ...

    def program(self, offset: int, size: int, value: int) -> None:
        """Store to the flash for saves."""
        ...


@dataclass(frozen=True)
class Surroundings:
    """What a chip's peripherals can use outside of themselves.

    `board` describes the board, and `cells` are its flash for saves. `send` puts a byte on the
    line. `stall` lets the core stand still for some clock cycles. `handling` tells whether the core
    is in the interrupt handler.
    """

    board: Board
    cells: Cells
    send: Callable[[int], None]
    stall: Callable[[int], None]
    handling: Callable[[], bool]


MakeChip = Callable[[Surroundings], Chip]
