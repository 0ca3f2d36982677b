"""Calls functions of a Cortex-M image in Unicorn, and records which blocks of code they execute."""

from __future__ import annotations

import importlib
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from firmware_gen.board.board import Board
from firmware_gen.formats.elf import read_image
from ska_edge.errors import ToolError

PAGE = 4096
"""Bytes of a page, the unit in which Unicorn maps memory."""
END = -1
"""The address in a trace for the caller's code, which follows the last block of the function."""


class Block(NamedTuple):
    """Instructions that are executed one after another: their address, and their size in bytes."""

    address: int
    size: int

    @property
    def end(self) -> int:
        """The address after the last instruction."""
        return self.address + self.size


Trace = Counter[tuple[Block | None, Block]]
"""How often each pair of blocks was executed in direct sequence. None comes before the first block.
"""


class Tracer:
    """Calls functions of an image without running its start-up code, and records their blocks.

    Attributes:
        symbols: address of each function and variable, by its name without the compiler's suffixes.

    Raises:
        InputError: the file is not an ELF image.
        ToolError: unicorn, capstone or pyelftools is missing.
    """

    def __init__(self, elf: Path, board: Board) -> None:
        try:
            import capstone

            # Import by name, because unicorn claims to be typed, but most of it is not.
            unicorn: Any = importlib.import_module("unicorn")
        except ImportError as error:
            raise ToolError(
                f"recording a trace needs {error.name}: pip install {error.name}"
            ) from None
        self._arm: Any = importlib.import_module("unicorn.arm_const")
        assert board.memory is not None
        self._stack = board.memory.ram.origin + board.memory.ram.size
        self._return = board.memory.flash.origin + board.memory.flash.size - 2
        self._disassembler = capstone.Cs(
            capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS
        )
        self._disassembler.detail = True
        self._code: dict[Block, list[Any]] = {}
        self.symbols = _symbols(elf)
        self._trace: Trace = Counter()
        self._last: Block | None = None
        self._core = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
        self._core.ctl_set_cpu_model(self._arm.UC_CPU_ARM_CORTEX_M4)
        segments = read_image(elf).segments
        used = [(address, len(content)) for address, content in segments]
        for region in (board.memory.flash, board.memory.ram):
            used.append((region.origin, region.size))
        for page in sorted({page for place in used for page in _pages(*place)}):
            self._core.mem_map(page, PAGE)
        for address, content in segments:
            self._core.mem_write(address, content)
        self._core.hook_add(unicorn.UC_HOOK_BLOCK, self._on_block)

    def call(self, function: str, *arguments: int) -> Trace:
        """Call a function with up to four arguments; return its trace, which ends with END."""
        arm = self._arm
        registers = (arm.UC_ARM_REG_R0, arm.UC_ARM_REG_R1, arm.UC_ARM_REG_R2, arm.UC_ARM_REG_R3)
        for register, value in zip(registers, arguments, strict=False):
            self._core.reg_write(register, value)
        self._core.reg_write(arm.UC_ARM_REG_SP, self._stack)
        self._core.reg_write(arm.UC_ARM_REG_LR, self._return | 1)
        self._trace, self._last = Counter(), None
        self._core.emu_start(self.symbols[function] | 1, self._return)
        self._trace[self._last, Block(END, 0)] += 1
        return self._trace

    def code(self, block: Block) -> list[Any]:
        """Return the instructions of a block, from capstone."""
        if block not in self._code:
            data = bytes(self._core.mem_read(*block))
            self._code[block] = list(self._disassembler.disasm(data, block.address))
        return self._code[block]

    def write(self, address: int, data: bytes) -> None:
        """Write to memory, also to flash."""
        self._core.mem_write(address, data)

    def read(self, address: int, size: int) -> bytes:
        """Read from memory."""
        return bytes(self._core.mem_read(address, size))

    def _on_block(self, _engine: Any, address: int, size: int, _data: Any) -> None:
        block = Block(address, size)
        self._trace[self._last, block] += 1
        self._last = block


def _pages(address: int, size: int) -> range:
    """Return the addresses of the pages that contain `size` bytes from an address on."""
    return range(address // PAGE * PAGE, address + size, PAGE)


def _symbols(elf: Path) -> dict[str, int]:
    from elftools.elf.elffile import ELFFile

    with elf.open("rb") as stream:
        table: Any = ELFFile(stream).get_section_by_name(".symtab")
        kinds = ("STT_FUNC", "STT_OBJECT", "STT_NOTYPE")
        return {
            symbol.name.split(".")[0]: symbol["st_value"] & ~1
            for symbol in table.iter_symbols()
            if symbol["st_info"]["type"] in kinds and not symbol.name.startswith("$")
        }
