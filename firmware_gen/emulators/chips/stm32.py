"""What the STM32 families share: peripheral clocks, pins, and the rules of a USART."""

from __future__ import annotations

from collections.abc import Mapping

from firmware_gen.emulators.chips.bits import bit, field, flag
from firmware_gen.emulators.chips.chip import Surroundings
from firmware_gen.emulators.fault import FirmwareFault

TOLERANCE = 0.025
"""Largest relative error of the line's speed, as in ska_baud.h."""
TX, RX = 2, 3
"""USART2 is on PA2 and PA3, as alternate function 7 (data sheets, "Alternate functions")."""
FUNCTION = 7
ALTERNATE = 2
DEBUGGER = 0x3C00_0000
"""Bits of GPIOA_MODER for PA13 and PA14, which the debugger uses."""


class Gate:
    """The clock of one peripheral; a bit of an RCC register turns it on.

    The peripheral can be used two cycles after the bit is set. A driver lets them pass by a read of
    any RCC register.
    """

    def __init__(self, peripheral: str, register: str, flag: str, number: int) -> None:
        self._peripheral, self._flag, self._register = peripheral, flag, register
        self._number = number
        self._on = self._settled = False

    def write(self, value: int) -> None:
        """Take a new value of the RCC register."""
        was, self._on = self._on, bit(value, self._number)
        self._settled = was and self._on

    def settle(self) -> None:
        """Note a read of an RCC register; the read takes two cycles."""
        self._settled = self._on

    def check(self) -> None:
        """Raise FirmwareFault if the peripheral cannot be used now."""
        if not self._on:
            raise FirmwareFault(
                f"it uses {self._peripheral} while its clock is off; set {self._flag} in"
                f" {self._register} first"
            )
        if not self._settled:
            raise FirmwareFault(
                f"it uses {self._peripheral} within two cycles of setting {self._flag}; read"
                f" {self._register} back first"
            )


class Registers:
    """Registers without effects: a read returns the written value. Other registers are not
    modeled.
    """

    def __init__(self, name: str, values: Mapping[int, int]) -> None:
        self._name = name
        self.values = dict(values)

    def read(self, offset: int) -> int:
        """Return the value of a register."""
        if offset not in self.values:
            raise FirmwareFault(
                f"it reads the register of {self._name} at 0x{offset:x}, which is not modeled"
            )
        return self.values[offset]

    def write(self, offset: int, value: int) -> None:
        """Store the value of a register."""
        if offset not in self.values:
            raise FirmwareFault(
                f"it writes the register of {self._name} at 0x{offset:x}, which is not modeled"
            )
        self.values[offset] = value


class PortA:
    """GPIOA; `mode` and `pull` are the reset values of MODER and PUPDR in the family."""

    MODER, AFRL = 0x00, 0x20

    def __init__(self, gate: Gate, mode: int, pull: int) -> None:
        self._gate = gate
        resets = {0x00: mode, 0x04: 0, 0x08: 0x0C00_0000, 0x0C: pull, 0x14: 0, 0x20: 0, 0x24: 0}
        self._registers = Registers("GPIOA", resets)
        self._debugger = mode & DEBUGGER

    def read(self, offset: int) -> int:
        """Return the value of a register."""
        self._gate.check()
        return self._registers.read(offset)

    def write(self, offset: int, value: int) -> None:
        """Write the register at an offset."""
        self._gate.check()
        self._registers.write(offset, value)
        if offset == self.MODER and value & DEBUGGER != self._debugger:
            raise FirmwareFault(
                "it takes PA13 and PA14 from the debugger; change only the bits of its own pins in"
                " GPIOA_MODER"
            )

    def require(self, pin: int) -> None:
        """Raise FirmwareFault unless a pin is connected to USART2."""
        values = self._registers.values
        mode = field(values[self.MODER], 2 * pin, 2)
        function = field(values[self.AFRL], 4 * pin, 4)
        if (mode, function) != (ALTERNATE, FUNCTION):
            raise FirmwareFault(
                f"PA{pin} is not a pin of USART2: it needs mode {ALTERNATE} in GPIOA_MODER and"
                f" function {FUNCTION} in GPIOA_AFRL, but has mode {mode} and function {function}"
            )


