"""UART0 of an ESP32-C3 and its pins (Technical Reference Manual, chapters UART and IO MUX)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from firmware_gen.emulators.chips.bits import bit, field, flag
from firmware_gen.emulators.esp32c3.watchdogs import unknown
from firmware_gen.emulators.fault import FirmwareFault

FIFO_BYTES = 128
TOLERANCE = 0.025
"""Largest relative error of the line's speed, as in ska_baud.h."""
XTAL, BUS_CLOCK = 40_000_000, 20_000_000
"""Hertz of the crystal, and of the clock of the peripherals' bus as the ROM leaves it."""
WAITING_READS = 8
"""After so many reads of the status without another access, the firmware counts as waiting."""


SETTINGS = {0x14: "UART_CLKDIV", 0x20: "UART_CONF0", 0x78: "UART_CLK_CONF"}
"""Registers that may change only while the UART does not send."""


class Pins:
    """IO MUX: the functions of the pins GPIO20 (U0RXD) and GPIO21 (U0TXD)."""

    RX, TX = 0x54, 0x58
    INPUT, FUNCTION = 9, 12

    def __init__(self) -> None:
        self._values = {self.RX: flag(self.INPUT), self.TX: flag(11)}  # as the ROM leaves them

    def read(self, offset: int) -> int:
        """Return the value of the register at an offset."""
        if offset not in self._values:
            raise unknown("reads", "IO_MUX", offset)
        return self._values[offset]

    def write(self, offset: int, value: int) -> None:
        """Write the register at an offset."""
        if offset not in self._values:
            raise unknown("writes", "IO_MUX", offset)
        self._values[offset] = value

    def check(self, offset: int) -> None:
        """Raise FirmwareFault unless the pin at an offset is connected to the UART."""
        name = "GPIO21" if offset == self.TX else "GPIO20"
        function = field(self._values[offset], self.FUNCTION, 3)
        if function:
            raise FirmwareFault(
                f"pin {name} has function {function} instead of 0, the UART; write 0 to MCU_SEL of"
                f" IO_MUX_{name}"
            )
        if offset == self.RX and not bit(self._values[offset], self.INPUT):
            raise FirmwareFault(f"pin {name} is not an input; set FUN_IE of IO_MUX_{name}")


