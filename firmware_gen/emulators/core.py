"""A Cortex-M4 core in Unicorn, with one interrupt. A chip adds its peripherals.

Unicorn executes instructions, but has no exceptions; this module adds the one interrupt that the
firmware uses: stacking, the return, PRIMASK and WFI. Time is counted in clock cycles, one for each
instruction. A byte on the serial line takes the time of its ten bits, and arrives whether or not
the firmware reads it. In WFI, time passes until a byte comes, and the process sleeps.

The chip is strict. If a driver breaks a rule of the reference manual, the run ends with a sentence
that names the rule, even where a real chip would only be silent.
"""

from __future__ import annotations

import importlib
import struct
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from firmware_gen.board import Board, Region
from firmware_gen.emulators.bits import bit, flag
from firmware_gen.emulators.bus import PAGE, Bus, Nvic
from firmware_gen.emulators.cells import ERASED, Cells, PowerFailure
from firmware_gen.emulators.chip import MakeChip, Surroundings
from firmware_gen.emulators.fault import FirmwareFault
from firmware_gen.emulators.wire import Line
from firmware_gen.image import Image, read_image
from ska_edge.errors import InputError, ToolError

EXC_RETURN = 0xFFFF_FFF9
"""The link register's value in a handler that interrupted the thread (Armv7-M ARM, B1.5.8)."""
UNMASK, MASK, SLEEP = b"\x62\xb6", b"\x72\xb6", b"\x30\xbf"
"""The instructions `cpsie i`, `cpsid i` and `wfi`."""
RETURN = 8
"""The number of the exception by which Unicorn reports a return from a handler."""
FRAME = ("R0", "R1", "R2", "R3", "R12", "LR")
"""Registers that the core stacks before the return address and the status."""
FRAME_BYTES = 32
BITS_PER_BYTE = 10
OUTPUT_LIMIT = 512
"""Output is sent when this many bytes are buffered, even if the firmware never sleeps."""
PIECE = 256
"""The most bytes that are taken from the wire at once."""