class Usart2:
    """The part of USART2 that is the same in all families; a family adds its registers.

    An overrun comes at the worst moment: after the handler has read the status, and before it
    reads the data.
    """

    CR1: int
    CR3: int
    UE: int
    RE, TE, RXNEIE = 2, 3, 5
    OVER8, WIDE, PARITY = 15, 12, 10

    def __init__(self, gate: Gate, port: PortA, world: Surroundings) -> None:
        assert world.board.uart is not None and world.board.clock is not None
        self.progress = 0
        self._gate, self._port, self._world = gate, port, world
        self._baud, self._clock = world.board.uart.baud, world.board.clock
        self._control = [0, 0, 0]
        self._divider = 0
        self._data = 0
        self._full = self._overrun = self._late = False
        self._sending = False

    def clock(self) -> int:
        """Return the clock of the USART in hertz."""
        return self._clock

    def request(self) -> str | None:
        """Return the flags that request the interrupt now, or None."""
        if not bit(self._control[0], self.RXNEIE):
            return None
        flags = [name for name, on in (("RXNE", self._full), ("ORE", self._overrun)) if on]
        return f"{' and '.join(flags)} of USART2" if flags else None

    def deaf(self) -> str | None:
        """Return the reason why a byte on the line would not request the interrupt, or None."""
        for name, number in (("UE", self.UE), ("RE", self.RE), ("RXNEIE", self.RXNEIE)):
            if not bit(self._control[0], number):
                return f"set {name} in USART2_CR1"
        return None

    def receives(self) -> bool:
        """Tell whether the receiver is on."""
        return bit(self._control[0], self.UE) and bit(self._control[0], self.RE)

    def receive(self, byte: int) -> None:
        """Take a byte from the line; it is lost if the receiver is off."""
        if not self.receives():
            return
        self._port.require(RX)
        self._check_line()
        if self._full:
            self._late = True
        else:
            self._data, self._full = byte, True

    def _status(self) -> int:
        """Return the flags RXNE, ORE, TC and TXE at their places."""
        status = flag(5, self._full) | flag(3, self._overrun) | (0 if self._sending else 0xC0)
        self._sending = False
        if self._late and self._world.handling():
            self._overrun, self._late = True, False
        return status

    def _take(self) -> int:
        """Return the received byte and clear RXNE."""
        if not self._full and not self._overrun:
            raise FirmwareFault("it reads the data of USART2 while RXNE is 0; wait for RXNE")
        if self._full:
            self.progress += 1
        self._full = False
        return self._data

    def _put(self, byte: int) -> None:
        for name, number in (("UE", self.UE), ("TE", self.TE)):
            if not bit(self._control[0], number):
                raise FirmwareFault(f"it sends a byte while {name} of USART2_CR1 is 0; set it")
        if self._sending:
            raise FirmwareFault("it sends a byte before the previous one is sent; wait for TXE")
        self._port.require(TX)
        self._check_line()
        self._sending = True
        self._world.send(byte)

    def _which(self, offset: int, verb: str) -> int:
        """Return the index of the control register at an offset."""
        if not self.CR1 <= offset <= self.CR3:
            raise FirmwareFault(f"it {verb} USART2 at 0x{offset:x}, which is not modeled")
        return (offset - self.CR1) // 4

    def _check_line(self) -> None:
        """Raise FirmwareFault unless the format and the speed are those of the board's line."""
        control = self._control[0]
        if bit(control, self.WIDE) or bit(control, self.PARITY) or field(self._control[1], 12, 2):
            raise FirmwareFault(
                "USART2 has another format than 8 data bits, no parity, 1 stop bit; clear M and PCE"
                " in USART2_CR1, and STOP in USART2_CR2"
            )
        if bit(control, self.OVER8):
            raise FirmwareFault("it sets OVER8 in USART2_CR1, which is not modeled")
        clock, right = self.clock(), round(self.clock() / self._baud)
        found = clock / self._divider if self._divider else 0
        if abs(found / self._baud - 1) > TOLERANCE:
            raise FirmwareFault(
                f"USART2 runs at {found:.0f} baud, but the line at {self._baud}; at its clock of"
                f" {clock} Hz USART2_BRR must be {right}, not {self._divider}"
            )
