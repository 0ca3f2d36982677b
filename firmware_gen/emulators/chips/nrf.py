"""The peripherals that the nRF51 and the nRF52 have in common: CLOCK, GPIO, UART and NVMC.

They follow Nordic's reference manual of the nRF51 and the product specification of the nRF52833.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from firmware_gen.board.memory import Region
from firmware_gen.emulators.chips.bits import bit, flag
from firmware_gen.emulators.chips.chip import Peripheral, Surroundings, Uart
from firmware_gen.emulators.fault import FirmwareFault

TOLERANCE = 0.025
"""Largest relative error of the line's speed, as in ska_baud.h."""
NOT_CONNECTED = 0xFFFF_FFFF
FIFO_BYTES = 6
BUSY_READS = 2
"""For how many reads of a status register an operation lasts; not a measure of time."""


@dataclass(frozen=True)
class Traits:
    """The values that differ from chip to chip.

    `tx` and `rx` are the pins of the board's serial line; a pin of port 1 counts from 32.
    `program_s` and `erase_s` are the seconds that programming a word and erasing a page take; the
    core halts meanwhile.
    """

    core: str
    flash: Region
    ram: Region
    tx: int
    rx: int
    program_s: float
    erase_s: float


class Clock:
    """CLOCK: HFCLKSTART starts the crystal oscillator; HFCLKSTARTED says that it runs."""

    START, STARTED = 0x000, 0x100

    def __init__(self) -> None:
        self.crystal = False
        self._event = False
        self._wait = 0

    def read(self, offset: int) -> int:
        """Return the value of the register at an offset."""
        if offset != self.STARTED:
            raise _unknown("reads", "CLOCK", offset)
        if self._wait:
            self._wait -= 1
            self._event = self.crystal = self._wait == 0
        return int(self._event)

    def write(self, offset: int, value: int) -> None:
        """Write the register at an offset."""
        if offset == self.START:
            self._wait = BUSY_READS
        elif offset == self.STARTED:
            self._event = bool(value)
        else:
            raise _unknown("writes", "CLOCK", offset)


class Ports:
    """GPIO: the levels and directions of port 0. The registers of port 1 are not needed."""

    OUT, OUTSET, OUTCLR, DIR, DIRSET, DIRCLR = 0x504, 0x508, 0x50C, 0x514, 0x518, 0x51C

    def __init__(self) -> None:
        self._level = self._direction = 0

    def read(self, offset: int) -> int:
        """Return the value of the register at an offset."""
        if offset in (self.OUT, self.OUTSET, self.OUTCLR):
            return self._level
        if offset in (self.DIR, self.DIRSET, self.DIRCLR):
            return self._direction
        raise _unknown("reads", "GPIO", offset)

    def write(self, offset: int, value: int) -> None:
        """Write the register at an offset."""
        if offset == self.OUTSET:
            self._level |= value
        elif offset == self.DIRSET:
            self._direction |= value
        elif offset == self.OUT:
            self._level = value
        elif offset == self.DIR:
            self._direction = value
        else:
            raise _unknown("writes", "GPIO", offset)

    def require_idle_output(self, pin: int) -> None:
        """Raise FirmwareFault unless a pin is an output with a high level."""
        if not bit(self._direction, pin) or not bit(self._level, pin):
            raise FirmwareFault(
                f"it enables the UART while {_pin(pin)} is not an output with a high level; set its"
                " bit in OUTSET and DIRSET of GPIO first"
            )


