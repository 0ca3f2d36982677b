"""Finds the worst case of the stack: the deepest chain of calls in an image's machine code.

The analysis decodes every function that is reachable from the start of the core. It tracks the
stack pointer through each function. Each direct call and tail call adds the stack of the called
function at the depth of that call. The compiler's library routines (64-bit division, memory copies)
are included. Code without a known bound is an error: recursion, calls through pointers, frames of
variable size.

An interrupt can occur at any moment, so the analysis adds the interrupt that needs the most stack.
It adds only one interrupt, because none of our handlers allows another interrupt.

This module follows the calls. `stack_arm`, `stack_riscv` and `stack_avr` describe the instructions
of each architecture and the function at which the analysis begins.
"""

from __future__ import annotations

import bisect
import functools
import itertools
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ska_edge.errors import CheckError

DEEPEST = 2**17
"""Bytes of stack that no firmware reaches; beyond this, a loop must be pushing without end."""

ALLOCATED = 0x2
"""Flag of a section that occupies memory at run time (ELF specification, SHF_ALLOC)."""
DECLARED = "ska_called_stack."
"""The start of a symbol's name; the name of a function follows. The symbol's value is the stack
that the function needs, in bytes, for calls of routines in the ROM of a chip. Such routines are not
in the image.
"""


@dataclass(frozen=True)
class Call:
    """A call: the bytes of stack in use at that point, and the called address."""

    depth: int
    target: int


@dataclass(frozen=True)
class Frame:
    """The stack use of one function: the maximum of its own bytes, and its calls."""

    size: int
    calls: tuple[Call, ...]


@dataclass(frozen=True)
class Function:
    """A function of the image: its name, first address and length in bytes."""

    name: str
    start: int
    size: int

    def holds(self, address: int) -> bool:
        """Tell whether an address is inside the function, after its first address."""
        return self.start < address < self.start + self.size


@dataclass(frozen=True)
class Step:
    """The effect of one instruction on the stack pointer and on the control flow.

    `growth` is the number of bytes pushed minus the number of bytes popped. `target` is the address
    of a call or jump. `ends` tells that execution does not continue at the next instruction.
    `by_table` tells that execution continues at a place in this function that a table determines.
    `below` is the stack in bytes that the step's call needs, for a call that the analysis cannot
    follow. The other four are for code that moves the stack pointer through a copy in a register:
    `copies_to` is the register that gets a copy, `moves` is a register with a copy and the bytes by
    which the copy is lowered, `restores` is the register that is written to the stack pointer, and
    `writes` are the registers that no longer have a copy.
    """

    growth: int = 0
    target: int | None = None
    is_call: bool = False
    ends: bool = False
    by_table: bool = False
    copies_to: int | None = None
    moves: tuple[int, int] | None = None
    restores: int | None = None
    writes: frozenset[int] = frozenset()
    below: int = 0


@dataclass(frozen=True)
class State:
    """The position of the stack pointer, in bytes below its start, and its copies in registers."""

    depth: int
    copies: dict[int, int]

    def join(self, other: State) -> State:
        """Return the state where two paths meet: the greater depth, and the copies that agree."""
        both = self.copies.items() & other.copies.items()
        return State(max(self.depth, other.depth), dict(both))

    def after(self, step: Step, where: str) -> State:
        """Return the state after an instruction.

        Raises:
            CheckError: the stack pointer is set to an unknown value.
        """
        copies = {r: depth for r, depth in self.copies.items() if r not in step.writes}
        if step.copies_to is not None:
            copies[step.copies_to] = self.depth
        if step.moves is not None and step.moves[0] in copies:
            copies[step.moves[0]] += step.moves[1]
        if step.restores is None:
            return State(self.depth + step.growth, copies)
        if step.restores not in copies:
            raise of_variable_size(where)
        return State(copies[step.restores], copies)


