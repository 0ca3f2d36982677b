"""Runs a virtual Cortex-M board: an ELF image in Unicorn, with its UART on a pseudo terminal.

    python -m firmware_gen.emulators.cortex_m4 firmware.elf board.toml

prints the path of the serial port and runs until it is stopped. It models the core's instructions,
flash (read only), RAM (not executable), the memory for saves (like RAM) and the CMSDK UART. It also
models two registers of the interrupt controller, which the driver needs for WFI. Any other access
is a fault, reported in one line with exit code 1. While the image computes, the UART buffers
`buffer` bytes (see board.toml); other bytes wait on the wire.
If the environment variable SKA_STORAGE names a file, the memory for saves is in that file.
The board has a sensor: each read of the register at 0x40005000 gives the next byte of the file that
the environment variable SKA_SENSOR names, and 0xFFFFFFFF after the last one, or without a file.
Interrupts, exceptions and time are not modeled: the image runs as fast as it can, and the process
sleeps while the image waits in WFI.
"""

from __future__ import annotations

import ctypes
import importlib
import mmap
import os
import signal
import struct
import sys
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from firmware_gen.board.board import Board, read_board
from firmware_gen.emulators.cells import open_cells
from firmware_gen.emulators.fault import FirmwareFault
from firmware_gen.emulators.program import run_program
from firmware_gen.emulators.wire import Line, Terminal
from firmware_gen.formats.elf import Image, read_image
from ska_edge.errors import InputError, ToolError
from ska_edge.files import refusal

# CMSDK APB UART (Cortex-M System Design Kit TRM, section 4.3): register offsets and bits.
UART_DATA, UART_STATE, UART_CONTROL, UART_INTERRUPT, UART_DIVIDER = 0x0, 0x4, 0x8, 0xC, 0x10
UART_RX_FULL = 0x2
UART_TX_ENABLE, UART_RX_ENABLE, UART_RX_INTERRUPT_ENABLE = 0x1, 0x2, 0x8

# The system control space, and the offsets of NVIC_ISER0 and NVIC_ICPR0 in it.
SYSTEM_CONTROL = 0xE000_E000
NVIC_ENABLE, NVIC_CLEAR_PENDING = 0x100, 0x280

SENSOR, NO_SAMPLE = 0x4000_5000, 0xFFFF_FFFF
"""The address of the sensor's only register, and its value after the last byte."""
PAGE = 0x1000
OUTPUT_LIMIT = 512
"""Output is sent when this many bytes are buffered, even if the firmware reads no input."""


