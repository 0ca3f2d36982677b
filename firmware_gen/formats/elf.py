"""Reads an ELF image, and splits it at its gaps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ska_edge.errors import InputError, ToolError

LARGE_GAP = 1024
"""A gap of this many bytes or more splits an image; smaller gaps only align sections."""


@dataclass(frozen=True)
class Image:
    """An image.

    `segments` are the addresses and the contents of its loaded segments. `functions` are the start,
    the size in bytes and the name of each function, sorted by start. `entry` is the address where
    the image starts. `marks` are the addresses where code (True) or data (False) begins, sorted;
    only an image for Arm has them.
    """

    path: Path
    segments: Sequence[tuple[int, bytes]]
    functions: Sequence[tuple[int, int, str]]
    entry: int = 0
    marks: Sequence[tuple[int, bool]] = ()

    def parts(self) -> list[tuple[int, bytes]]:
        """Return the address and bytes of each part; 0xFF fills small gaps inside a part."""
        parts: list[tuple[int, bytes]] = []
        for address, content in sorted(self.segments):
            if parts:
                start, before = parts[-1]
                gap = address - (start + len(before))
                if gap < LARGE_GAP:
                    parts[-1] = (start, before + b"\xff" * gap + content)
                    continue
            parts.append((address, content))
        return parts

    def place(self, address: int) -> str:
        """Return an address as text, with the function that contains it and the offset in it."""
        for start, size, name in self.functions:
            if start <= address < start + size:
                return f"{name}+0x{address - start:x} (0x{address:08x})"
        return f"0x{address:08x}"


def read_image(elf: Path) -> Image:
    """Read an image.

    Raises:
        InputError: the file cannot be read, or is not an ELF image.
        ToolError: pyelftools is missing.
    """
    try:
        from elftools.common.exceptions import ELFError
        from elftools.elf.elffile import ELFFile
    except ImportError:
        raise ToolError("reading an image needs pyelftools: pip install pyelftools") from None
    try:
        with elf.open("rb") as stream:
            content = ELFFile(stream)
            entry = int(content["e_entry"])
            segments = [
                (int(segment["p_paddr"]), bytes(segment.data()))
                for segment in content.iter_segments("PT_LOAD")
                if segment["p_filesz"]
            ]
            table: Any = content.get_section_by_name(".symtab")
            symbols = list(table.iter_symbols()) if table else []
    except OSError as error:
        raise InputError(f"{elf} cannot be read ({error.strerror}); build it first") from None
    except ELFError as error:
        raise InputError(f"{elf} is not an ELF image ({error}); build it again") from None
    functions = sorted(
        (symbol["st_value"] & ~1, symbol["st_size"], symbol.name)
        for symbol in symbols
        if symbol["st_info"]["type"] == "STT_FUNC"
    )
    # Mapping symbols (ELF for the Arm Architecture, section 5.5.5): $t begins code, $d data. If
    # both are at one address, code has priority.
    begins: dict[int, bool] = {}
    for symbol in symbols:
        if symbol.name[:2] in ("$t", "$d"):
            address = symbol["st_value"]
            begins[address] = begins.get(address, False) or symbol.name.startswith("$t")
    return Image(elf, segments, functions, entry, sorted(begins.items()))
