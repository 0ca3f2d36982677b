"""What an image takes: flash and RAM from its sections, stack from its machine code.

The stack figure is a worst case, not a sample. Every function reachable from the vector table is
disassembled; the stack pointer is followed through it, and each direct call and tail call adds what
the called function needs at the depth of that call. The compiler's own library routines (64-bit
division, memory copies) are counted like the rest. What has no bound is an error, not a guess:
recursion, calls through pointers, and frames of variable size.

An exception can come at any moment and pushes a frame of its own, so the worst handler comes on top
once. Handlers that interrupt each other would add more; no interrupt is enabled in our images.
"""

from __future__ import annotations

import bisect
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ska_edge.errors import CheckError, InputError, ToolError

VECTORS = "ska_vectors"
"""The symbol of the vector table: initial stack pointer, reset, then the exception handlers."""

EXCEPTION_FRAME = 36
"""Bytes the core pushes on an exception: 8 registers and up to 4 bytes to align to 8 (Armv7-M
Architecture Reference Manual, B1.5.7)."""
FLOAT_FRAME = 72
"""Bytes more where the floating-point unit is in use: 17 registers and a reserved word (the same
section). Our images leave it off."""

_FLOAT_ABI = 0x400  # EF_ARM_ABI_FLOAT_HARD in e_flags (ELF for the Arm Architecture, section 5.2)


@dataclass(frozen=True)
class Usage:
    """Bytes of flash, RAM (without stack) and stack; `stack` is None for the host's own code."""

    flash: int
    ram: int
    stack: int | None


@dataclass(frozen=True)
class Call:
    """A call: bytes of the caller's frame in use at it, and the address called."""

    depth: int
    target: int


@dataclass(frozen=True)
class Frame:
    """What one function does to the stack: its own bytes at most, and its calls."""

    size: int
    calls: tuple[Call, ...]


@dataclass(frozen=True)
class Function:
    """A function of the image: its name, first address and length in bytes."""

    name: str
    start: int
    size: int


def measure(elf: Path) -> Usage:
    """Measure a linked ELF image.

    Raises:
        CheckError: the stack has no bound that can be known.
        InputError: the file is no ELF image.
        ToolError: pyelftools or capstone is missing.
    """
    try:
        from elftools.common.exceptions import ELFError
        from elftools.elf.constants import SH_FLAGS
        from elftools.elf.elffile import ELFFile
    except ImportError:
        raise ToolError("measuring an image needs pyelftools: pip install pyelftools") from None

    with elf.open("rb") as stream:
        try:
            image = ELFFile(stream)
        except ELFError as error:
            raise InputError(f"{elf} is no ELF image ({error}); build the project again") from None
        flash = ram = 0
        for section in image.iter_sections():
            if section["sh_flags"] & SH_FLAGS.SHF_ALLOC:
                if section["sh_type"] != "SHT_NOBITS":
                    flash += section["sh_size"]
                # lld fills a page up by a section of its own: no variables, only on the host.
                if section["sh_flags"] & SH_FLAGS.SHF_WRITE and section.name != ".relro_padding":
                    ram += section["sh_size"]
        stack = Code(image).stack() if image["e_machine"] == "EM_ARM" else None
    return Usage(flash=flash, ram=ram, stack=stack)


@dataclass(frozen=True)
class Step:
    """What one instruction does: bytes pushed (less those popped), where it goes, how it ends.

    `ends`: the next instruction is not reached from here.
    """

    growth: int = 0
    target: int | None = None
    is_call: bool = False
    ends: bool = False