class Code(ABC):
    """The functions of an image and their stack use, decoded on demand."""

    call_size = 0
    """Bytes of stack that a call instruction itself uses."""
    falls_through = False
    """Whether a function may continue into the next one; if not, padding follows its end."""

    def __init__(self, image: Any) -> None:
        self._sections = [
            (section["sh_addr"], section.data())
            for section in image.iter_sections()
            if section["sh_flags"] & ALLOCATED and section["sh_type"] == "SHT_PROGBITS"
        ]
        self._functions: dict[int, Function] = {}
        self._declared: dict[str, int] = {}
        for symbol in image.get_section_by_name(".symtab").iter_symbols():
            if symbol.name.startswith(DECLARED):
                self._declared[symbol.name.removeprefix(DECLARED)] = symbol["st_value"]
            if self._is_function(symbol):
                start, size = self._code_address(symbol["st_value"]), symbol["st_size"]
                known = self._functions.get(start)
                if known is None or known.size < size:
                    self._functions[start] = Function(symbol.name, start, size)
        self._starts = sorted(self._functions)
        for start, following in itertools.pairwise([*self._starts, self._end_of_code()]):
            if self._functions[start].size == 0:  # assembler routines of libraries may have no size
                name = self._functions[start].name
                self._functions[start] = Function(name, start, following - start)
        self._needs: dict[int, int] = {}

    def stack(self) -> int:
        """Return the worst case of the stack in bytes: deepest calls plus worst interrupt."""
        return self.calls() + self.interrupt()

    @abstractmethod
    def calls(self) -> int:
        """Return the stack in bytes of the deepest chain of calls from reset."""

    @abstractmethod
    def interrupt(self) -> int:
        """Return the stack in bytes of the worst interrupt or exception, with its handler."""

    @abstractmethod
    def _steps(self, function: Function) -> Iterator[tuple[int, Step]]:
        """Yield the address and the effect of each instruction of a function.

        Raises:
            CheckError: a jump target or a change of the stack pointer is known only at run time.
        """

    @staticmethod
    def _is_function(symbol: Any) -> bool:
        """Tell whether a symbol of the image names a function."""
        return bool(symbol["st_info"]["type"] == "STT_FUNC")

    @staticmethod
    def _code_address(value: int) -> int:
        """Return the address of a function, from the value of its symbol."""
        return value

    def functions(self) -> tuple[Function, ...]:
        """Return all functions of the image, sorted by address."""
        return tuple(self._functions[start] for start in self._starts)

    def frame(self, function: Function) -> Frame:
        """Track the stack pointer along all paths through one function.

        Where paths meet, the greater depth counts. The tracking repeats until nothing changes. Code
        that no path reaches is padding, or the target of a jump table.

        Raises:
            CheckError: the stack pointer changes by an unknown amount, or grows in every pass of a
                loop.
        """
        steps = dict(self._steps(function))
        addresses = sorted(steps)
        states = {function.start: State(0, {})}
        self._follow(function, steps, states, [function.start])
        tables = [states[a] for a, step in steps.items() if step.by_table and a in states]
        for address in addresses if tables else ():
            if address not in states:
                states[address] = functools.reduce(State.join, tables)
                self._follow(function, steps, states, [address])

        calls, size = [], 0
        for address in states.keys() & steps.keys():
            state, step = states[address], steps[address]
            after = state.after(step, function.name)
            size = max(size, state.depth + step.below, after.depth)
            if step.is_call and step.target is not None:
                calls.append(Call(state.depth + self.call_size, step.target))
            elif step.target is not None and step.target not in steps:
                calls.append(Call(state.depth, step.target))
        end = function.start + function.size
        if self.falls_through and end in states:
            calls.append(Call(states[end].depth, end))
        return Frame(size, tuple(sorted(calls, key=lambda call: (call.target, call.depth))))

    def _follow(
        self,
        function: Function,
        steps: dict[int, Step],
        states: dict[int, State],
        waiting: list[int],
    ) -> None:
        """Propagate the states of the waiting addresses into `states` until nothing changes."""
        addresses = sorted(steps)
        following = dict(itertools.pairwise([*addresses, function.start + function.size]))
        while waiting:
            address = waiting.pop()
            if address not in steps:
                continue  # after the end of the function
            state, step = states[address], steps[address]
            where = f"{function.name} at 0x{address:x}"
            after = state.after(step, where)
            if after.depth > DEEPEST:
                raise of_variable_size(where)
            arriving = [] if step.ends else [(following[address], after)]
            if step.target in steps and not step.is_call:
                arriving.append((step.target, state))
            for target, new in arriving:
                known = states.get(target)
                joined = new if known is None else known.join(new)
                if joined != known:
                    states[target] = joined
                    waiting.append(target)

    def _named(self, name: str) -> Function:
        """Return the function with this name, at which the analysis begins."""
        for function in self._functions.values():
            if function.name == name:
                return function
        raise CheckError(
            f"the image has no function {name}, so its stack cannot be measured; "
            "call it by that name in the start-up code"
        )

    def _need(self, target: int, path: tuple[str, ...]) -> int:
        """Return the bytes of stack for a call of the function at `target`, with its own calls."""
        function = self._function_at(target)
        if function is None:
            raise CheckError(
                f"{path[-1] if path else 'the start-up code'} calls 0x{target:x}, where there is "
                "no function, so the stack has no known bound"
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

    def _end_of_code(self) -> int:
        """Return the end of the section that holds the last function."""
        return next(
            int(origin + len(content))
            for origin, content in self._sections
            if origin <= self._starts[-1] < origin + len(content)
        )

    def _function_at(self, address: int) -> Function | None:
        """Return the function that starts at an address, or that contains it.

        Some library routines are called at an address inside a function. The rest of a function
        needs at most as much stack as the whole function.
        """
        at = bisect.bisect_right(self._starts, address) - 1
        if at < 0:
            return None
        function = self._functions[self._starts[at]]
        return function if address < function.start + function.size else None

    def _bytes(self, address: int, size: int) -> bytes:
        for origin, content in self._sections:
            if origin <= address and address + size <= origin + len(content):
                return bytes(content[address - origin : address - origin + size])
        raise CheckError(f"the image has no bytes at 0x{address:x}; build the project again")


def through_pointer(where: str) -> CheckError:
    """Return the error for a call or jump whose target is known only at run time."""
    return CheckError(
        f"{where} calls through a pointer, so the stack has no known bound; call directly"
    )


def of_variable_size(where: str) -> CheckError:
    """Return the error for a change of the stack pointer that is known only at run time."""
    return CheckError(
        f"{where} moves the stack by an amount that is known only at run time, "
        "so the stack has no known bound; use arrays of fixed size"
    )


def field(word: int, low: int, width: int) -> int:
    """Return `width` bits of a machine word from bit `low` on, as an unsigned number."""
    return int(word // 2**low % 2**width)


def gather(word: int, *parts: tuple[int, int, int]) -> int:
    """Assemble a number from parts (first bit in the word, width, first bit in the number)."""
    return sum(field(word, low, width) * 2**to for low, width, to in parts)


def signed(value: int, width: int) -> int:
    """Return the signed value of a number of `width` bits in two's complement."""
    return value - 2**width if value >= 2 ** (width - 1) else value
