"""Passes accesses on rp2040py's bus to strict models, or, for the ROM, to models of rp2040py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from firmware_gen.emulators.chips.chip import Peripheral
from firmware_gen.emulators.fault import FirmwareFault

XOR, SET, CLEAR = 1, 2, 3
"""The aliases of a register that change single bits (RP2040 data sheet, 2.1.2)."""


class Block:
    """A block of registers on rp2040py's bus.

    `strict` is the strict model of the block; None if the firmware may not use the block. `lenient`
    is rp2040py's own model, which the ROM uses; None if the ROM uses the strict model, too.
    `in_rom` tells whether the core runs the ROM; if so, the ROM makes the access.
    """

    def __init__(
        self,
        address: int,
        strict: Peripheral | None,
        lenient: Any,
        in_rom: Callable[[], bool],
    ) -> None:
        self._address, self._strict = address, strict
        self._lenient, self._in_rom = lenient, in_rom

    def read_uint32(self, offset: int) -> int:
        """Return the value of the register at an offset."""
        if self._lenient is not None and self._in_rom():
            return int(self._lenient.read_uint32(offset))
        return self._model("reads").read(offset % 0x1000)

    def write_uint32_atomic(self, offset: int, value: int, kind: int) -> None:
        """Write a register, or change some of its bits."""
        if self._lenient is not None and self._in_rom():
            self._lenient.write_uint32_atomic(offset, value, kind)
            return
        value %= 2**32
        model = self._model("writes")
        if kind:
            old = model.read(offset)
            value = {XOR: old ^ value, SET: old | value, CLEAR: old & ~value}[kind]
        model.write(offset, value)

    def write_uint32(self, offset: int, value: int) -> None:
        """Write the register at an offset."""
        self.write_uint32_atomic(offset, value, 0)

    def reset(self) -> None:
        """Do nothing: a machine is reset by making a new one."""

    def _model(self, verb: str) -> Peripheral:
        if self._strict is None:
            raise FirmwareFault(
                f"it {verb} a register of the block at 0x{self._address:08x}, which is not modeled"
            )
        return self._strict
