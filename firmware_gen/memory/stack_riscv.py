"""Finds the stack of a 32-bit RISC-V image with compressed instructions.

This module decodes instructions that move the stack pointer, that jump, or that compute constants
for such instructions (RISC-V Instruction Set Manual, volume I, chapters 2 and 16). For any other
instruction it needs only the register that the instruction writes. The core pushes nothing on a
trap. The analysis adds the stack of the trap handler and its calls to the deepest chain of calls.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from firmware_gen.memory.stack import (
    Code,
    Function,
    Step,
    field,
    gather,
    of_variable_size,
    signed,
    through_pointer,
)

START = "ska_start"
"""The function that the reset code jumps to as soon as it has set the stack pointer."""
TRAP = "Trap_Handler"
"""The function that handles every trap, including interrupts."""

ZERO, RETURN_ADDRESS, STACK_POINTER, FRAME_POINTER = 0, 1, 2, 8  # x0, x1, x2, x8


@dataclass(frozen=True)
class Instruction:
    """An instruction, expanded to its base instruction.

    `kind` is "lui", "auipc", "addi", "add", "jal", "jalr", "branch", "stop" (execution does not
    continue), or "other". An instruction of kind "other" has only `rd`, which is `ZERO` if it
    writes no register. `value` is the immediate operand, or the distance of a jump.
    """

    size: int
    kind: str
    rd: int = ZERO
    rs1: int = ZERO
    rs2: int = ZERO
    value: int = 0


class RiscvCode(Code):
    """The functions of a RISC-V image."""

    def calls(self) -> int:
        """Return the stack in bytes of the deepest chain of calls from the first C function on."""
        return self._need(self._named(START).start, ())

    def interrupt(self) -> int:
        """Return the stack in bytes of the trap handler."""
        return self._need(self._named(TRAP).start, ())

    def _steps(self, function: Function) -> Iterator[tuple[int, Step]]:
        instructions = list(self._instructions(function))
        targets = {
            address + instruction.value
            for address, instruction in instructions
            if instruction.kind in ("branch", "jal")
        }
        constants: dict[int, int] = {}  # registers whose value is known here, on every path
        declared = self._declared.get(function.name)
        for address, instruction in instructions:
            if address in targets:
                constants.clear()
            where = f"{function.name} at 0x{address:x}"
            step = _step(where, address, instruction, {**constants, ZERO: 0})
            if declared is not None and self._is_outside(step):
                step = Step(below=declared, ends=step.ends)
            yield address, step
            _learn(address, instruction, constants)

    def _is_outside(self, step: Step) -> bool:
        """Tell whether a step calls or jumps to a place where the image has no function."""
        return step.target is not None and self._function_at(step.target) is None

    def _instructions(self, function: Function) -> Iterator[tuple[int, Instruction]]:
        address, end = function.start, function.start + function.size
        while address < end:
            half = int.from_bytes(self._bytes(address, 2), "little")
            if field(half, 0, 2) == 3:
                instruction = _decode(int.from_bytes(self._bytes(address, 4), "little"))
            else:
                instruction = _decode_compressed(half)
            yield address, instruction
            address += instruction.size


def _step(where: str, address: int, instruction: Instruction, constants: dict[int, int]) -> Step:
    """Return the effect of an instruction, given the registers whose values are known.

    Raises:
        CheckError: a jump target or a change of the stack pointer is known only at run time.
    """
    kind, rd, rs1, rs2 = instruction.kind, instruction.rd, instruction.rs1, instruction.rs2
    if kind == "stop":
        return Step(ends=True)
    if kind == "branch":
        return Step(target=address + instruction.value)
    if kind in ("jal", "jalr"):
        if kind == "jalr" and (rd, rs1) == (ZERO, RETURN_ADDRESS):
            return Step(ends=True)  # a return
        base = address if kind == "jal" else constants.get(rs1)
        if base is None or rd not in (ZERO, RETURN_ADDRESS):
            raise through_pointer(where)
        target = (base + instruction.value) % 2**32
        return Step(target=target, is_call=rd == RETURN_ADDRESS, ends=rd == ZERO)
    if rd != STACK_POINTER:
        return Step()
    if kind == "addi" and rs1 == STACK_POINTER:
        return Step(-instruction.value)
    if kind == "addi" and rs1 == FRAME_POINTER:
        return Step()  # the end of a function restores the frame pointer; the stack shrinks
    if kind == "add" and STACK_POINTER in (rs1, rs2):
        distance = constants.get(rs2 if rs1 == STACK_POINTER else rs1)
        if distance is not None:
            return Step(-signed(distance % 2**32, 32))
    raise of_variable_size(where)


def _learn(address: int, instruction: Instruction, constants: dict[int, int]) -> None:
    """Update the known registers after an instruction."""
    kind, rd = instruction.kind, instruction.rd
    if kind in ("jal", "jalr", "stop"):
        constants.clear()  # calls may change registers; after a jump nothing is known
        return
    base = 0 if instruction.rs1 == ZERO else constants.get(instruction.rs1)
    constants.pop(rd, None)
    if kind == "lui":
        constants[rd] = instruction.value
    elif kind == "auipc":
        constants[rd] = address + instruction.value
    elif kind == "addi" and base is not None:
        constants[rd] = base + instruction.value
    constants.pop(ZERO, None)


def _decode(word: int) -> Instruction:
    opcode, rd = field(word, 0, 7), field(word, 7, 5)
    function, rs1, rs2 = field(word, 12, 3), field(word, 15, 5), field(word, 20, 5)
    immediate = signed(field(word, 20, 12), 12)
    if opcode in (0x37, 0x17):
        upper = field(word, 12, 20) * 2**12
        return Instruction(4, "lui" if opcode == 0x37 else "auipc", rd, value=signed(upper, 32))
    if opcode == 0x6F:
        distance = gather(word, (31, 1, 20), (21, 10, 1), (20, 1, 11), (12, 8, 12))
        return Instruction(4, "jal", rd, value=signed(distance, 21))
    if opcode == 0x67:
        return Instruction(4, "jalr", rd, rs1, value=immediate)
    if opcode == 0x63:
        distance = gather(word, (31, 1, 12), (25, 6, 5), (8, 4, 1), (7, 1, 11))
        return Instruction(4, "branch", value=signed(distance, 13))
    if opcode == 0x13 and function == 0:
        return Instruction(4, "addi", rd, rs1, value=immediate)
    if opcode == 0x33 and function == 0 and field(word, 25, 7) == 0:
        return Instruction(4, "add", rd, rs1, rs2)
    if word in (0x3020_0073, 0x0010_0073, 0xC000_1073):  # mret, ebreak, unimp
        return Instruction(4, "stop")
    if opcode == 0x23:  # a store
        return Instruction(4, "other")
    return Instruction(4, "other", rd)


def _decode_compressed(half: int) -> Instruction:
    """Decode an instruction of 16 bits (chapter 16, tables 16.5 to 16.7). A register number of 3
    bits means x8 to x15.
    """
    if half == 0:
        return Instruction(2, "stop")  # defined to be illegal
    rd, rs2, function = field(half, 7, 5), field(half, 2, 5), field(half, 13, 3)
    immediate = signed(gather(half, (12, 1, 5), (2, 5, 0)), 6)
    quadrant = field(half, 0, 2)
    if quadrant == 0:
        loads = function in (0, 1, 2, 3)  # C.ADDI4SPN is one of them
        return Instruction(2, "other", 8 + field(half, 2, 3) if loads else ZERO)
    if quadrant == 1:
        if function == 0:
            return Instruction(2, "addi", rd, rd, value=immediate)
        if function in (1, 5):
            distance = signed(
                gather(
                    half,
                    (12, 1, 11),
                    (11, 1, 4),
                    (9, 2, 8),
                    (8, 1, 10),
                    (7, 1, 6),
                    (6, 1, 7),
                    (3, 3, 1),
                    (2, 1, 5),
                ),
                12,
            )
            return Instruction(2, "jal", RETURN_ADDRESS if function == 1 else ZERO, value=distance)
        if function == 2:
            return Instruction(2, "addi", rd, ZERO, value=immediate)
        if function == 3 and rd == STACK_POINTER:
            moved = gather(half, (12, 1, 9), (6, 1, 4), (5, 1, 6), (3, 2, 7), (2, 1, 5))
            return Instruction(2, "addi", rd, rd, value=signed(moved, 10))
        if function == 3:
            return Instruction(2, "lui", rd, value=immediate * 2**12)
        if function == 4:
            return Instruction(2, "other", 8 + field(half, 7, 3))
        distance = gather(half, (12, 1, 8), (10, 2, 3), (5, 2, 6), (3, 2, 1), (2, 1, 5))
        return Instruction(2, "branch", value=signed(distance, 9))
    if function == 4:
        links = field(half, 12, 1) == 1
        if links and rd == ZERO:
            return Instruction(2, "stop")  # C.EBREAK
        if rs2 == ZERO:
            return Instruction(2, "jalr", RETURN_ADDRESS if links else ZERO, rd)
        return Instruction(2, "add", rd, rd if links else ZERO, rs2)
    stores = function in (5, 6, 7)
    return Instruction(2, "other", ZERO if stores else rd)
