"""The serial line of an emulated UART, timed by the core's clock: a byte takes ten bit times.

A host does not know how long a board takes to start, so its bytes wait on the wire until the
receiver is on for the first time. Later bytes arrive whether or not the receiver is on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from firmware_gen.emulators.wire import Line

BITS_PER_BYTE = 10
OUTPUT_LIMIT = 512
"""Output is sent when this many bytes are buffered, even if the firmware sends without a pause."""
PIECE = 256
"""The most bytes that are taken from the wire at once."""


class TimedLine:
    """A line at `baud` between a wire and a core with a clock of `clock` hertz.

    Attributes:
        byte_cycles: clock cycles that a byte takes.
    """

    def __init__(self, wire: Line, clock: int, baud: int) -> None:
        self.byte_cycles = BITS_PER_BYTE * clock // baud
        self._wire = wire
        self._input: deque[int] = deque()
        self._output = bytearray()
        self._before = 0  # bytes of output at the last byte time
        self._begun = False  # whether the receiver has been on
        self._passed = 0.0

    def send(self, byte: int) -> None:
        """Take a byte that the firmware sends."""
        self._output.append(byte & 0xFF)

    def flush(self) -> None:
        """Write to the wire all bytes that the firmware has sent."""
        data = bytes(self._output)
        self._output.clear()
        if data:
            self._wire.write(data)

    def idle(self) -> bool:
        """Tell whether no byte is on its way to the firmware."""
        return not self._input and not self._wire.ready()

    def wait(self) -> bool:
        """Wait for a byte while the receiver is on; return False if the wire is gone."""
        self._begun = True
        self.flush()
        if not self._input:
            self._input += self._wire.read(PIECE)
        return bool(self._input)

    def take(self, receives: Callable[[], bool]) -> int | None:
        """Return the next byte for the firmware; None if none has arrived.

        `receives` tells whether the receiver is on now.
        """
        # A write may wake the program at the port, so bytes are written when the firmware pauses.
        if len(self._output) == self._before or len(self._output) >= OUTPUT_LIMIT:
            self.flush()
        self._before = len(self._output)
        if not self._begun:  # the first byte takes its whole time after the receiver is on
            self._begun = receives()
            return None
        if not self._input and self._wire.ready():
            self._input += self._wire.read(PIECE)
        return self._input.popleft() if self._input else None

    def stall(self, cycles: float, arrive: Callable[[], None]) -> None:
        """Let time pass while the core halts; call `arrive` per byte time until no byte waits."""
        self._passed += cycles
        while self._passed >= self.byte_cycles:
            self._passed -= self.byte_cycles
            arrive()
            if not self._input:
                self._passed %= self.byte_cycles
