"""Stacks the registers of a Cortex-M core when a handler begins, and restores them when it ends."""

from __future__ import annotations

import struct
from typing import Any

from firmware_gen.board.memory import Region
from firmware_gen.emulators.chips.bits import bit, flag
from firmware_gen.emulators.fault import FirmwareFault

EXC_RETURN = 0xFFFF_FFF9
"""The value of the link register in a handler that interrupted the thread (Armv7-M ARM, B1.5.8)."""
FRAME = ("R0", "R1", "R2", "R3", "R12", "LR")
"""Registers that the core stacks before the return address and the status."""
FRAME_BYTES = 32
GAP = 9
"""The bit of a stacked status that tells whether 4 bytes were skipped to align the frame (Armv7-M
ARM, B1.5.7).
"""
THUMB = 24


class Stacking:
    """Stacks the registers of `engine`; `constants` has the numbers of the registers."""

    def __init__(self, engine: Any, constants: Any, ram: Region) -> None:
        self._engine, self._ram = engine, ram
        self._registers = [
            getattr(constants, f"UC_ARM_REG_{name}") for name in ("SP", "XPSR", *FRAME)
        ]
        self._primask = constants.UC_ARM_REG_PRIMASK

    def masked(self) -> bool:
        """Tell whether PRIMASK masks interrupts."""
        return bool(self._engine.reg_read(self._primask) & 1)

    def push(self, counter: int) -> None:
        """Stack a frame with this return address; raise FirmwareFault if RAM has no room for it."""
        stack, status, *frame = self._engine.reg_read_batch(self._registers)
        status = status & ~0x3FF | flag(THUMB) | flag(GAP, bool(stack & 4))
        stack = (stack & ~7) - FRAME_BYTES
        if not self._ram.holds(stack, FRAME_BYTES):
            raise FirmwareFault("an interrupt finds no stack: it is full, or outside RAM")
        self._engine.mem_write(stack, struct.pack("<8I", *frame, counter & ~1, status))
        self._engine.reg_write_batch(
            [(self._registers[0], stack), (self._registers[-1], EXC_RETURN)]
        )

    def pop(self) -> int:
        """Restore the registers of the last frame; return its return address."""
        stack = self._engine.reg_read(self._registers[0])
        frame = self._engine.mem_read(stack, FRAME_BYTES)
        *values, counter, status = struct.unpack("<8I", frame)
        stack += FRAME_BYTES + (4 if bit(status, GAP) else 0)
        values = [stack, status & ~flag(GAP), *values]
        self._engine.reg_write_batch(list(zip(self._registers, values, strict=True)))
        return int(counter)
