"""Finds the stack of an Arm Thumb image, with capstone as the disassembler.

An exception or interrupt pushes its own frame. The vector table lists the handlers. The analysis
adds only one handler. All interrupts in our images have the same priority, so they do not interrupt
each other. A fault can interrupt a handler, but then the firmware only stops, so an overwritten
byte no longer matters. An NMI handler that returns must not interrupt another handler, either. So a
driver with such an NMI handler masks interrupts where the NMI can come.
"""

from __future__ import annotations

import bisect
import struct
from collections.abc import Iterator
from typing import Any

from firmware_gen.memory import armv81m
from firmware_gen.memory.stack import (
    Code,
    Function,
    Step,
    of_variable_size,
    signed,
    through_pointer,
)
from ska_edge.errors import CheckError, ToolError

ALLOCATED = 2
"""SHF_ALLOC of the ELF specification: the section occupies memory at run time."""
VECTORS = "ska_vectors"
"""The symbol of the vector table: initial stack pointer, reset, then the exception handlers."""

EXCEPTION_FRAME = 36
"""Bytes that the core pushes on an exception: 8 registers and up to 4 bytes to align to 8 (Armv7-M
Architecture Reference Manual, B1.5.7)."""
FLOAT_FRAME = 72
"""Additional bytes if the floating-point unit is on: 17 registers, and a word for the predicates of
MVE (the same section). Our images leave the unit off, except those for Cortex-M55."""

FLOAT_ABI = 0x400  # EF_ARM_ABI_FLOAT_HARD in e_flags (ELF for the Arm Architecture, section 5.2)


class ArmCode(Code):
    """The functions of an Arm Thumb image."""

    def __init__(self, image: Any) -> None:
        try:
            import capstone
        except ImportError:
            raise ToolError("measuring the stack needs capstone: pip install capstone") from None
        super().__init__(image)
        self._disassembler = capstone.Cs(
            capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS
        )
        self._disassembler.detail = True
        self._vectors: tuple[int, int] | None = None
        marks: dict[int, bool] = {}  # address -> whether data (a literal pool) begins there
        for symbol in image.get_section_by_name(".symtab").iter_symbols():
            address = symbol["st_value"]
            if symbol["st_info"]["type"] == "STT_FUNC":
                continue
            if symbol.name == VECTORS:
                self._vectors = (address, symbol["st_size"])
            elif symbol.name[:2] in ("$t", "$d") and _is_loaded(image, symbol):
                # Empty data at the address of a function would hide the function, so code has
                # priority.
                marks[address] = marks.get(address, True) and symbol.name.startswith("$d")
        self._mark_addresses = sorted(marks)
        self._is_data = [marks[address] for address in self._mark_addresses]
        self._exception_frame = EXCEPTION_FRAME
        if image["e_flags"] & FLOAT_ABI:
            self._exception_frame += FLOAT_FRAME

    @staticmethod
    def _code_address(value: int) -> int:
        return value & ~1  # the lowest bit marks Thumb code

    def calls(self) -> int:
        """Return the stack in bytes of the deepest chain of calls from reset."""
        return self._need(self._handlers()[0], ())

    def interrupt(self) -> int:
        """Return the stack in bytes of an exception's frame and the worst handler."""
        handlers = self._handlers()[1:]
        return self._exception_frame + max((self._need(at, ()) for at in handlers), default=0)

    def _handlers(self) -> list[int]:
        """Return the addresses of the handlers in the vector table, reset first."""
        if self._vectors is None:
            raise CheckError(
                f"the image has no symbol {VECTORS}, so its stack cannot be measured; "
                "call the vector table in startup.c by that name"
            )
        address, size = self._vectors
        words = struct.unpack(f"<{size // 4}I", self._bytes(address, size))
        return [word & ~1 for word in words[1:] if word != 0]

    def _steps(self, function: Function) -> Iterator[tuple[int, Step]]:
        instructions = list(self._instructions(function))
        targets = {target for target in map(_branch_target, instructions) if target is not None}
        constants: dict[int, int] = {}  # registers whose value is known here, on every path
        for instruction in instructions:
            if instruction.address in targets:
                constants.clear()
            if isinstance(instruction, armv81m.Instruction):
                constants.clear()  # it may write any register but the stack pointer
                yield instruction.address, Step(target=instruction.target)
                continue
            step = _step(function.name, instruction, constants, self._declared.get(function.name))
            if step.is_call and step.target is not None and function.holds(step.target):
                # If a branch of Cortex-M0 does not reach its target, the compiler uses a call as a
                # jump.
                step = Step(target=step.target, ends=True)
            yield instruction.address, step
            if step.is_call or step.below:
                constants.clear()  # the called function may change any register
            made = self._constant(instruction, constants)
            for register in instruction.regs_access()[1]:
                constants.pop(register, None)
            if made is not None:
                constants[instruction.operands[0].reg] = made

    def _constant(self, instruction: Any, constants: dict[int, int]) -> int | None:
        """Return the value that an instruction writes to its first operand, if it is known."""
        from capstone import arm_const as arm

        kind, operands = instruction.id, instruction.operands
        if instruction.cc != arm.ARM_CC_AL:
            return None
        if kind == arm.ARM_INS_MOV and operands[1].type == arm.ARM_OP_IMM:
            return int(operands[1].imm)
        if kind == arm.ARM_INS_LSL and operands[-1].type == arm.ARM_OP_IMM:
            value = constants.get(operands[1].reg)
            return None if value is None else int(value * 2 ** operands[-1].imm % 2**32)
        if kind == arm.ARM_INS_LDR and operands[1].type == arm.ARM_OP_MEM:
            place = operands[1].mem
            if place.base == arm.ARM_REG_PC and place.index == 0:
                # The value comes from the literal pool. The program counter reads as the address of
                # the instruction plus 4, rounded down to a word.
                address = (instruction.address + 4) // 4 * 4 + place.disp
                return int.from_bytes(self._bytes(address, 4), "little")
        return None

    def _instructions(self, function: Function) -> Iterator[Any]:
        """Yield the instructions of a function, without its literal pools.

        Raises:
            CheckError: some bytes are not an instruction.
        """
        at = bisect.bisect_right(self._mark_addresses, function.start) - 1
        start, end = function.start, function.start + function.size
        data = at >= 0 and self._is_data[at]
        while start < end:
            at += 1
            stop = min(end, self._mark_addresses[at]) if at < len(self._mark_addresses) else end
            if not data:
                for instruction in self._decoded(self._bytes(start, stop - start), start):
                    start = instruction.address + instruction.size
                    yield instruction
                if start < stop:
                    raise CheckError(
                        f"{function.name} has bytes at 0x{start:x} that are not an instruction, "
                        "so the stack cannot be measured"
                    )
            start = stop
            data = at < len(self._is_data) and self._is_data[at]

    def _decoded(self, code: bytes, start: int) -> Iterator[Any]:
        """Yield the instructions up to the end of the code, or to bytes that are not code."""
        at = 0
        while at < len(code):
            conditional = 0  # how many of the next instructions depend on an IT instruction
            for instruction in self._disassembler.disasm(code[at:], start + at):
                newer = armv81m.decode(code[at:], start + at)
                yield newer or instruction
                at += instruction.size
                conditional = max(conditional - 1, 0)
                if instruction.mnemonic.startswith("it"):
                    conditional = len(instruction.mnemonic) - 1
            newer = armv81m.decode(code[at:], start + at)
            if newer is None or conditional > 0:  # capstone would forget the condition
                return
            yield newer
            at += armv81m.SIZE


