"""Measures an image: flash and RAM from its sections, the stack from its machine code."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firmware_gen.memory.stack import Code
from firmware_gen.memory.stack_arm import ArmCode
from firmware_gen.memory.stack_avr import AvrCode
from firmware_gen.memory.stack_riscv import RiscvCode
from ska_edge.errors import CheckError, InputError, ToolError

ARCHITECTURES: dict[str, type[Code]] = {
    "EM_ARM": ArmCode,
    "EM_AVR": AvrCode,
    "EM_RISCV": RiscvCode,
}
"""The machines of ELF images whose code can be analyzed; the host is not one of them."""


@dataclass(frozen=True)
class Usage:
    """Bytes of flash, RAM (without stack) and stack; `stack` is None if it is not known."""

    flash: int
    ram: int
    stack: int | None


def measure(elf: Path, bounded: bool = True) -> Usage:
    """Measure a linked ELF image; if not `bounded`, a stack without a known bound is None.

    Raises:
        CheckError: the stack has no known bound.
        InputError: the file is not an ELF image.
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
            raise InputError(
                f"{elf} is not an ELF image ({error}); build the project again"
            ) from None
        # The start-up code copies a segment from flash to RAM if these two addresses differ.
        copied = [
            range(segment["p_vaddr"], segment["p_vaddr"] + segment["p_filesz"])
            for segment in image.iter_segments("PT_LOAD")
            if segment["p_vaddr"] != segment["p_paddr"]
        ]
        flash = ram = 0
        for section in image.iter_sections():
            if section["sh_flags"] & SH_FLAGS.SHF_ALLOC:
                if section["sh_type"] != "SHT_NOBITS":
                    flash += section["sh_size"]
                in_ram = section["sh_flags"] & SH_FLAGS.SHF_WRITE or any(
                    section["sh_addr"] in addresses for addresses in copied
                )
                # lld pads a page with this section, which has no variables and occurs only on the
                # host.
                if in_ram and section.name != ".relro_padding":
                    ram += section["sh_size"]
        return Usage(flash=flash, ram=ram, stack=_stack(image, bounded))


def require_whole(elf: Path, project: Path) -> None:
    """Raise InputError unless a file has all bytes of the image that its header announces.

    An emulator would start a truncated image, which would never answer.
    """
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile

    with elf.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        try:
            image = ELFFile(stream)
            needed = image["e_shoff"] + image["e_shnum"] * image["e_shentsize"]
            for segment in image.iter_segments():
                needed = max(needed, segment["p_offset"] + segment["p_filesz"])
        except (ELFError, ValueError, KeyError):
            needed = size + 1
    if needed > size:
        raise InputError(f"{elf} is damaged or incomplete; run ska-edge build {project}")


def _stack(image: Any, bounded: bool) -> int | None:
    code = code_of(image)
    try:
        return None if code is None else code.stack()
    except CheckError:
        if bounded:
            raise
        return None


def code_of(image: Any) -> Code | None:
    """Return the functions of an open ELF image; None if its machine cannot be analyzed."""
    architecture = ARCHITECTURES.get(image["e_machine"])
    return None if architecture is None else architecture(image)