class Code:
    """The functions of an Arm Thumb image, disassembled on demand."""

    def __init__(self, image: Any) -> None:
        try:
            import capstone
        except ImportError:
            raise ToolError("measuring the stack needs capstone: pip install capstone") from None
        self._disassembler = capstone.Cs(
            capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS
        )
        self._disassembler.detail = True
        self._sections = [
            (section["sh_addr"], section.data())
            for section in image.iter_sections()
            if section["sh_flags"] & 0x2 and section["sh_type"] == "SHT_PROGBITS"
        ]
        self._functions: dict[int, Function] = {}
        self._vectors: tuple[int, int] | None = None
        marks: dict[int, bool] = {}  # address -> whether data (a literal pool) begins there
        for symbol in image.get_section_by_name(".symtab").iter_symbols():
            address, size = symbol["st_value"], symbol["st_size"]
            if symbol["st_info"]["type"] == "STT_FUNC":
                start = address & ~1
                known = self._functions.get(start)
                if known is None or known.size < size:
                    self._functions[start] = Function(symbol.name, start, size)
            elif symbol.name == VECTORS:
                self._vectors = (address, size)
            elif symbol.name[:2] in ("$t", "$d"):
                # Empty data at the address of a function would hide it: code wins.
                marks[address] = marks.get(address, True) and symbol.name.startswith("$d")
        self._starts = sorted(self._functions)
        self._mark_addresses = sorted(marks)
        self._is_data = [marks[address] for address in self._mark_addresses]
        self._needs: dict[int, int] = {}
        self._exception_frame = EXCEPTION_FRAME
        if image["e_flags"] & _FLOAT_ABI:
            self._exception_frame += FLOAT_FRAME

    def stack(self) -> int:
        """Worst case of the stack in bytes: from reset, with the worst exception on top."""
        if self._vectors is None:
            raise CheckError(
                f"the image has no symbol {VECTORS}, so its stack cannot be measured; "
                "call the vector table in startup.c by that name"
            )
        address, size = self._vectors
        words = struct.unpack(f"<{size // 4}I", self._bytes(address, size))
        reset, *handlers = [word & ~1 for word in words[1:] if word != 0]
        worst_handler = max((self._need(handler, ()) for handler in handlers), default=0)
        return self._need(reset, ()) + self._exception_frame + worst_handler

    def _need(self, target: int, path: tuple[str, ...]) -> int:
        """Stack in bytes that a call of the function at `target` needs, all it calls included."""
        function = self._functions.get(target) or self._around(target)
        if function is None:
            raise CheckError(
                f"{path[-1] if path else VECTORS} calls 0x{target:x}, where no function starts, "
                "so the stack has no known bound"
            )
        if function.name in path:
            circle = " -> ".join((*path[path.index(function.name) :], function.name))
            raise CheckError(f"recursion ({circle}): the stack has no bound; write it as a loop")
        if target not in self._needs:
            frame = self.frame(function)
            inner = (*path, function.name)
            below = [call.depth + self._need(call.target, inner) for call in frame.calls]
            self._needs[target] = max([frame.size, *below])
        return self._needs[target]

    def _around(self, address: int) -> Function | None:
        """The function that an address lies in.

        Routines of the compiler's library jump into the middle of each other. What they have pushed
        by then counts, and so does all that the other one pushes, so the sum can only be too large.
        """
        at = bisect.bisect_right(self._starts, address) - 1
        if at < 0:
            return None
        function = self._functions[self._starts[at]]
        return function if address < function.start + function.size else None

    def functions(self) -> tuple[Function, ...]:
        """All functions of the image, by address."""
        return tuple(self._functions[start] for start in self._starts)

    def frame(self, function: Function) -> Frame:
        """Follow the stack pointer through one function.

        A branch carries its depth to its target. Code after a return that no earlier branch leads
        to is taken at the greatest depth so far, so the result can only be too large.
        """
        depth = size = 0
        end = function.start + function.size
        reached = True
        at_target: dict[int, int] = {}
        calls: list[Call] = []
        for instruction in self._instructions(function):
            step = _step(function.name, instruction)
            arriving = at_target.get(instruction.address)
            if not reached:
                depth = size if arriving is None else arriving
            elif arriving is not None:
                depth = max(depth, arriving)
            reached = not step.ends
            if step.target is not None:
                if step.is_call or not function.start <= step.target < end:
                    calls.append(Call(depth, step.target))
                else:
                    at_target[step.target] = max(depth, at_target.get(step.target, 0))
            depth += step.growth
            size = max(size, depth)
        return Frame(size, tuple(calls))

    def _instructions(self, function: Function) -> Iterator[Any]:
        """The instructions of a function, without the literal pools in it.

        Raises:
            CheckError: there is something that is no instruction.
        """
        at = bisect.bisect_right(self._mark_addresses, function.start) - 1
        start, end = function.start, function.start + function.size
        data = at >= 0 and self._is_data[at]
        while start < end:
            at += 1
            stop = min(end, self._mark_addresses[at]) if at < len(self._mark_addresses) else end
            if not data:
                for instruction in self._disassembler.disasm(
                    self._bytes(start, stop - start), start
                ):
                    start += instruction.size
                    yield instruction
                if start < stop:
                    raise CheckError(
                        f"{function.name} has at 0x{start:x} what is no instruction, "
                        "so the stack cannot be measured"
                    )
            start = stop
            data = at < len(self._is_data) and self._is_data[at]

    def _bytes(self, address: int, size: int) -> bytes:
        for origin, content in self._sections:
            if origin <= address and address + size <= origin + len(content):
                return bytes(content[address - origin : address - origin + size])
        raise CheckError(f"the image has no bytes at 0x{address:x}; build the project again")


