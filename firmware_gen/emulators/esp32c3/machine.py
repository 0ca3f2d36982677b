"""Runs the image of a board with an ESP32-C3 in Unicorn, with strict models of its peripherals.

    python -m firmware_gen.emulators.esp32c3.machine firmware.elf board.toml

prints the path of the serial port and runs until it is stopped. Like the ROM, it loads the image
that esptool flashes; this is the file firmware.esp next to the ELF image. UART0, its pins,
the watchdogs and the ROM's routines for flash follow Espressif's manual and headers. A mistake of a
driver ends the run with exit code 1 and one sentence. The other parts of the chip are missing;
their use is a mistake, too.

Time is counted in clock cycles, one for each instruction. A byte on the serial line takes the time
of its ten bits. From the time when the receiver is first on, bytes arrive whether or not the
firmware reads them. While the firmware only waits for a byte, the process sleeps.
"""

from __future__ import annotations

import ctypes
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from firmware_gen.board.board import Board
from firmware_gen.board.memory import Region
from firmware_gen.emulators.cells import Cells
from firmware_gen.emulators.chips.bus import PAGE, Bus
from firmware_gen.emulators.chips.chip import Peripheral
from firmware_gen.emulators.esp32c3.loader import Loaded, load
from firmware_gen.emulators.esp32c3.rom import FlashRoutines
from firmware_gen.emulators.esp32c3.uart import Pins, Uart
from firmware_gen.emulators.esp32c3.watchdogs import GroupWatchdog, RtcWatchdogs
from firmware_gen.emulators.fault import FirmwareFault
from firmware_gen.emulators.program import run_machine, run_program
from firmware_gen.emulators.timed_line import TimedLine
from firmware_gen.emulators.unicorn_core import UnicornCore
from firmware_gen.emulators.wire import Line
from firmware_gen.formats.elf import read_image
from firmware_gen.formats.write import ESP_NAME
from ska_edge.errors import InputError, ToolError

CODE_BUS = Region(0x4038_0000, 0x6_0000)
DATA_BUS = Region(0x3FC8_0000, 0x6_0000)
"""The same SRAM on the instruction bus and on the data bus."""
CODE_BYTES = 0x2_0000
"""Bytes at the start of the SRAM for code and constants; the rest is for variables."""
ROM_DATA = 0x3FCC_0000
"""The ROM uses the SRAM from here on while it loads an image."""
ROM = Region(0x4000_0000, 0x6_0000)
RETURN = b"\x82\x80\x01\x00"
"""The instructions `ret` and `nop`, in place of each word of the ROM."""
WFI = b"\x73\x00\x50\x10"
TRAP_ALIGNMENT = 256
STACK_BYTES = 512
"""Bytes of stack that the firmware must leave to a routine of the ROM."""
GARBAGE = 0x5A
"""What a routine of the ROM leaves on the stack, and in the registers that it may change."""
ROM_UNSENT = 16
"""How many bytes of the ROM's text are on their way when the image starts."""
ROM_TEXT = (
    "ESP-ROM:esp32c3-api1-20210207\r\nrst:0x1 (POWERON),boot:0xd (SPI_FAST_FLASH_BOOT)\r\n{}"
    "entry 0x{:08x}\r\n"
)