class UartNrf:
    """The UART without DMA, with a FIFO of six received bytes."""

    START_RX, START_TX, RXDRDY, TXDRDY = 0x000, 0x008, 0x108, 0x11C
    INTENSET, INTENCLR, ENABLE = 0x304, 0x308, 0x500
    PSEL_TXD, PSEL_RXD, RXD, TXD, BAUDRATE, CONFIG = 0x50C, 0x514, 0x518, 0x51C, 0x524, 0x56C
    SETTINGS = (PSEL_TXD, PSEL_RXD, BAUDRATE, CONFIG)
    ENABLED = 4
    RXDRDY_BIT = 2

    def __init__(self, clock: Clock, ports: Ports, world: Surroundings, tx: int, rx: int) -> None:
        assert world.board.uart is not None
        self.progress = 0
        self._clock, self._ports, self._world = clock, ports, world
        self._tx, self._rx = tx, rx
        self._baud = world.board.uart.baud
        self._settings = {
            self.PSEL_TXD: NOT_CONNECTED,
            self.PSEL_RXD: NOT_CONNECTED,
            self.BAUDRATE: 0x0400_0000,
            self.CONFIG: 0,
        }
        self._enabled = self._started = self._sends = False
        self._interrupts = 0
        self._fifo: deque[int] = deque()
        self._ready = False
        self._sent = False
        self._left = 0  # reads of TXDRDY until the byte is sent

    def request(self) -> str | None:
        """Return the flags that request the interrupt now, or None."""
        wanted = self._ready and bit(self._interrupts, self.RXDRDY_BIT)
        return "RXDRDY of UART" if wanted else None

    def deaf(self) -> str | None:
        """Return the reason why a byte on the line would not request the interrupt, or None."""
        if not self._enabled:
            return "write 4 to ENABLE of UART"
        if not self._started:
            return "trigger the task STARTRX of UART"
        if not bit(self._interrupts, self.RXDRDY_BIT):
            return "set RXDRDY in INTENSET of UART"
        if self._fifo:
            return (
                "a received byte waits, but its event RXDRDY was cleared after the read that set"
                " it; clear RXDRDY before reading RXD"
            )
        return None

    def receives(self) -> bool:
        """Tell whether the receiver is on."""
        return self._enabled and self._started

    def receive(self, byte: int) -> None:
        """Take a byte from the line; it is lost if the receiver is off."""
        if not self.receives():
            return
        self._check_line()
        self._check_pin(self.PSEL_RXD, "RXD", self._rx)
        if len(self._fifo) < FIFO_BYTES:
            self._fifo.append(byte)
            self._ready = self._ready or len(self._fifo) == 1

    def read(self, offset: int) -> int:
        """Return the value of the register at an offset."""
        if offset == self.RXDRDY:
            return int(self._ready)
        if offset == self.TXDRDY:
            return int(self._sending())
        if offset == self.RXD:
            return self._take()
        if offset in (self.INTENSET, self.INTENCLR):
            return self._interrupts
        if offset == self.ENABLE:
            return self.ENABLED if self._enabled else 0
        if offset in self._settings:
            return self._settings[offset]
        raise _unknown("reads", "UART", offset)

    def write(self, offset: int, value: int) -> None:
        """Write the register at an offset."""
        if offset == self.RXDRDY:
            self.progress += self._ready and not value
            self._ready = bool(value)
        elif offset == self.TXDRDY:
            self._sent = bool(value)
        elif offset == self.TXD:
            self._put(value)
        elif offset == self.INTENSET:
            self._interrupts |= value
        elif offset == self.INTENCLR:
            self._interrupts &= ~value
        elif offset == self.ENABLE:
            self._enable(value)
        elif offset in (self.START_RX, self.START_TX):
            self._start(offset)
        elif offset in self._settings:
            if self._enabled:
                raise FirmwareFault(
                    f"it writes UART at 0x{offset:x} while the UART is enabled; write pins, speed"
                    " and format before ENABLE"
                )
            self._settings[offset] = value
        else:
            raise _unknown("writes", "UART", offset)

    def _enable(self, value: int) -> None:
        self._enabled = value == self.ENABLED
        if not self._enabled:
            raise FirmwareFault(f"it writes {value} to ENABLE of UART; 4 enables the UART")
        if self._settings[self.PSEL_TXD] == self._tx:
            self._ports.require_idle_output(self._tx)

    def _start(self, task: int) -> None:
        if not self._enabled:
            raise FirmwareFault("it starts the UART while ENABLE is 0; write 4 to ENABLE first")
        if task == self.START_RX:
            self._started = True
        else:
            self._sends = True

    def _sending(self) -> bool:
        event = self._sent
        if self._left:
            self._left -= 1
            self._sent = self._sent or self._left == 0
        return event

    def _put(self, byte: int) -> None:
        if not self._enabled or not self._sends:
            raise FirmwareFault("it sends a byte before the task STARTTX of UART; trigger it first")
        if self._left:
            raise FirmwareFault(
                "it sends a byte before the previous one is sent; clear TXDRDY, send, and wait"
                " until TXDRDY is 1"
            )
        self._check_pin(self.PSEL_TXD, "TXD", self._tx)
        self._check_line()
        self._left = BUSY_READS
        self._world.send(byte)

    def _take(self) -> int:
        """Return a received byte; if another one waits, RXDRDY is set again."""
        if not self._fifo:
            raise FirmwareFault("it reads RXD of UART without a byte; wait for RXDRDY")
        byte = self._fifo.popleft()
        self._ready = self._ready or bool(self._fifo)
        return byte

    def _check_pin(self, register: int, name: str, pin: int) -> None:
        if self._settings[register] != pin:
            raise FirmwareFault(
                f"PSEL.{name} of UART is not {_pin(pin)}, where the line is; write {pin} to it"
            )

    def _check_line(self) -> None:
        """Raise FirmwareFault unless the clock, the format and the speed of the line are right."""
        if not self._clock.crystal:
            raise FirmwareFault(
                "it uses the UART on the internal oscillator, which may be off by more than a"
                " serial line allows; trigger HFCLKSTART of CLOCK and wait for HFCLKSTARTED"
            )
        if self._settings[self.CONFIG]:
            raise FirmwareFault("write 0 to CONFIG of UART: no parity, 1 stop bit, no flow control")
        found = self._settings[self.BAUDRATE] / 2**32 * 16e6
        if abs(found / self._baud - 1) > TOLERANCE:
            raise FirmwareFault(
                f"UART runs at {found:.0f} baud, but the line at {self._baud}; BAUDRATE is the baud"
                " times 2^32 / 16,000,000, rounded to a multiple of 4096"
            )


