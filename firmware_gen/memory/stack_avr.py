"""Finds the stack of an AVR image.

This module decodes instructions that move the stack pointer, jump, copy the stack pointer into
registers, or write to registers with such a copy (AVR Instruction Set Manual). A call pushes its
return address, which has 2 bytes, or 3 bytes on chips with more than 128 KB of flash. An interrupt
pushes its return address, too. The analysis adds the worst handler once to the deepest chain of
calls, because a handler blocks other interrupts until it returns.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from firmware_gen.memory.stack import Code, Function, Step, field, gather, signed, through_pointer
from ska_edge.errors import CheckError

START = "main"
"""The function that the C library's start-up code calls; the code uses no stack before this call.
"""

HANDLER = re.compile(r"__vector_\d+")
"""The names that the C library gives to interrupt handlers."""

SAVE, RESTORE = "__prologue_saves__", "__epilogue_restores__"
"""Two library routines of the compiler that save and restore registers. Functions jump into them,
at a place that depends on the number of registers. The first routine returns through Z and leaves a
copy of the stack pointer in Y. The second returns to the caller.
"""

DEC, INC = 0b1010, 0b0011  # the lowest 4 bits of these instructions
STACK_LOW, STACK_HIGH = 0x3D, 0x3E  # input/output addresses of the stack pointer
X, Y, Z = 26, 28, 30  # register pairs that address memory, named by their low registers
CALL_CLOBBERED = frozenset({0, *range(18, 28), 30, 31})
RAM = 0x80_0000
"""The number that the linker adds to RAM addresses, to tell them from flash addresses."""


class AvrCode(Code):
    """The functions of an AVR image."""

    falls_through = True  # some routines of the compiler's library continue in the next one

    def __init__(self, image: Any) -> None:
        super().__init__(image)
        # The lowest 7 bits of the flags are the family. The family avr6 has more than 128 KB of
        # flash.
        self.call_size = 3 if field(image["e_flags"], 0, 7) == 6 else 2

    @staticmethod
    def _is_function(symbol: Any) -> bool:
        # Routines of the compiler's library have a size but no type.
        kind, size = symbol["st_info"]["type"], symbol["st_size"]
        is_routine = kind == "STT_NOTYPE" and size > 0 and symbol["st_value"] + size <= RAM
        return bool(kind == "STT_FUNC" or is_routine)

    def calls(self) -> int:
        """Return the stack in bytes of the deepest chain of calls, with the return address of
        main().
        """
        return self.call_size + self._need(self._named(START).start, ())

    def interrupt(self) -> int:
        """Return the stack in bytes of the return address and the worst handler; 0 without a
        handler.
        """
        handlers = [f.start for f in self.functions() if HANDLER.fullmatch(f.name)]
        return max((self.call_size + self._need(start, ()) for start in handlers), default=0)

    def _steps(self, function: Function) -> Iterator[tuple[int, Step]]:
        address, end = function.start, function.start + function.size
        while address < end:
            word = self._word(address)
            yield address, self._step(function, address, word)
            address += _size(word)

    def _word(self, address: int) -> int:
        return int.from_bytes(self._bytes(address, 2), "little")

    def _step(self, function: Function, address: int, word: int) -> Step:
        """Return the effect of an instruction.

        Raises:
            CheckError: the target of a jump is known only at run time.
        """
        following = address + _size(word)
        if word in (0x9508, 0x9518):  # RET, RETI
            return Step(ends=True)
        if word in (0x9409, 0x9419, 0x9509, 0x9519):  # IJMP, EIJMP, ICALL, EICALL
            raise through_pointer(f"{function.name} at 0x{address:x}")
        kind = field(word, 12, 4)
        if kind == 0xD and field(word, 0, 12) == 0:
            return Step(self.call_size)  # RCALL to the next instruction reserves stack
        if kind in (0xC, 0xD) or _is_long_jump(word):  # RJMP, RCALL, JMP, CALL
            is_call = kind == 0xD or (_is_long_jump(word) and field(word, 1, 1) == 1)
            return self._jump(function, address, self._target(address, word), is_call)
        if kind == 0xF and field(word, 11, 1) == 0:  # BRBS, BRBC
            return Step(target=following + 2 * signed(field(word, 3, 7), 7))
        if _skips(word):
            return Step(target=following + _size(self._word(following)), writes=_written(word))
        if field(word, 9, 7) == 0b1001001 and field(word, 0, 4) == 0xF:
            return Step(1)  # PUSH
        if field(word, 9, 7) == 0b1001000 and field(word, 0, 4) == 0xF:
            return Step(-1, writes=_written(word))  # POP
        return self._copy_step(address, word)

    def _copy_step(self, address: int, word: int) -> Step:
        """Return the effect of an instruction on copies of the stack pointer in register pairs."""
        register, port = field(word, 4, 5), gather(word, (0, 4, 0), (9, 2, 4))
        if field(word, 11, 5) == 0b10110 and port == STACK_LOW:
            return Step(copies_to=register)  # IN; the IN of the high half is next to it
        if field(word, 11, 5) == 0b10110 and port == STACK_HIGH:
            return Step()
        if field(word, 11, 5) == 0b10111 and port == STACK_LOW:
            return Step(restores=register)  # OUT; the OUT of the high half is next to it
        if field(word, 9, 7) == 0b1001011:  # ADIW, SBIW
            amount = gather(word, (0, 4, 0), (6, 2, 4))
            down = amount if field(word, 8, 1) == 1 else -amount
            return Step(moves=(24 + 2 * field(word, 4, 2), down))
        if field(word, 9, 7) == 0b1001010 and field(word, 0, 4) in (DEC, INC) and register % 2 == 1:
            # DEC or INC of the high half moves the copy by 256, as for a frame of 256 bytes.
            return Step(moves=(register - 1, 256 if field(word, 0, 4) == DEC else -256))
        high = 16 + field(word, 4, 4)
        if field(word, 12, 4) == 0x5 and high % 2 == 1:
            # SUBI of the high half, as for a frame of a multiple of 256 bytes.
            return Step(moves=(high - 1, 256 * signed(gather(word, (0, 4, 0), (8, 4, 4)), 8)))
        # Two instructions subtract the halves; the second one moves the copy.
        if _subtracted(word, self._word_or_zero(address + 2)) is not None:
            return Step()
        before = self._word_or_zero(address - 2)
        distance = _subtracted(before, word)
        if distance is not None:
            return Step(moves=(16 + field(before, 4, 4), distance))
        return Step(writes=_written(word))

    def _word_or_zero(self, address: int) -> int:
        """Return the word at an address, or the word of NOP if the image has none there."""
        try:
            return self._word(address)
        except CheckError:
            return 0

    def _target(self, address: int, word: int) -> int:
        if not _is_long_jump(word):
            return address + 2 + 2 * signed(field(word, 0, 12), 12)
        high = gather(word, (0, 1, 0), (4, 5, 1))
        return 2 * (high * 2**16 + self._word(address + 2))

    def _jump(self, function: Function, address: int, target: int, is_call: bool) -> Step:
        """Return the effect of a call or a jump; the target may be in `SAVE` or `RESTORE`."""
        if is_call:
            return Step(target=target, is_call=True, writes=CALL_CLOBBERED)
        if self._is_in(target, RESTORE):
            return Step(ends=True)
        if not self._is_in(target, SAVE):
            return Step(target=target, ends=True)
        # Four loads precede the jump: X, the bytes to allocate, and Z, the address to return to.
        loads = [self._word(address - back) for back in (8, 6, 4, 2)]
        registers = [16 + field(load, 4, 4) for load in loads]
        low, high, next_low, next_high = (gather(load, (0, 4, 0), (8, 4, 4)) for load in loads)
        following = address + _size(self._word(address))
        if (
            any(field(load, 12, 4) != 0xE for load in loads)
            or registers != [X, X + 1, Z, Z + 1]
            or 2 * (next_low + 256 * next_high) != following
        ):
            raise through_pointer(f"{function.name} at 0x{address:x}")
        pushes = 0
        while field(self._word(target + 2 * pushes), 9, 7) == 0b1001001:
            pushes += 1
        return Step(pushes + low + 256 * high, writes=frozenset({Y}))

    def _is_in(self, address: int, name: str) -> bool:
        return any(
            function.name == name and function.start <= address < function.start + function.size
            for function in self._functions.values()
        )


def _is_long_jump(word: int) -> bool:
    """Tell whether an instruction is JMP or CALL."""
    return field(word, 9, 7) == 0b1001010 and field(word, 2, 2) == 0b11


def _size(word: int) -> int:
    """Return the size of an instruction in bytes: 4 for JMP, CALL, LDS and STS, otherwise 2."""
    is_direct = field(word, 10, 6) == 0b100100 and field(word, 0, 4) == 0
    return 4 if is_direct or _is_long_jump(word) else 2


def _skips(word: int) -> bool:
    """Tell whether an instruction may skip the next one: CPSE, SBRC, SBRS, SBIC, SBIS."""
    return (
        field(word, 10, 6) == 0b000100
        or field(word, 10, 6) == 0b111111
        or field(word, 8, 8) in (0x99, 0x9B)
    )


def _subtracted(first: int, second: int) -> int | None:
    """Return the number that two instructions subtract from a register pair.

    They are SUBI for the low half and SBCI (or SBC of r1, which is 0) for the high half. The result
    is None for other instructions.
    """
    register = 16 + field(first, 4, 4)
    if field(first, 12, 4) != 0x5 or register % 2 == 1:
        return None
    low, high = (gather(word, (0, 4, 0), (8, 4, 4)) for word in (first, second))
    if field(second, 12, 4) == 0x4 and 16 + field(second, 4, 4) == register + 1:
        return signed(low + 256 * high, 16)
    is_sbc_r1 = field(second, 10, 6) == 0b000010 and gather(second, (0, 4, 0), (9, 1, 4)) == 1
    return low if is_sbc_r1 and field(second, 4, 5) == register + 1 else None


def _written(word: int) -> frozenset[int]:
    """Return the register pairs in which an instruction may write, named by their low registers.

    The result may include registers that are only read. The analysis then forgets a copy; if the
    code needs that copy later, the stack has no known bound.
    """
    kind, register, high = field(word, 12, 4), field(word, 4, 5), 16 + field(word, 4, 4)
    if kind == 0x3 or field(word, 11, 5) == 0b10111:  # CPI, OUT
        return frozenset()
    if field(word, 8, 8) == 0x01:  # MOVW
        return frozenset({2 * field(word, 4, 4)})
    if kind in (0x4, 0x5, 0x6, 0x7, 0xE):  # with a constant: writes one of R16 to R31
        return frozenset({high - high % 2})
    if kind in (0x8, 0xA) and field(word, 9, 1) == 1:  # STD
        return frozenset()
    written = {register - register % 2}
    if kind == 0x9 and field(word, 10, 2) == 0:  # loads and stores that move a pointer
        if field(word, 9, 1) == 1:
            written = set()
        mode = field(word, 0, 4)
        moved = {0x1: Z, 0x2: Z, 0x5: Z, 0x7: Z, 0x9: Y, 0xA: Y, 0xD: X, 0xE: X}
        if mode in moved:
            written.add(moved[mode])
    return frozenset(written)