def _step(name: str, instruction: Any) -> Step:
    """What an instruction of the function `name` does to the stack pointer and to the flow.

    Raises:
        CheckError: it goes to, or moves the stack pointer by, what only the running code knows.
    """
    from capstone import arm_const as arm

    kind, operands = instruction.id, instruction.operands
    always = instruction.cc == arm.ARM_CC_AL
    if kind in (arm.ARM_INS_BL, arm.ARM_INS_BLX) and operands[0].type == arm.ARM_OP_IMM:
        return Step(target=operands[0].imm, is_call=True)
    if kind == arm.ARM_INS_B:
        return Step(target=operands[0].imm, ends=always)
    if kind in (arm.ARM_INS_CBZ, arm.ARM_INS_CBNZ):
        return Step(target=operands[1].imm)
    if kind in (arm.ARM_INS_TBB, arm.ARM_INS_TBH, arm.ARM_INS_UDF):
        return Step(ends=True)  # a table of jumps within the function; the end of a dead end
    if kind == arm.ARM_INS_BX and operands[0].reg == arm.ARM_REG_LR:
        return Step(ends=always)

    # Capstone does not list the stack pointer among what these write.
    if kind in (arm.ARM_INS_VPUSH, arm.ARM_INS_VPOP):
        names = [instruction.reg_name(operand.reg) for operand in operands]
        growth = sum(8 if name.startswith("d") else 4 for name in names)
        return Step(growth if kind == arm.ARM_INS_VPUSH else -growth)

    where = f"{name} at 0x{instruction.address:x} ({instruction.mnemonic} {instruction.op_str})"
    written = instruction.regs_access()[1]
    if arm.ARM_REG_PC in written:
        if kind == arm.ARM_INS_POP or (
            kind == arm.ARM_INS_LDR and operands[1].mem.base == arm.ARM_REG_SP
        ):
            return Step(ends=always)  # a return; what it pops no longer matters here
        raise CheckError(
            f"{where} calls through a pointer, so the stack has no known bound; call directly"
        )
    if arm.ARM_REG_SP not in written:
        return Step()
    if kind in (arm.ARM_INS_PUSH, arm.ARM_INS_POP):
        growth = 4 * len(operands)
        return Step(growth if kind == arm.ARM_INS_PUSH else -growth)
    if kind in (arm.ARM_INS_SUB, arm.ARM_INS_ADD) and operands[-1].type == arm.ARM_OP_IMM:
        growth = operands[-1].imm
        return Step(growth if kind == arm.ARM_INS_SUB else -growth)
    if kind in (arm.ARM_INS_STR, arm.ARM_INS_STRD) and operands[-1].type == arm.ARM_OP_MEM:
        return Step(-operands[-1].mem.disp)  # a push of one or two registers
    if kind in (arm.ARM_INS_LDR, arm.ARM_INS_LDRD) and operands[-1].type == arm.ARM_OP_IMM:
        return Step(-operands[-1].imm)  # a pop of one or two registers
    if kind == arm.ARM_INS_MOV and operands[1].reg == arm.ARM_REG_R7:
        return Step()  # back to the frame pointer at the end of a function: it only gives back
    raise CheckError(
        f"{where} moves the stack by an amount that only the running code knows, "
        "so the stack has no known bound; use arrays of fixed size"
    )