class Core:
    """A core after a reset, ready to run the image `elf` on a chip.

    Raises:
        InputError: the image does not fit the chip, or the board lacks what the chip needs.
        ToolError: unicorn or pyelftools is missing.
    """

    def __init__(
        self,
        elf: Path,
        board: Board,
        chip: MakeChip,
        wire: Line,
        cells: Cells,
    ) -> None:
        try:
            # Import by name, because unicorn claims to be typed, but most of it is not.
            unicorn: Any = importlib.import_module("unicorn")
            registers: Any = importlib.import_module("unicorn.arm_const")
        except ImportError:
            raise ToolError(f"board {board.name} needs unicorn: pip install unicorn") from None
        uart, storage = board.uart, board.storage
        if (
            uart is None
            or uart.rx_interrupt is None
            or board.clock is None
            or storage is None
            or storage.origin is None
        ):
            raise InputError(
                f"board {board.name} cannot be emulated here: its board.toml needs clock, [uart]"
                " with base and rx_interrupt, and [storage] with origin"
            )
        self._wire = wire
        self._line: deque[int] = deque()
        self._output = bytearray()
        self._byte_cycles = BITS_PER_BYTE * board.clock // uart.baud
        self._stalled = 0
        self._number = uart.rx_interrupt
        self._nvic = Nvic()
        self._sleeps: set[int] = set()
        self._handling: int | None = None
        self._returned = self._stopped = self._delayed = False
        self._ending: Exception | None = None
        self._counter = registers.UC_ARM_REG_PC
        self._stack, self._link = registers.UC_ARM_REG_SP, registers.UC_ARM_REG_LR
        names = ("PRIMASK", "SP", "XPSR", *FRAME)
        self._at_entry = [getattr(registers, f"UC_ARM_REG_{name}") for name in names]
        self._error = unicorn.UcError
        self._chip = chip(
            Surroundings(board, cells, self._send, self._stall, lambda: self._handling is not None)
        )
        self._bus = Bus(self._chip.peripherals, self._chip.register_bytes, self._nvic)
        self._returns = (unicorn.UC_MEM_FETCH_UNMAPPED, unicorn.UC_MEM_FETCH_PROT)
        self._accesses = {
            unicorn.UC_MEM_READ_UNMAPPED: "it reads from {}, where there is nothing",
            unicorn.UC_MEM_WRITE_UNMAPPED: "it writes to {}, where there is nothing",
            unicorn.UC_MEM_FETCH_UNMAPPED: "it jumps to {}, where there is nothing",
            unicorn.UC_MEM_WRITE_PROT: "it writes to {}, which is flash of the image",
            unicorn.UC_MEM_FETCH_PROT: "it jumps to {}, which is RAM",
        }
        self.unicorn = unicorn.Uc(
            unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS
        )
        self.unicorn.ctl_set_cpu_model(registers.UC_CPU_ARM_CORTEX_M4)
        self._map_memories(unicorn, Region(storage.origin, storage.size))
        for page in self._bus.pages():
            self._map_page(page)
        self._image = self._load(elf, Region(storage.origin, storage.size), unicorn)
        self.unicorn.hook_add(unicorn.UC_HOOK_MEM_INVALID, self._on_bad_access)
        self.unicorn.hook_add(unicorn.UC_HOOK_INTR, self._on_exception)
        self._pc, self._handler = self._reset()

    def run(self) -> None:
        """Run until the wire is gone.

        Raises:
            FirmwareFault: the firmware broke a rule of the chip; the sentence names rule and place.
            PowerFailure: the power failure that was planned in the cells has come.
        """
        try:
            while self._step():
                pass
        except FirmwareFault as fault:
            place = self._image.place(self._pc)
            raise FirmwareFault(f"the firmware failed at {place}: {fault}") from None
        finally:
            self._flush()

    def _step(self) -> bool:
        """Run for a byte's time or less, then handle what ended it; return False without a wire."""
        self._execute()
        if self._returned:
            self._leave_handler()
        elif self._waits():
            if not self._requested() and not self._sleep():
                return False
        elif not self._stopped:
            # If the interrupt is requested already, a byte has come during a stall, in the middle
            # of this run. The next byte comes a byte time after that byte, so it waits for the end
            # of the next run.
            self._delayed = self._requested() and not self._delayed
            if not self._delayed:
                self._arrive()
        self._enter_handler()
        return True

    def _execute(self) -> None:
        """Run for the time of a byte.

        Stop earlier at WFI, at the handler's return, and at an unmask with a pending interrupt.
        """
        self._returned = self._stopped = False
        try:
            self.unicorn.emu_start(self._pc | 1, 0xFFFF_FFFE, count=self._byte_cycles)
        except self._error as error:
            if not self._returned and self._ending is None:
                self._ending = FirmwareFault(f"the core stops: {error}")
        self._pc = self.unicorn.reg_read(self._counter)
        if self._ending is not None:
            raise self._ending

    # --- the line ---------------------------------------------------------------------------------

    def _waits(self) -> bool:
        """Tell whether the last instruction was WFI."""
        return self._pc - len(SLEEP) in self._sleeps

    def _sleep(self) -> bool:
        """Wait for a byte; return False if the wire is gone."""
        if self._number not in self._nvic.enabled:
            register = f"NVIC_ISER{self._number // 32}"
            raise FirmwareFault(
                f"it sleeps, but interrupt {self._number} of the UART is not enabled; set bit"
                f" {self._number % 32} of {register}"
            )
        deaf = self._chip.uart.deaf()
        if deaf is not None:
            raise FirmwareFault(f"it sleeps, but no byte can wake it: {deaf}")
        self._flush()
        if not self._line:
            self._line += self._wire.read(PIECE)
        if not self._line:
            return False
        self._arrive()
        return True

    def _arrive(self) -> None:
        """Let the next byte of the line arrive, if there is one."""
        if len(self._output) >= OUTPUT_LIMIT or not self._line:
            self._flush()
        if not self._line and self._wire.ready():
            self._line += self._wire.read(PIECE)
        if self._line:
            self._chip.uart.receive(self._line.popleft())

    def _stall(self, cycles: int) -> None:
        """Let the core stand still; meanwhile the bytes of the line arrive."""
        self._stalled += cycles
        while self._stalled >= self._byte_cycles:
            self._stalled -= self._byte_cycles
            self._arrive()
            if not self._line:
                self._stalled %= self._byte_cycles

    def _send(self, byte: int) -> None:
        self._output.append(byte & 0xFF)

    def _flush(self) -> None:
        data = bytes(self._output)
        self._output.clear()
        if data:
            self._wire.write(data)

    # --- the interrupt ----------------------------------------------------------------------------

    def _requested(self) -> bool:
        return self._number in self._nvic.enabled and self._chip.uart.request() is not None

    def _enter_handler(self) -> None:
        """Enter the interrupt handler if it is requested and allowed (Armv7-M ARM, B1.5.6)."""
        if self._handling is not None or not self._requested():
            return
        masked, stack, status, *frame = self.unicorn.reg_read_batch(self._at_entry)
        if masked & 1:
            return
        # The frame is aligned to 8 bytes; bit 9 of the status tells whether that left a gap.
        status = status & ~0x3FF | flag(24) | flag(9, bool(stack & 4))
        stack = (stack & ~7) - FRAME_BYTES
        if not self._chip.ram.holds(stack, FRAME_BYTES):
            raise FirmwareFault("an interrupt finds no stack: it is full, or outside RAM")
        self.unicorn.mem_write(stack, struct.pack("<8I", *frame, self._pc & ~1, status))
        self.unicorn.reg_write_batch([(self._stack, stack), (self._link, EXC_RETURN)])
        if not self._handler & 1 or not self._chip.flash.holds(self._handler):
            raise FirmwareFault(
                f"interrupt {self._number} has no handler: the vector table has"
                f" 0x{self._handler:08x}"
            )
        self._handling = self._chip.uart.progress
        self._pc = self._handler

    def _leave_handler(self) -> None:
        """Return from the interrupt handler."""
        stack = self.unicorn.reg_read(self._stack)
        *values, self._pc, status = struct.unpack("<8I", self.unicorn.mem_read(stack, FRAME_BYTES))
        stack += FRAME_BYTES + (4 if bit(status, 9) else 0)
        status &= ~flag(9)
        values = [stack, status, *values]
        self.unicorn.reg_write_batch(list(zip(self._at_entry[1:], values, strict=True)))
        before, self._handling = self._handling, None
        request = self._chip.uart.request()
        if request is not None and before == self._chip.uart.progress:
            raise FirmwareFault(
                f"the interrupt handler leaves {request} set, so the interrupt comes again for ever"
            )

    def _on_exception(self, _engine: Any, number: int, _data: Any) -> None:
        names = {1: "undefined instruction", 2: "supervisor call", 7: "breakpoint"}
        if number == RETURN and self._handling is not None:
            self._return()
        else:
            self._end(
                FirmwareFault(f"it raises an exception: {names.get(number, f'number {number}')}")
            )

    def _on_bad_access(
        self, _engine: Any, access: int, address: int, _size: int, _value: int, _data: Any
    ) -> bool:
        address &= 0xFFFF_FFFF
        if access in self._returns and address | 1 == EXC_RETURN and self._handling is not None:
            self._return()
        else:
            what = self._accesses.get(access, "it uses {}, as it must not")
            self._end(FirmwareFault(what.format(f"0x{address:08x}")))
        return False

    def _return(self) -> None:
        self._returned = True
        self.unicorn.emu_stop()

    def _on_unmasked(self, _engine: Any, address: int, _size: int, _data: Any) -> None:
        """Stop after `cpsie i` if an interrupt waits."""
        if not self._requested() or self._handling is not None:
            return
        if bytes(self.unicorn.mem_read(address, len(MASK))) == MASK:
            self._end(
                FirmwareFault(
                    "it masks interrupts directly after unmasking them, so a pending one may never"
                    " be taken; put an ISB between the two instructions"
                )
            )
            return
        self._stopped = True
        self.unicorn.emu_stop()

    # --- memory -----------------------------------------------------------------------------------

    def _end(self, reason: Exception) -> int:
        """Stop the core and record the first reason; return 0, the result of a failed read.

        An exception would not work: unicorn only prints an exception of a callback that returns a
        number.
        """
        if self._ending is None:
            self._ending = reason
        self.unicorn.emu_stop()
        return 0

    def _map_memories(self, unicorn: Any, saves: Region) -> None:
        flash, ram = self._chip.flash, self._chip.ram
        executable = unicorn.UC_PROT_READ | unicorn.UC_PROT_EXEC
        for start, end in (
            (flash.origin, saves.origin),
            (saves.origin + saves.size, flash.origin + flash.size),
        ):
            if start < end:
                self.unicorn.mem_map(start, end - start, executable)
                self.unicorn.mem_write(start, ERASED * (end - start))
        self.unicorn.mem_map(ram.origin, ram.size, unicorn.UC_PROT_READ | unicorn.UC_PROT_WRITE)

        def look(_engine: Any, offset: int, size: int, _data: Any) -> int:
            return self._guarded(lambda: self._chip.look(offset, size))

        def program(_engine: Any, offset: int, size: int, value: int, _data: Any) -> None:
            self._guarded(lambda: self._chip.program(offset, size, value))

        self.unicorn.mmio_map(saves.origin, saves.size, look, None, program, None)

    def _map_page(self, page: int) -> None:
        """Map a page that has registers."""

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

    def _load(self, elf: Path, saves: Region, unicorn: Any) -> Image:
        """Load the image into flash, and find the places where interrupts are unmasked."""
        image = read_image(elf)
        flash = self._chip.flash
        for address, content in image.segments:
            size = len(content)
            if not flash.holds(address, size) or (
                address < saves.origin + saves.size and saves.origin < address + size
            ):
                raise InputError(
                    f"{elf} has {size} bytes for 0x{address:08x}, outside the flash that this board"
                    " has for an image; build it for this board"
                )
            self.unicorn.mem_write(address, content)
            for at in range(0, size - 1, 2):
                if content[at : at + 2] == SLEEP:
                    self._sleeps.add(address + at)
                elif content[at : at + 2] == UNMASK:
                    after = address + at + 2
                    self.unicorn.hook_add(
                        unicorn.UC_HOOK_CODE, self._on_unmasked, None, after, after
                    )
        return image

    def _reset(self) -> tuple[int, int]:
        """Set the stack pointer from the vector table; return where core and handler start."""
        flash, ram = self._chip.flash, self._chip.ram
        stack, start = struct.unpack("<II", self.unicorn.mem_read(flash.origin, 8))
        if not ram.holds(stack - 1) or not start & 1 or not flash.holds(start):
            raise InputError(
                f"{self._image.path} has no vector table at 0x{flash.origin:08x}, where this chip"
                " starts; link it with the board's linker script"
            )
        self.unicorn.reg_write(self._stack, stack)
        vector = flash.origin + 4 * (16 + self._number)
        (handler,) = struct.unpack("<I", self.unicorn.mem_read(vector, 4))
        return start, handler
