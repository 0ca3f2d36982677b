"""Describes the supply of a board's core."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Power:
    """The typical supply of the running core, from a data sheet.

    The core takes `milliamperes` at `volts` and at a clock of `clock` hertz. `source` names the
    data sheet and its table.
    """

    volts: float
    milliamperes: float
    clock: int
    source: str

    def microjoules(self, cycles: float) -> float:
        """Return the energy of `cycles` cycles in microjoules. It hardly depends on the clock."""
        return self.volts * self.milliamperes * 1e3 / self.clock * cycles

    def fault(self) -> str | None:
        """Return what is wrong with the values of this object, or None."""
        values = (self.volts, self.milliamperes, self.clock)
        if all(0 < each < math.inf for each in values):
            return None
        return "volts, milliamperes and clock of [power] must be above 0"