class Uart:
    """UART0, as the ROM leaves it: 8 data bits, 115,200 baud, and the ROM's text on its way.

    `send` puts a byte on the line. `unsent` is the number of bytes that the ROM has yet to send.
    `skip` ends the time of the current byte, because the firmware only waits for a change.
    """

    FIFO, CLKDIV, STATUS, CONF0, FSM_STATUS, CLK_CONF = 0x00, 0x14, 0x1C, 0x20, 0x6C, 0x78
    FORMAT = 0x1C
    """CONF0 without UART_MEM_CLK_EN: 8 data bits, no parity, 1 stop bit, and all else off."""
    MEMORY_CLOCK = 28
    TX_RESET, CORE_RESET, CLOCK, TX_CLOCK, RX_CLOCK, RX_RESET = 26, 23, 22, 24, 25, 27

    def __init__(
        self,
        pins: Pins,
        baud: int,
        send: Callable[[int], None],
        unsent: int,
        skip: Callable[[], None],
    ) -> None:
        self._pins, self._baud, self._send, self._skip = pins, baud, send, skip
        self._values = {
            self.CLKDIV: 347 + 3 * flag(20),
            self.CONF0: flag(self.MEMORY_CLOCK) | self.FORMAT,
            self.CLK_CONF: 3 * flag(20)
            | flag(self.CLOCK)
            | flag(self.TX_CLOCK)
            | flag(self.RX_CLOCK),
        }
        self._fifo: deque[int] = deque()
        self._unsent = unsent  # bytes in the FIFO, and the byte that is being sent
        self._polls = 0

    def receives(self) -> bool:
        """Tell whether the receiver is on, with the line's format and its speed."""
        try:
            self.check_receiver()
        except FirmwareFault:
            return False
        return True

    def receive(self, byte: int) -> None:
        """Take a byte from the line; it is lost if the FIFO is full."""
        self.check_receiver()
        if len(self._fifo) < FIFO_BYTES:
            self._fifo.append(byte)

    def pass_byte_time(self) -> None:
        """Let the time of a byte pass."""
        self._unsent = max(0, self._unsent - 1)

    def waits(self) -> bool:
        """Tell whether the firmware waits for a byte; restart the count of its reads."""
        waits = self._polls >= WAITING_READS
        self._polls = 0
        return waits and not self._fifo and not self._unsent

    def busy(self) -> None:
        """Note that the firmware does something other than waiting for a byte."""
        self._polls = 0

    def check_receiver(self) -> None:
        """Raise FirmwareFault if no byte can arrive."""
        self._check_line(self.RX_CLOCK, self.RX_RESET)
        self._pins.check(Pins.RX)

    def read(self, offset: int) -> int:
        """Return the value of the register at an offset."""
        if offset == self.STATUS:
            self._polls += 1
            if self._polls == WAITING_READS:
                self._skip()
            return len(self._fifo) + max(0, self._unsent - 1) * flag(16)
        self._polls = 0
        if offset == self.FIFO:
            if not self._fifo:
                raise FirmwareFault(
                    "it reads UART_FIFO without a byte; wait until RXFIFO_CNT of UART_STATUS is"
                    " not 0"
                )
            return self._fifo.popleft()
        if offset == self.FSM_STATUS:
            return 1 * flag(4) if self._unsent else 0
        if offset in self._values:
            return self._values[offset]
        raise unknown("reads", "UART0", offset)

    def write(self, offset: int, value: int) -> None:
        """Write the register at an offset."""
        self._polls = 0
        if offset == self.FIFO:
            self._put(value)
        elif offset in self._values:
            if self._unsent:
                raise FirmwareFault(
                    f"it writes {SETTINGS[offset]} while the UART sends, which spoils"
                    " the bytes; wait until TXFIFO_CNT of UART_STATUS and ST_UTX_OUT of"
                    " UART_FSM_STATUS are 0"
                )
            self._values[offset] = value
        else:
            raise unknown("writes", "UART0", offset)

    def _put(self, value: int) -> None:
        if self._unsent > FIFO_BYTES:
            raise FirmwareFault(
                "it writes a byte to the full FIFO of UART0; wait until TXFIFO_CNT of UART_STATUS"
                f" is below {FIFO_BYTES}"
            )
        self._check_line(self.TX_CLOCK, self.TX_RESET)
        self._pins.check(Pins.TX)
        self._unsent += 1
        self._send(value)

    def _check_line(self, direction: int, reset: int) -> None:
        """Raise FirmwareFault unless the UART has its clocks, the line's format and its speed."""
        names = {
            self.CLOCK: "UART_SCLK_EN",
            self.TX_CLOCK: "UART_TX_SCLK_EN",
            self.RX_CLOCK: "UART_RX_SCLK_EN",
        }
        clocks = self._values[self.CLK_CONF]
        for number in (self.CLOCK, direction):
            if not bit(clocks, number):
                raise FirmwareFault(
                    f"it uses UART0 without a clock; set {names[number]} in UART_CLK_CONF"
                )
        if bit(clocks, self.CORE_RESET) or bit(clocks, reset):
            raise FirmwareFault(
                "it uses UART0 in reset; clear the reset bits of UART_CLK_CONF first"
            )
        control = self._values[self.CONF0]
        if not bit(control, self.MEMORY_CLOCK):
            raise FirmwareFault(
                "it uses the FIFO of UART0 without a clock; set UART_MEM_CLK_EN in UART_CONF0"
            )
        if control & ~flag(self.MEMORY_CLOCK) != self.FORMAT:
            raise FirmwareFault(
                f"UART_CONF0 is 0x{control:08x}, but the line has 8 data bits, no parity and 1 stop"
                " bit; write 0x1000001C"
            )
        found = self._speed()
        if abs(found / self._baud - 1) > TOLERANCE:
            raise FirmwareFault(
                f"UART0 runs at {found:.0f} baud, but the line at {self._baud}; UART_CLKDIV is the"
                " clock divided by the baud, with sixteenths in CLKDIV_FRAG"
            )

    def _speed(self) -> float:
        clocks, divider = self._values[self.CLK_CONF], self._values[self.CLKDIV]
        source = field(clocks, 20, 2)
        if source == 2:
            raise FirmwareFault(
                "it uses UART0 on the internal oscillator, which may be off by more than a serial"
                " line allows; write 3, the crystal, to UART_SCLK_SEL of UART_CLK_CONF"
            )
        clock = {0: 0, 1: BUS_CLOCK, 3: XTAL}[source] / (field(clocks, 12, 8) + 1)
        steps = field(divider, 0, 12) + field(divider, 20, 4) / 16
        return clock / steps if steps else 0.0