class Machine:
    """A core with its memories and UART after a reset, ready to run `elf`.

    `sensor` are the bytes that the sensor gives. `saves` is the file with the memory for saves;
    without it, the saves end with the process.

    Raises:
        InputError: the image is damaged or does not fit the board, the board cannot be emulated, or
            the file `saves` cannot be used.
        ToolError: unicorn or pyelftools is missing.
    """

    def __init__(
        self,
        elf: Path,
        board: Board,
        wire: Line,
        sensor: bytes = b"",
        saves: Path | None = None,
    ) -> None:
        try:
            # Import by name, because unicorn claims to be typed, but most of it is not.
            unicorn: Any = importlib.import_module("unicorn")
            arm_const: Any = importlib.import_module("unicorn.arm_const")
        except ImportError:
            raise ToolError("the virtual board needs unicorn: pip install unicorn") from None
        cores = {
            "cortex-m0": arm_const.UC_CPU_ARM_CORTEX_M0,
            "cortex-m3": arm_const.UC_CPU_ARM_CORTEX_M3,
            "cortex-m4": arm_const.UC_CPU_ARM_CORTEX_M4,
            "cortex-m7": arm_const.UC_CPU_ARM_CORTEX_M7,
            "cortex-m33": arm_const.UC_CPU_ARM_CORTEX_M33,
        }
        uart = board.uart
        if (
            board.memory is None
            or uart is None
            or uart.base is None
            or uart.rx_interrupt is None
            or board.core not in cores
        ):
            raise InputError(
                f"board {board.name} cannot be emulated here: its board.toml needs [memory], "
                f"[uart] with base and rx_interrupt, and a core out of {', '.join(cores)}"
            )
        self._wire = wire
        self._input: deque[int] = deque()
        self._polled = False  # whether the last read of the UART's state since WFI found it empty
        self._buffer = uart.buffer
        self._output = bytearray()
        self._uart_control = 0
        self._interrupts = 0
        self._rx_interrupt = 1 << uart.rx_interrupt
        self._fault: str | None = None
        self._accesses = {
            unicorn.UC_MEM_READ_UNMAPPED: "it reads from {}, where there is no memory",
            unicorn.UC_MEM_WRITE_UNMAPPED: "it writes to {}, where there is no memory",
            unicorn.UC_MEM_FETCH_UNMAPPED: "it jumps to {}, where there is no memory",
            unicorn.UC_MEM_WRITE_PROT: "it writes to {}, which is flash",
            unicorn.UC_MEM_FETCH_PROT: "it jumps to {}, which is RAM",
        }
        self._errors = {unicorn.UC_ERR_INSN_INVALID: "this core has no such instruction"}
        self._pc_register = arm_const.UC_ARM_REG_PC

        self.unicorn = unicorn.Uc(
            unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS
        )
        self._error = unicorn.UcError
        self.unicorn.ctl_set_cpu_model(cores[board.core])
        flash, ram = board.memory.flash, board.memory.ram
        self.unicorn.mem_map(
            flash.origin, _whole_pages(flash.size), unicorn.UC_PROT_READ | unicorn.UC_PROT_EXEC
        )
        self.unicorn.mem_map(
            ram.origin, _whole_pages(ram.size), unicorn.UC_PROT_READ | unicorn.UC_PROT_WRITE
        )
        storage = board.storage
        if storage is not None and storage.origin is not None:
            size = _whole_pages(storage.size)
            descriptor = -1 if saves is None else open_cells(saves, size)
            self._saves = mmap.mmap(descriptor, size)
            memory = ctypes.c_char.from_buffer(self._saves)
            self.unicorn.mem_map_ptr(
                storage.origin,
                size,
                unicorn.UC_PROT_READ | unicorn.UC_PROT_WRITE,
                ctypes.addressof(memory),
            )
        self.unicorn.mmio_map(uart.base, PAGE, self._read_uart, None, self._write_uart, None)
        self.unicorn.mmio_map(
            SYSTEM_CONTROL, PAGE, self._read_control, None, self._write_control, None
        )
        self._samples = iter(sensor)
        self.unicorn.mmio_map(SENSOR, PAGE, self._read_sensor, None, self._write_sensor, None)
        self.unicorn.hook_add(unicorn.UC_HOOK_MEM_INVALID, self._on_bad_access)
        self.unicorn.hook_add(unicorn.UC_HOOK_INTR, self._on_exception)

        self._image = self._load(elf, board)
        stack, reset = struct.unpack("<II", self.unicorn.mem_read(flash.origin, 8))
        self.unicorn.reg_write(arm_const.UC_ARM_REG_SP, stack)
        self._pc = reset

    def run(self) -> None:
        """Run until the wire is gone.

        Raises:
            FirmwareFault: the firmware did something impossible; the sentence says what and where.
        """
        try:
            while self._fault is None:
                try:
                    # This returns when the firmware waits (WFI) or has failed; the end address is
                    # never reached.
                    self.unicorn.emu_start(self._pc | 1, 0xFFFF_FFFE)
                except self._error as error:
                    self._fail(self._errors.get(error.errno, str(error)))
                self._pc = self.unicorn.reg_read(self._pc_register)
                if self._fault is None and not self._wait():
                    return
        finally:
            self._send()
        raise FirmwareFault(f"the firmware failed at {self._image.place(self._pc)}: {self._fault}")

    def _fail(self, reason: str) -> int:
        """Stop the core and record the first reason; return 0, the result of a failed read.

        An exception would not work: unicorn only prints an exception of a callback that returns a
        number.
        """
        if self._fault is None:
            self._fault = reason
        self.unicorn.emu_stop()
        return 0

    def _wait(self) -> bool:
        """Sleep in WFI until there is a byte to read; return False if the wire is gone."""
        self._send()
        self._polled = False
        if not self._input:
            if not (
                self._interrupts & self._rx_interrupt
                and self._uart_control & UART_RX_INTERRUPT_ENABLE
            ):
                self._fail("it waits for an interrupt that it has not enabled")
                return True
            self._input += self._wire.read(self._buffer)
        return bool(self._input)

    def _send(self) -> None:
        data = bytes(self._output)
        self._output.clear()
        self._wire.write(data)

    def _read_uart(self, _engine: Any, offset: int, _size: int, _data: Any) -> int:
        if offset == UART_STATE:
            if not self._input and self._polled:  # the firmware polls instead of sleeping
                self._send()
                if self._wire.ready():
                    self._input += self._wire.read(self._buffer)
            self._polled = not self._input
            return UART_RX_FULL if self._input else 0
        if offset == UART_DATA:
            if not self._uart_control & UART_RX_ENABLE:
                return self._fail("it reads from the UART before enabling its receiver")
            if self._output:  # an answer does not wait until all requests are processed
                self._send()
            return self._input.popleft() if self._input else 0
        return self._fail(f"it reads the UART's register 0x{offset:x}, which is not modeled")

    def _write_uart(self, _engine: Any, offset: int, _size: int, value: int, _data: Any) -> None:
        if offset == UART_DATA:
            if not self._uart_control & UART_TX_ENABLE:
                self._fail("it writes to the UART before enabling its transmitter")
            self._output.append(value & 0xFF)
            if len(self._output) >= OUTPUT_LIMIT:
                self._send()
        elif offset == UART_CONTROL:
            self._uart_control = value
        elif offset not in (UART_STATE, UART_INTERRUPT, UART_DIVIDER):
            self._fail(f"it writes the UART's register 0x{offset:x}, which is not modeled")

    def _read_sensor(self, _engine: Any, offset: int, _size: int, _data: Any) -> int:
        if offset:
            return self._fail(f"it reads the sensor's register 0x{offset:x}, which does not exist")
        return next(self._samples, NO_SAMPLE)

    def _write_sensor(
        self, _engine: Any, _offset: int, _size: int, _value: int, _data: Any
    ) -> None:
        self._fail("it writes to the sensor, which can only be read")

    def _read_control(self, _engine: Any, offset: int, _size: int, _data: Any) -> int:
        if offset == NVIC_ENABLE:
            return self._interrupts
        return self._fail(
            f"it reads the system register 0x{SYSTEM_CONTROL + offset:x}, which is not modeled"
        )

    def _write_control(self, _engine: Any, offset: int, _size: int, value: int, _data: Any) -> None:
        if offset == NVIC_ENABLE:
            self._interrupts |= value
        elif offset != NVIC_CLEAR_PENDING:
            self._fail(
                f"it writes the system register 0x{SYSTEM_CONTROL + offset:x}, which is not modeled"
            )

    def _on_bad_access(
        self, _engine: Any, access: int, address: int, _size: int, _value: int, _data: Any
    ) -> bool:
        what = self._accesses.get(access, "it uses {} in a forbidden way")
        self._fail(what.format(f"0x{address & 0xFFFF_FFFF:08x}"))
        return False

    def _on_exception(self, _engine: Any, number: int, _data: Any) -> None:
        names = {1: "undefined instruction", 2: "supervisor call", 7: "breakpoint"}
        self._fail(f"it raises an exception: {names.get(number, f'number {number}')}")

    def _load(self, elf: Path, board: Board) -> Image:
        assert board.memory is not None
        image = read_image(elf)
        for address, content in image.segments:
            if not board.memory.flash.holds(address, len(content)):
                raise InputError(
                    f"{elf} has {len(content)} bytes for 0x{address:08x}, outside the flash of "
                    f"board {board.name}; build it for this board"
                )
            self.unicorn.mem_write(address, content)
        return image


def _whole_pages(size: int) -> int:
    return (size + PAGE - 1) // PAGE * PAGE


def run(elf: Path, board: Path) -> None:
    """Print the path of the serial port, and run an image until the process is stopped."""
    # Ctrl-C ends the process at once: an exception in a callback could be lost in the emulator.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    path, saves = os.environ.get("SKA_SENSOR"), os.environ.get("SKA_STORAGE")
    try:
        sensor = Path(path).read_bytes() if path else b""
    except OSError as error:
        raise refusal("read", Path(str(path)), error) from error
    terminal = Terminal()
    saved = Path(saves) if saves else None
    machine = Machine(elf, read_board(board.parent), terminal, sensor, saved)
    print(terminal.port, flush=True)
    machine.run()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a board until it is stopped; return the exit code of an error, if any."""
    return run_program("firmware_gen.emulators.cortex_m4", __doc__, run, arguments)


if __name__ == "__main__":
    sys.exit(main())
