"""A Cortex-M4 or M0 core in Unicorn, with one interrupt and the NMI. A chip adds its peripherals.

Unicorn executes instructions, but has no exceptions; this module adds the interrupt and the NMI,
stacking, the return from a handler, PRIMASK and WFI. Time is counted in clock cycles, one for each
instruction. A byte on the serial line takes the time of its ten bits. From the time when the
receiver is first on, bytes arrive whether or not the firmware reads them. While the core waits in
WFI, the process sleeps until a byte comes.

The chip is strict. If a driver breaks a rule of the reference manual, the run ends with a sentence
that names the rule, even where a real chip would report nothing. Unicorn also executes instructions
that a Cortex-M0 lacks. So this module refuses images with such instructions for a Cortex-M0. It
does not notice unaligned accesses, which a Cortex-M0 forbids; QEMU notices them on the board
qemu-m0.
"""

from __future__ import annotations

import importlib
import struct
from pathlib import Path
from typing import Any

from firmware_gen.board.board import Board
from firmware_gen.board.memory import Region
from firmware_gen.emulators.cells import ERASED, Cells
from firmware_gen.emulators.chips.bus import Bus, Nvic
from firmware_gen.emulators.chips.chip import MakeChip, Surroundings
from firmware_gen.emulators.chips.cortex_m.armv6m import missing_instruction
from firmware_gen.emulators.chips.cortex_m.stacking import EXC_RETURN, Stacking
from firmware_gen.emulators.chips.cortex_m.systick import SYSTICK, SYSTICK_BYTES, SysTick
from firmware_gen.emulators.fault import FirmwareFault
from firmware_gen.emulators.timed_line import TimedLine
from firmware_gen.emulators.unicorn_core import UnicornCore
from firmware_gen.emulators.wire import Line
from firmware_gen.formats.elf import Image, read_image
from ska_edge.errors import InputError, ToolError

UNMASK, MASK, SLEEP = b"\x62\xb6", b"\x72\xb6", b"\x30\xbf"
"""The instructions `cpsie i`, `cpsid i` and `wfi`."""
RETURN = 8
"""The number of the exception by which Unicorn reports a return from a handler."""
NMI, FIRST_INTERRUPT = 2, 16
"""Indices in the vector table."""
NO_PROGRESS = -1
"""The value of `_handling` in the handler of the NMI. In the UART's handler, the value is the
`progress` at entry.
"""