class Machine(UnicornCore):
    """An ESP32-C3 after a reset, whose ROM has just loaded an image.

    Raises:
        InputError: the ROM would not start the image, or the board lacks what the chip needs.
        ToolError: unicorn or pyelftools is missing.
    """

    def __init__(self, elf: Path, board: Board, wire: Line, cells: Cells) -> None:
        try:
            # Import by name, because unicorn claims to be typed, but most of it is not.
            unicorn: Any = importlib.import_module("unicorn")
            registers: Any = importlib.import_module("unicorn.riscv_const")
        except ImportError:
            raise ToolError(f"board {board.name} needs unicorn: pip install unicorn") from None
        uart, storage = board.uart, board.storage
        if uart is None or board.clock is None or storage is None or storage.origin is None:
            raise InputError(
                f"board {board.name} cannot be emulated here: its board.toml needs clock, [uart],"
                " and [storage] with origin"
            )
        self._clock, self._cycles = board.clock, 0
        self._line = TimedLine(wire, board.clock, uart.baud)
        self._image = read_image(elf)
        loaded = load(elf.with_name(ESP_NAME))
        text = _rom_text(loaded)
        for byte in text:
            self._line.send(byte)
        self._line.flush()  # nobody knows the port yet, and whoever opens it drops earlier bytes
        pins = Pins()
        self._uart = Uart(pins, uart.baud, self._line.send, ROM_UNSENT, self._skip)
        rtc, group = RtcWatchdogs(board.clock, self._now), GroupWatchdog(board.clock, self._now)
        self._watchdogs = (rtc.rtc, rtc.super, group.watchdog)
        self._bus = Bus(_places(self._uart, rtc, pins, group), PAGE)
        self._rom = FlashRoutines(
            storage, cells, DATA_BUS, self._read_ram, self._write_ram, self._stall
        )
        self._registers = registers
        self._error = unicorn.UcError
        self._accesses = {
            unicorn.UC_MEM_READ_UNMAPPED: "it reads from {}, where there is nothing",
            unicorn.UC_MEM_WRITE_UNMAPPED: "it writes to {}, where there is nothing",
            unicorn.UC_MEM_FETCH_UNMAPPED: "it jumps to {}, where there is nothing",
            unicorn.UC_MEM_READ_PROT: "it reads from {}, on the bus of instructions; read"
            " constants through the data bus",
            unicorn.UC_MEM_WRITE_PROT: "it writes to {}, which is the image or the ROM",
            unicorn.UC_MEM_FETCH_PROT: "it jumps to {}, which is on the data bus",
        }
        self.unicorn = unicorn.Uc(unicorn.UC_ARCH_RISCV, unicorn.UC_MODE_RISCV32)
        self._map(unicorn)
        self._pc = self._start(loaded, elf)

    def _step(self) -> bool:
        """Run for a byte's time; return False if the wire is gone."""
        self._execute()
        if self._uart.waits():
            self._check_traps()
            for watchdog in self._watchdogs:
                watchdog.check_sleep()
            self._uart.check_receiver()
            if not self._line.wait():
                return False
        self._pass_byte_time()
        return True

    def _execute(self) -> None:
        try:
            self.unicorn.emu_start(self._pc, 0xFFFF_FFFF, count=self._line.byte_cycles)
        except self._error as error:
            self._end(FirmwareFault(f"the core stops: {error}"))
        self._cycles += self._line.byte_cycles
        self._pc = self.unicorn.reg_read(self._registers.UC_RISCV_REG_PC)
        if self._ending is not None:
            raise self._ending
        for watchdog in self._watchdogs:
            watchdog.check()

    # --- time -------------------------------------------------------------------------------------

    def _now(self) -> int:
        """Return the clock cycles since the reset."""
        return self._cycles

    def _pass_byte_time(self) -> None:
        """Let the time of a byte pass on the line, in both directions."""
        self._uart.pass_byte_time()
        byte = self._line.take(self._uart.receives)
        if byte is not None:
            self._uart.receive(byte)

    def _skip(self) -> None:
        """Skip the rest of a byte's time."""
        self.unicorn.emu_stop()

    def _stall(self, seconds: float) -> None:
        """Let time pass while flash works; meanwhile the bytes of the line arrive."""
        cycles = int(seconds * self._clock)
        self._cycles += cycles
        self._line.stall(cycles, self._pass_byte_time)

    # --- memory -----------------------------------------------------------------------------------

    def _map(self, unicorn: Any) -> None:
        self._sram = ctypes.create_string_buffer(CODE_BUS.size)
        memory, code, data = ctypes.addressof(self._sram), CODE_BUS.origin, DATA_BUS.origin
        readable = unicorn.UC_PROT_READ
        self.unicorn.mem_map_ptr(code, CODE_BYTES, unicorn.UC_PROT_EXEC, memory)
        self.unicorn.mem_map_ptr(data, CODE_BYTES, readable, memory)
        self.unicorn.mem_map_ptr(
            data + CODE_BYTES,
            ROM_DATA - data - CODE_BYTES,
            readable | unicorn.UC_PROT_WRITE,
            memory + CODE_BYTES,
        )
        self.unicorn.mem_map(ROM.origin, ROM.size, unicorn.UC_PROT_EXEC)
        self.unicorn.mem_write(ROM.origin, RETURN * (ROM.size // len(RETURN)))
        for page in self._bus.pages():
            self._map_page(page)
        self._code_hook = unicorn.UC_HOOK_CODE
        self.unicorn.hook_add(
            self._code_hook, self._on_rom, None, ROM.origin, ROM.origin + ROM.size - 1
        )
        # Unicorn checks the permission to read memory only if there is a hook for reads.
        self.unicorn.hook_add(unicorn.UC_HOOK_MEM_READ, _ignore, None, code, code + CODE_BYTES)
        self.unicorn.hook_add(unicorn.UC_HOOK_MEM_INVALID, self._on_bad_access)
        self.unicorn.hook_add(unicorn.UC_HOOK_INTR, self._on_exception)

    def _start(self, loaded: Loaded, elf: Path) -> int:
        """Copy the image's segments to the SRAM; return the address where it starts."""
        for address, content in loaded.segments:
            bus = next((bus for bus in (CODE_BUS, DATA_BUS) if bus.holds(address)), None)
            if bus is None or address - bus.origin + len(content) > ROM_DATA - DATA_BUS.origin:
                raise InputError(
                    f"{elf} has {len(content)} bytes for 0x{address:08x}, outside the SRAM that the"
                    " ROM loads; build it for this board"
                )
            offset = address - bus.origin
            ctypes.memmove(ctypes.addressof(self._sram) + offset, content, len(content))
            if bus is CODE_BUS:
                self._watch_sleep(address, content)
        return loaded.entry

    def _watch_sleep(self, address: int, code: bytes) -> None:
        """Call `_on_sleep` at each WFI instruction."""
        at = code.find(WFI)
        while at >= 0:
            place = address + at
            self.unicorn.hook_add(self._code_hook, self._on_sleep, None, place, place)
            at = code.find(WFI, at + 1)

    def _read_ram(self, address: int, count: int) -> bytes:
        return bytes(self.unicorn.mem_read(address, count))

    def _write_ram(self, address: int, content: bytes) -> None:
        self.unicorn.mem_write(address, content)

    def _place(self) -> str:
        """Return the place of the current instruction, or of the call if the ROM runs."""
        if ROM.holds(self._pc):
            return self._image.place(self.unicorn.reg_read(self._registers.UC_RISCV_REG_RA) - 2)
        return self._image.place(self._pc)

    # --- the core ---------------------------------------------------------------------------------

    def _on_rom(self, _engine: Any, address: int, _size: int, _data: Any) -> None:
        """Run a routine of the ROM; the instruction `ret` at its address then returns from it."""
        self._uart.busy()
        self._guarded(lambda: self._call(address))

    def _call(self, address: int) -> None:
        """Run a routine, which uses the stack and all registers that a call may change."""
        names = self._registers
        if address % len(RETURN):
            return  # the instruction after `ret`, which never runs
        stack = self.unicorn.reg_read(names.UC_RISCV_REG_SP)
        if not DATA_BUS.origin + CODE_BYTES <= stack - STACK_BYTES < stack <= ROM_DATA:
            raise FirmwareFault(
                f"it calls the ROM with the stack pointer 0x{stack:08x}, but RAM has less than"
                f" {STACK_BYTES} bytes below it"
            )
        arguments = [names.UC_RISCV_REG_A0 + number for number in range(8)]
        values = self.unicorn.reg_read_batch(arguments)
        self._rom.call(address, [int(value) for value in values])
        self.unicorn.mem_write(stack - STACK_BYTES, bytes([GARBAGE]) * STACK_BYTES)
        changed = [*arguments[1:], *(getattr(names, f"UC_RISCV_REG_T{n}") for n in range(7))]
        garbage = int.from_bytes(bytes([GARBAGE]) * 4, "little")
        self.unicorn.reg_write_batch([(register, garbage) for register in changed])
        self.unicorn.reg_write(arguments[0], 0)

    def _check_traps(self) -> None:
        """Raise FirmwareFault if the core would not find the trap handler."""
        handler = self.unicorn.reg_read(self._registers.UC_RISCV_REG_MTVEC)
        if handler % TRAP_ALIGNMENT:
            raise FirmwareFault(
                f"the trap handler is at 0x{handler:08x}, but the core ignores the lowest 8 bits of"
                f" mtvec; align the handler to {TRAP_ALIGNMENT} bytes"
            )

    def _on_sleep(self, *_arguments: Any) -> None:
        self._end(FirmwareFault("it sleeps in WFI, but no interrupt of this model ends the sleep"))

    def _on_exception(self, _engine: Any, number: int, _data: Any) -> None:
        names = {2: "illegal instruction", 3: "breakpoint", 4: "misaligned load"}
        names |= {6: "misaligned store", 11: "environment call"}
        what = names.get(number, f"number {number}")
        self._end(FirmwareFault(f"it raises an exception: {what}"))

    def _on_bad_access(
        self, _engine: Any, access: int, address: int, _size: int, _value: int, _data: Any
    ) -> bool:
        what = self._accesses.get(access, "it uses {} in a forbidden way")
        self._end(FirmwareFault(what.format(f"0x{address & 0xFFFF_FFFF:08x}")))
        return False


def _places(
    uart: Uart, rtc: RtcWatchdogs, pins: Pins, group: GroupWatchdog
) -> dict[int, Peripheral]:
    return {0x6000_0000: uart, 0x6000_8000: rtc, 0x6000_9000: pins, 0x6001_F000: group}


def _rom_text(loaded: Loaded) -> bytes:
    """Return a short form of the text that the ROM sends while it loads an image."""
    lines = [f"load:0x{at:08x},len:0x{len(content):x}\r\n" for at, content in loaded.segments]
    return ROM_TEXT.format("".join(lines), loaded.entry).encode("ascii")


def _ignore(*_arguments: Any) -> None:
    """Do nothing with a read."""


def run(elf: Path, board: Path) -> None:
    """Run the board until the process is stopped."""
    run_machine(elf, board, Machine)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a board until it is stopped; return the exit code of an error, if any."""
    return run_program("firmware_gen.emulators.esp32c3.machine", __doc__, run, arguments)


if __name__ == "__main__":
    sys.exit(main())
