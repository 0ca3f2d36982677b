"""Describes the counter of a board, with which an image measures itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Counter:
    """The counter of a board.

    `source` is the C file that defines `ska_board_counter` (see ska_board.h). The counter has
    `bits` bits, counts up and wraps. `ticks * per_tick[0] / per_tick[1]` converts its ticks to
    `unit`. `arguments` are appended to the start command while the board is measured.
    """

    source: str
    bits: int
    unit: Literal["instructions", "cycles"]
    per_tick: tuple[int, int]
    arguments: tuple[str, ...] = ()

    def units(self, ticks: int) -> float:
        """Convert the difference between two readings to units."""
        return ticks * self.per_tick[0] / self.per_tick[1]

    def fault(self) -> str | None:
        """Return what is wrong with the values of this object, or None."""
        if 8 <= self.bits <= 32 and min(self.per_tick) > 0:
            return None
        return "a counter has 8 to 32 bits, and per_tick has two numbers above 0"
