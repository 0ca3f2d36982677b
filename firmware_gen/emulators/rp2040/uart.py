"""UART0 of an RP2040, an Arm PL011 (data sheet, 4.2), with FIFOs of 32 bytes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from firmware_gen.emulators.chips.bits import bit, field, flag
from firmware_gen.emulators.fault import FirmwareFault
from firmware_gen.emulators.rp2040.clocks import Clocks, Resets, unknown
from firmware_gen.emulators.rp2040.pins import Functions, Pads

TX, RX = 0, 1
"""The pins GP0 and GP1."""
RESET_BIT = 22
FIFO_BYTES = 32
LEVELS = (4, 8, 16, 24, 28)
"""How many bytes in the FIFO request the interrupt, by the value of RXIFLSEL."""
TOLERANCE = 0.025
"""Largest relative error of the line's speed, as in ska_baud.h."""


class Uart:
    """UART0.

    `send` puts a byte on the line. `changed` is called when the interrupt request may have changed.
    `progress` counts the bytes that the firmware has read.
    """

    DR, FR, IBRD, FBRD, LCR_H, CR = 0x00, 0x18, 0x24, 0x28, 0x2C, 0x30
    IFLS, IMSC, RIS, MIS, ICR = 0x34, 0x38, 0x3C, 0x40, 0x44
    UARTEN, TXE, RXE = 0, 8, 9
    RX_INTERRUPT, TIMEOUT = 4, 6
    RXFE, TXFF, RXFF, TXFE = 4, 5, 6, 7
    FORMAT = 0x70
    """LCR_H for 8 data bits, no parity, 1 stop bit, with the FIFOs."""

    def __init__(
        self,
        resets: Resets,
        clocks: Clocks,
        functions: Functions,
        pads: Pads,
        baud: int,
        send: Callable[[int], None],
        changed: Callable[[], None],
    ) -> None:
        self.progress = 0
        self._resets, self._clocks = resets, clocks
        self._functions, self._pads = functions, pads
        self._baud, self._send, self._changed = baud, send, changed
        self._values = {self.IBRD: 0, self.FBRD: 0, self.LCR_H: 0}
        self._values |= {self.CR: 0x300, self.IFLS: 0x12, self.IMSC: 0}
        self._divisor = 0
        self._fifo: deque[int] = deque()
        self._silent = False
        self._unsent = 0

    def request(self) -> str | None:
        """Return the flags that request the interrupt now, or None."""
        wanted = self._raised() & self._values[self.IMSC]
        names = ((self.RX_INTERRUPT, "RXRIS"), (self.TIMEOUT, "RTRIS"))
        flags = [name for number, name in names if bit(wanted, number)]
        return f"{' and '.join(flags)} of UART0" if flags else None

    def deaf(self) -> str | None:
        """Return the reason why a byte on the line would not request the interrupt, or None."""
        for name, number in (("UARTEN", self.UARTEN), ("RXE", self.RXE)):
            if not bit(self._values[self.CR], number):
                return f"set {name} in UARTCR"
        if not bit(self._values[self.IMSC], self.RX_INTERRUPT):
            return "set RXIM in UARTIMSC"
        if not bit(self._values[self.IMSC], self.TIMEOUT):
            return (
                "set RTIM in UARTIMSC, because fewer bytes than UARTIFLS says would wait for ever"
            )
        return None

    def receives(self) -> bool:
        """Tell whether the receiver is on."""
        control = self._values[self.CR]
        return bit(control, self.UARTEN) and bit(control, self.RXE)

    def waits(self) -> bool:
        """Tell whether received bytes wait in the FIFO for the timeout interrupt."""
        return bool(self._fifo) and not self._silent

    def silence(self) -> None:
        """Note that the line was silent for 32 bit times."""
        self._silent = bool(self._fifo)

    def receive(self, byte: int) -> None:
        """Take a byte from the line; it is lost if the receiver is off."""
        if not self.receives():
            return
        self._functions.require(RX)
        self._pads.require_input(RX)
        self._check_line()
        if len(self._fifo) < FIFO_BYTES:
            self._fifo.append(byte)

    def read(self, offset: int) -> int:
        """Return the value of the register at an offset."""
        self._resets.check(RESET_BIT)
        if offset == self.DR:
            byte = self._take()
            self._changed()
            return byte
        if offset == self.FR:
            return self._flags()
        if offset == self.RIS:
            return self._raised()
        if offset == self.MIS:
            return self._raised() & self._values[self.IMSC]
        if offset in self._values:
            return self._values[offset]
        raise unknown("reads", "UART0", offset)

    def write(self, offset: int, value: int) -> None:
        """Write the register at an offset."""
        self._resets.check(RESET_BIT)
        if offset == self.DR:
            self._put(value & 0xFF)
        elif offset == self.ICR:
            self._silent = self._silent and not bit(value, self.TIMEOUT)
        elif offset in self._values:
            if bit(self._values[self.CR], self.UARTEN) and offset in (
                self.IBRD,
                self.FBRD,
                self.LCR_H,
            ):
                raise FirmwareFault(
                    f"it writes UART0 at 0x{offset:x} while the UART is on; write speed and format"
                    " before UARTCR"
                )
            self._values[offset] = value
            if offset == self.LCR_H:  # only this write takes over the divisor (4.2.7.1)
                self._divisor = self._values[self.IBRD] * 64 + self._values[self.FBRD]
        else:
            raise unknown("writes", "UART0", offset)
        self._changed()

    def _raised(self) -> int:
        """Return the interrupt flags before the mask, as UARTRIS has them."""
        level = LEVELS[min(field(self._values[self.IFLS], 3, 3), len(LEVELS) - 1)]
        return flag(self.RX_INTERRUPT, len(self._fifo) >= level) | flag(self.TIMEOUT, self._silent)

    def _flags(self) -> int:
        """Return the states of the FIFOs. Sent bytes leave their FIFO when the firmware reads the
        states.
        """
        flags = flag(self.RXFE, not self._fifo) | flag(self.RXFF, len(self._fifo) == FIFO_BYTES)
        flags |= flag(self.TXFF, self._unsent == FIFO_BYTES) | flag(self.TXFE, not self._unsent)
        self._unsent = 0
        return flags

    def _take(self) -> int:
        if not self._fifo:
            raise FirmwareFault("it reads UARTDR without a byte; wait until RXFE of UARTFR is 0")
        self.progress += 1
        byte = self._fifo.popleft()
        self._silent = self._silent and bool(self._fifo)
        return byte

    def _put(self, byte: int) -> None:
        for name, number in (("UARTEN", self.UARTEN), ("TXE", self.TXE)):
            if not bit(self._values[self.CR], number):
                raise FirmwareFault(f"it sends a byte while {name} of UARTCR is 0; set it")
        if self._unsent == FIFO_BYTES:
            raise FirmwareFault(
                "it sends a byte while the FIFO is full; wait until TXFF of UARTFR is 0"
            )
        self._functions.require(TX)
        self._pads.require_output(TX)
        self._check_line()
        self._unsent += 1
        self._send(byte)

    def _check_line(self) -> None:
        """Raise FirmwareFault unless the format and the speed are those of the board's line."""
        clock = self._clocks.peripheral()
        if self._values[self.LCR_H] != self.FORMAT:
            raise FirmwareFault(
                f"UARTLCR_H is 0x{self._values[self.LCR_H]:02X}; write 0x70: 8 data bits, no"
                " parity, 1 stop bit, FIFOs on"
            )
        found = clock * 4 / self._divisor if self._divisor else 0
        if abs(found / self._baud - 1) > TOLERANCE:
            right = round(clock * 4 / self._baud)
            raise FirmwareFault(
                f"UART0 runs at {found:.0f} baud, but the line at {self._baud}; at its clock of"
                f" {clock} Hz, UARTIBRD must be {right // 64} and UARTFBRD {right % 64} when"
                " UARTLCR_H is written"
            )