class Core(UnicornCore):
    """A core after a reset, ready to run the image `elf` on a chip.

    `counting` adds a SysTick that counts instructions; the core is then much slower.

    Raises:
        InputError: the image is damaged or does not suit the chip, or board.toml lacks what the
            chip needs.
        ToolError: unicorn or pyelftools is missing.
    """

    def __init__(
        self,
        elf: Path,
        board: Board,
        chip: MakeChip,
        wire: Line,
        cells: Cells,
        counting: bool = False,
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
        self._line = TimedLine(wire, board.clock, uart.baud)
        self._number = uart.rx_interrupt
        self._nvic = Nvic()
        self._sleeps: set[int] = set()
        self._handling: int | None = None
        self._returned = self._stopped = self._delayed = False
        self._counter = registers.UC_ARM_REG_PC
        self._pointer = registers.UC_ARM_REG_SP
        self._error = unicorn.UcError
        self._chip = chip(
            Surroundings(
                board, cells, self._line.send, self._stall, lambda: self._handling is not None
            )
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
        self._stacking = Stacking(self.unicorn, registers, self._chip.ram)
        self._map_memories(unicorn, Region(storage.origin, storage.size))
        for page in self._bus.pages():
            self._map_page(page)
        self._image = self._load(elf, Region(storage.origin, storage.size), unicorn)
        self.unicorn.hook_add(unicorn.UC_HOOK_MEM_INVALID, self._on_bad_access)
        self.unicorn.hook_add(unicorn.UC_HOOK_INTR, self._on_exception)
        if counting:
            self._count(unicorn.UC_HOOK_CODE)
        self._pc = self._reset()

    def _step(self) -> bool:
        """Run for a byte's time, or until an event; return False if the wire is gone."""
        self._execute()
        if self._returned:
            self._leave_handler()
        elif self._waits():
            if not self._sleep():
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
        """Run for the time of a byte, or less if an event stops the core."""
        self._returned = self._stopped = False
        try:
            self.unicorn.emu_start(self._pc | 1, 0xFFFF_FFFE, count=self._line.byte_cycles)
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
        if self._handling is not None:
            raise FirmwareFault("it sleeps in the handler of an exception, which nothing ends")
        if self._requested():
            return True
        if self._number not in self._nvic.enabled:
            register = f"NVIC_ISER{self._number // 32}"
            raise FirmwareFault(
                f"it sleeps, but interrupt {self._number} of the UART is not enabled; set bit"
                f" {self._number % 32} of {register}"
            )
        deaf = self._chip.uart.deaf()
        if deaf is not None:
            raise FirmwareFault(f"it sleeps, but no byte can wake it: {deaf}")
        if not self._line.wait():
            return False
        self._arrive()
        return True

    def _arrive(self) -> None:
        """Let the next byte of the line arrive, if there is one."""
        byte = self._line.take(self._chip.uart.receives)
        if byte is not None:
            self._chip.uart.receive(byte)

    def _stall(self, cycles: int) -> None:
        """Halt the core for these cycles; meanwhile the bytes of the line arrive."""
        self._line.stall(cycles, self._arrive)

    # --- the interrupt ----------------------------------------------------------------------------

    def _requested(self) -> bool:
        """Tell whether the NMI or the interrupt is pending, masked or not."""
        if self._chip.alarm() is not None:
            return True
        return self._number in self._nvic.enabled and self._chip.uart.request() is not None

    def _enter_handler(self) -> None:
        """Enter a handler if one is requested and allowed (Armv7-M ARM, B1.5.6)."""
        if self._handling == NO_PROGRESS:
            return
        if self._chip.alarm() is not None:
            if self._handling is not None:
                raise FirmwareFault(
                    f"{self._chip.alarm()} raises the NMI while the interrupt handler runs, and the"
                    " stack has no room for both; read the flash for saves only while interrupts"
                    " are masked"
                )
            self._enter(NMI, NO_PROGRESS)
        elif self._handling is None and self._requested() and not self._stacking.masked():
            self._enter(FIRST_INTERRUPT + self._number, self._chip.uart.progress)

    def _enter(self, vector: int, progress: int) -> None:
        (handler,) = struct.unpack(
            "<I", self.unicorn.mem_read(self._chip.flash.origin + 4 * vector, 4)
        )
        if not handler & 1 or not self._chip.flash.holds(handler):
            raise FirmwareFault(
                f"exception {vector} has no handler: the vector table has 0x{handler:08x}"
            )
        self._stacking.push(self._pc)
        self._handling, self._pc = progress, handler

    def _leave_handler(self) -> None:
        self._pc = self._stacking.pop()
        before, self._handling = self._handling, None
        request = self._chip.uart.request()
        left = self._chip.alarm() if before == NO_PROGRESS else None
        if request is not None and before == self._chip.uart.progress:
            left = request
        if left is not None:
            raise FirmwareFault(
                f"the interrupt handler leaves {left} set, so the interrupt comes again for ever"
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
            what = self._accesses.get(access, "it uses {} in a forbidden way")
            self._end(FirmwareFault(what.format(f"0x{address:08x}")))
        return False

    def _return(self) -> None:
        self._returned = True
        self.unicorn.emu_stop()

    def _on_unmasked(self, _engine: Any, address: int, _size: int, _data: Any) -> None:
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

    def _count(self, each_instruction: int) -> None:
        systick = SysTick()

        def count(_engine: Any, _address: int, _size: int, _data: Any) -> None:
            systick.executed += 1

        self._bus.add(SYSTICK, SYSTICK_BYTES, systick)
        self.unicorn.hook_add(each_instruction, count)

    def _place(self) -> str:
        return self._image.place(self._pc)

    def _load(self, elf: Path, saves: Region, unicorn: Any) -> Image:
        """Load the image into flash, and find its instructions `wfi` and `cpsie i`."""
        image = read_image(elf)
        missing = missing_instruction(image) if self._chip.core == "cortex-m0" else None
        if missing is not None:
            raise InputError(
                f"{elf} has an instruction at {image.place(missing)} that a Cortex-M0 lacks; build"
                " it with -mcpu=cortex-m0"
            )
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

    def _reset(self) -> int:
        """Set the stack pointer from the vector table; return where the core starts."""
        flash, ram = self._chip.flash, self._chip.ram
        stack, start = struct.unpack("<II", self.unicorn.mem_read(flash.origin, 8))
        if not ram.holds(stack - 1) or not start & 1 or not flash.holds(start):
            raise InputError(
                f"{self._image.path} has no vector table at 0x{flash.origin:08x}, where this chip"
                " starts; link it with the board's linker script"
            )
        self.unicorn.reg_write(self._pointer, stack)
        return int(start)