class Nvmc:
    """NVMC, the flash controller. The core halts while flash is erased or programmed."""

    READY, CONFIG, ERASEPAGE = 0x400, 0x504, 0x508
    READ_ONLY, WRITE, ERASE = 0, 1, 2
    WRITES = 2
    """How many times a word may be programmed between two erases (nWRITE)."""

    def __init__(self, world: Surroundings, program_s: float, erase_s: float) -> None:
        storage, clock = world.board.storage, world.board.clock
        assert storage is not None and storage.origin is not None and clock is not None
        self._world, self._storage = world, storage
        self._program_cycles, self._erase_cycles = int(program_s * clock), int(erase_s * clock)
        self._first = storage.origin
        self._mode = self._busy = 0
        self._writes: dict[int, int] = {}

    def read(self, offset: int) -> int:
        """Return the value of the register at an offset."""
        if offset == self.READY:
            busy = self._busy > 0
            self._busy -= busy
            return flag(0, not busy)
        if offset == self.CONFIG:
            return self._mode
        raise _unknown("reads", "NVMC", offset)

    def write(self, offset: int, value: int) -> None:
        """Write the register at an offset."""
        self._check_idle()
        if offset == self.CONFIG:
            self._mode = value
        elif offset == self.ERASEPAGE:
            self._erase(value - self._first)
        else:
            raise _unknown("writes", "NVMC", offset)

    def _check_idle(self) -> None:
        if self._busy:
            raise FirmwareFault("it uses flash while READY of NVMC is 0; wait until READY is 1")

    def _erase(self, offset: int) -> None:
        page = self._storage.page
        if self._mode != self.ERASE:
            raise FirmwareFault("it erases a page while CONFIG of NVMC is not 2; write 2 to it")
        if offset % page or not 0 <= offset < self._storage.size:
            raise FirmwareFault(
                f"it erases 0x{self._first + offset:08x}, which is not the start of a page of"
                " [storage] in board.toml"
            )
        self._writes = {
            at: count for at, count in self._writes.items() if not offset <= at < offset + page
        }
        self._world.cells.erase(offset, page)
        self._busy = BUSY_READS
        self._world.stall(self._erase_cycles)

    def look(self, offset: int, size: int) -> int:
        """Return `size` bytes of the flash for saves, as a little-endian number."""
        return self._world.cells.read(offset, size)

    def program(self, offset: int, size: int, value: int) -> None:
        """Store a number of `size` bytes in the flash for saves."""
        self._check_idle()
        if self._mode != self.WRITE:
            raise FirmwareFault("it stores to flash while CONFIG of NVMC is not 1; write 1 to it")
        if size != 4 or offset % 4:
            raise FirmwareFault(
                f"it stores {size} bytes to flash at 0x{self._first + offset:08x}; store whole"
                " words of 4 bytes, at multiples of 4"
            )
        if value & ~self._world.cells.read(offset, size):
            raise FirmwareFault(
                f"it programs bytes of flash that are not erased, at 0x{self._first + offset:08x};"
                " erase the page first"
            )
        count = self._writes[offset] = self._writes.get(offset, 0) + 1
        if count > self.WRITES:
            raise FirmwareFault(
                f"it programs the word at 0x{self._first + offset:08x} more than twice; erase the"
                " page first"
            )
        self._world.cells.program(offset, size, value)
        self._busy = BUSY_READS
        self._world.stall(self._program_cycles)


class Nrf:
    """A chip with the given traits."""

    register_bytes = 0x1000

    def __init__(self, world: Surroundings, traits: Traits) -> None:
        clock, ports = Clock(), Ports()
        nvmc = Nvmc(world, traits.program_s, traits.erase_s)
        uart = UartNrf(clock, ports, world, traits.tx, traits.rx)
        self.core, self.flash, self.ram = traits.core, traits.flash, traits.ram
        self.uart: Uart = uart
        self.look, self.program = nvmc.look, nvmc.program
        self.peripherals: Mapping[int, Peripheral] = {
            0x4000_0000: clock,
            0x4000_2000: uart,
            0x4001_E000: nvmc,
            0x5000_0000: ports,
        }

    def alarm(self) -> None:
        """Return None: nothing raises the NMI."""


def _pin(number: int) -> str:
    return f"P{number // 32}.{number % 32:02}"


def _unknown(verb: str, name: str, offset: int) -> FirmwareFault:
    return FirmwareFault(f"it {verb} {name} at 0x{offset:x}, which is not modeled")
