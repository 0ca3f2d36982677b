"""Models how many cycles a Cortex-M0 or Cortex-M4 takes for a trace of an image.

The costs are those of Arm's manuals (`Core.source`), for memory without wait states. They are a
model, not a measurement. The Cortex-M0 has one cost per instruction; only its multiplier comes in
two forms. On the Cortex-M4, some costs depend on more than the manual says, so every result has
three numbers: the least, the modelled and the most cycles.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware_gen.bench.trace import END, Block, Trace

Cycles = NDArray[np.int64]
"""The least, the modelled and the most cycles, (3,)."""

LISTS = {"ldm": 1, "ldmdb": 1, "stm": 1, "stmdb": 1, "push": 0, "pop": 0}
"""Instructions with a list of registers, and the number of their operands before the list."""
LOADS = ("ldr", "ldrb", "ldrh", "ldrsb", "ldrsh")
STORES = ("str", "strb", "strh")
PAIRS = ("ldrd", "strd")
PC_BASED = "[pc"
"""The text in the operands of a load from a literal pool."""


@dataclass(frozen=True)
class Core:
    """The timings of a core.

    Attributes:
        source: the manual with the timings.
        assumption: what the modelled number assumes, and what the range covers, as a clause.
        refill: cycles that a taken branch takes in addition to those of `cost`.
        cost: returns the cycles of an instruction, given the instruction executed before it.
    """

    source: str
    assumption: str
    refill: Cycles
    cost: Callable[[Any, Any], Cycles]

    def cycles(self, trace: Trace, code: Callable[[Block], list[Any]]) -> Cycles:
        """Return the cycles of a trace; `code` returns the instructions of a block."""
        total = np.zeros(3, dtype=np.int64)
        for (before, block), times in trace.items():
            last = code(before)[-1] if before is not None else None
            cycles = np.zeros(3, dtype=np.int64)
            for instruction in [] if block.address == END else code(block):
                cycles += self.cost(instruction, last)
                last = instruction
            if before is not None and block.address != before.end:
                cycles += self.refill
            total += times * cycles
        return total


def _range(least: int, modelled: int, most: int) -> Cycles:
    return np.array([least, modelled, most], dtype=np.int64)


def _always(cycles: int) -> Cycles:
    return _range(cycles, cycles, cycles)


def _listed(instruction: Any) -> int:
    """Return the number of registers in the list of an instruction; 0 if it has no list."""
    before = LISTS.get(instruction.insn_name())
    return 0 if before is None else len(instruction.operands) - before


# --- Cortex-M0 -----------------------------------------------------------------------------------

# A taken branch takes 3 cycles, another branch 1, BL 4, and POP of N registers with the program
# counter 4 + N. `refill` adds 2 of these cycles.
M0_COSTS = {
    **dict.fromkeys((*LOADS, *STORES), 2),
    "bl": 2,
    **dict.fromkeys(("mrs", "msr", "dmb", "dsb", "isb"), 4),
}


def _m0_cost(instruction: Any, _: Any) -> Cycles:
    name, listed = instruction.insn_name(), _listed(instruction)
    if name == "mul":
        return _range(1, 1, 32)
    if listed:
        return _always(1 + listed + ("pc" in instruction.op_str))
    return _always(M0_COSTS.get(name, 1))


# --- Cortex-M4 -----------------------------------------------------------------------------------

M4_COSTS = {"mrs": _always(2), "msr": _always(2), "tbb": _always(2), "tbh": _always(2)}
M4_COSTS |= {**dict.fromkeys(PAIRS, _always(3)), "it": _range(0, 1, 1)}
M4_COSTS |= dict.fromkeys(("udiv", "sdiv"), _range(2, 12, 12))


def _m4_cost(instruction: Any, before: Any) -> Cycles:
    """Section 3.3.3 of the manual says which loads and stores overlap."""
    from capstone import arm_const as arm

    name, listed = instruction.insn_name(), _listed(instruction)
    address = _address(instruction)
    if listed:
        cycles = _always(1 + listed)
    elif name in LOADS:
        literal = PC_BASED in instruction.op_str  # the load may wait for an instruction fetch
        cycles = _always(1 if _overlaps(before, address) and not instruction.writeback else 2)
        cycles = cycles + _range(0, 0, int(literal))
    elif name in STORES:
        fixed = len(address) < 2  # the address is a base plus a constant
        cycles = _always(1 if fixed or _overlaps(before, address) else 2)
    else:
        cycles = M4_COSTS.get(name, _always(1))
    if before is not None and not _accesses(before) and address & set(before.regs_access()[1]):
        cycles = cycles + _range(0, 1, 1)  # the address was computed just before
    if instruction.cc not in (arm.ARM_CC_AL, arm.ARM_CC_INVALID):
        cycles = np.minimum(cycles, _range(1, 99, 99))  # 1 cycle if its condition is false
    return cycles


def _accesses(instruction: Any) -> bool:
    return instruction.insn_name() in (*LOADS, *STORES, *PAIRS, *LISTS)


def _address(instruction: Any) -> set[int]:
    """Return the registers from which an instruction computes an address in memory."""
    from capstone import arm_const as arm

    if not _accesses(instruction):
        return set()
    if LISTS.get(instruction.insn_name()):
        return {instruction.operands[0].reg}
    places = [each.mem for each in instruction.operands if each.type == arm.ARM_OP_MEM]
    return {register for place in places for register in (place.base, place.index) if register}


def _overlaps(before: Any, address: set[int]) -> bool:
    """Tell whether an access begins in the last cycle of the load before it."""
    if before is None or before.insn_name() not in LOADS or before.writeback:
        return False
    return before.operands[0].reg not in address


CORES = {
    "cortex-m0": Core(
        source="Cortex-M0 Technical Reference Manual r0p0, table 3-1",
        assumption="multiplications take 1 cycle, or 32 at the end of the range",
        refill=_always(2),
        cost=_m0_cost,
    ),
    "cortex-m4": Core(
        source="Cortex-M4 Technical Reference Manual r0p1, table 3-1",
        assumption="a branch refills the pipeline in 2 cycles; the range covers 1 to 3",
        refill=_range(1, 2, 3),
        cost=_m4_cost,
    ),
}
"""The modelled cores, by `core` of board.toml."""