def _is_loaded(image: Any, symbol: Any) -> bool:
    """Tell whether a symbol has an address in memory; in a debug section it has only an offset."""
    index = symbol["st_shndx"]
    return isinstance(index, int) and bool(image.get_section(index)["sh_flags"] & ALLOCATED)


def _branch_target(instruction: Any) -> int | None:
    """Return the target that a branch or a call encodes; None for other instructions."""
    from capstone import arm_const as arm

    if isinstance(instruction, armv81m.Instruction):
        return instruction.target
    kinds = (arm.ARM_INS_B, arm.ARM_INS_BL, arm.ARM_INS_CBZ, arm.ARM_INS_CBNZ)
    if instruction.id not in kinds or instruction.operands[-1].type != arm.ARM_OP_IMM:
        return None
    return int(instruction.operands[-1].imm)


def _step(name: str, instruction: Any, constants: dict[int, int], declared: int | None) -> Step:
    """Return the effect of an instruction of the function `name` on stack pointer and flow.

    `constants` holds the registers whose values are known. `declared` is the stack, in bytes,
    that the function's calls through pointers need, if the image declares it.

    Raises:
        CheckError: a jump target or a change of the stack pointer is known only at run time.
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
    if kind in (arm.ARM_INS_TBB, arm.ARM_INS_TBH):
        return Step(ends=True, by_table=True)
    if kind == arm.ARM_INS_UDF:
        return Step(ends=True)
    if kind == arm.ARM_INS_BX and operands[0].reg == arm.ARM_REG_LR:
        return Step(ends=always)

    if kind in (arm.ARM_INS_BLX, arm.ARM_INS_BX):
        is_call = kind == arm.ARM_INS_BLX
        if operands[0].reg in constants:
            target = constants[operands[0].reg] & ~1
            return Step(target=target, is_call=is_call, ends=not is_call)
        if declared is not None:
            return Step(below=declared, ends=not is_call)

    # Capstone does not list the stack pointer among the registers that these instructions write.
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
            return Step(ends=always)  # a return; its pops no longer matter
        raise through_pointer(where)
    if arm.ARM_REG_SP not in written:
        return Step()
    if kind in (arm.ARM_INS_PUSH, arm.ARM_INS_POP):
        growth = 4 * len(operands)
        return Step(growth if kind == arm.ARM_INS_PUSH else -growth)
    if kind in (arm.ARM_INS_SUB, arm.ARM_INS_ADD) and operands[-1].type == arm.ARM_OP_IMM:
        growth = operands[-1].imm
        return Step(growth if kind == arm.ARM_INS_SUB else -growth)
    if kind == arm.ARM_INS_ADD and operands[-1].reg in constants:
        return Step(-signed(constants[operands[-1].reg], 32))  # a large frame on Cortex-M0
    if kind in (arm.ARM_INS_STR, arm.ARM_INS_STRD) and operands[-1].type == arm.ARM_OP_MEM:
        return Step(-operands[-1].mem.disp)  # a push of one or two registers
    if kind in (arm.ARM_INS_LDR, arm.ARM_INS_LDRD) and operands[-1].type == arm.ARM_OP_IMM:
        return Step(-operands[-1].imm)  # a pop of one or two registers
    if kind == arm.ARM_INS_MOV and operands[1].reg == arm.ARM_REG_R7:
        return Step()  # the end of a function restores the frame pointer; the stack shrinks
    raise of_variable_size(where)
