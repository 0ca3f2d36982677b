"""The base class of cores in Unicorn: it passes accesses to a bus, and ends a run at a fault."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from firmware_gen.emulators.cells import PowerFailure
from firmware_gen.emulators.chips.bus import PAGE, Bus
from firmware_gen.emulators.fault import FirmwareFault
from firmware_gen.emulators.timed_line import TimedLine


class UnicornCore(ABC):
    """A core that runs until the wire is gone or the firmware breaks a rule of the chip.

    Attributes:
        unicorn: the engine.
    """

    unicorn: Any
    _bus: Bus
    _line: TimedLine
    _ending: Exception | None = None

    def run(self) -> None:
        """Run until the wire is gone.

        Raises:
            FirmwareFault: the firmware broke a rule of the chip; the sentence names rule and place.
            PowerFailure: the power failure that was planned in the cells has occurred.
        """
        try:
            while self._step():
                pass
        except FirmwareFault as fault:
            raise FirmwareFault(f"the firmware failed at {self._place()}: {fault}") from None
        finally:
            self._line.flush()

    @abstractmethod
    def _step(self) -> bool:
        """Run for a byte's time or less; return False if the wire is gone."""

    @abstractmethod
    def _place(self) -> str:
        """Return the place of the current instruction."""

    def _map_page(self, page: int) -> None:
        def read(_engine: Any, offset: int, size: int, _data: Any) -> int:
            return self._guarded(lambda: self._bus.read(page + offset, size))

        def write(_engine: Any, offset: int, size: int, value: int, _data: Any) -> None:
            self._guarded(lambda: self._bus.write(page + offset, size, value))

        self.unicorn.mmio_map(page, PAGE, read, None, write, None)

    def _guarded(self, act: Callable[[], int | None]) -> int:
        """Call `act` for a callback of the core; a mistake or a power failure ends the run."""
        try:
            return act() or 0
        except (FirmwareFault, PowerFailure) as ending:
            return self._end(ending)

    def _end(self, reason: Exception) -> int:
        """Stop the core and record the first reason; return 0, the result of a failed read.

        An exception would not work: unicorn only prints an exception of a callback that returns a
        number.
        """
        if self._ending is None:
            self._ending = reason
        self.unicorn.emu_stop()
        return 0
