"""Reads an ELF image, and writes it in the formats of the programs that flash it.

Intel HEX has addresses, so one file has the whole image. A binary file has no addresses, so it
would have to fill the gaps of an image, and a gap may hold saves. So each part of an image between
gaps has a binary file of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ska_edge.errors import InputError, ToolError

LARGE_GAP = 1024
"""Bytes of a gap that splits an image; smaller gaps only align sections."""
HEX_NAME = "firmware.hex"
RECORD_BYTES = 16
DATA, END, UPPER_ADDRESS = 0, 1, 4
"""Types of records of an Intel HEX file."""


@dataclass(frozen=True)
class Image:
    """An image.

    `segments` are the addresses and the contents that are loaded into flash. `functions` are the
    start, the size in bytes and the name of each function, sorted by start.
    """

    path: Path
    segments: Sequence[tuple[int, bytes]]
    functions: Sequence[tuple[int, int, str]]

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
        InputError: the file cannot be read, or is no ELF image.
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
            segments = [
                (int(segment["p_paddr"]), bytes(segment.data()))
                for segment in content.iter_segments("PT_LOAD")
                if segment["p_filesz"]
            ]
            table: Any = content.get_section_by_name(".symtab")
            functions = sorted(
                (symbol["st_value"] & ~1, symbol["st_size"], symbol.name)
                for symbol in (table.iter_symbols() if table else ())
                if symbol["st_info"]["type"] == "STT_FUNC"
            )
    except OSError as error:
        raise InputError(f"{elf} cannot be read ({error.strerror}); build it first") from None
    except ELFError as error:
        raise InputError(f"{elf} is no ELF image ({error}); build it again") from None
    return Image(elf, segments, functions)


@dataclass(frozen=True)
class Formats:
    """The files of an image: Intel HEX, and a binary file for each part, by its address."""

    hex: Path
    binaries: dict[int, Path]


def write_formats(elf: Path) -> Formats:
    """Write the image in the other formats, next to it.

    Raises:
        InputError, ToolError: see `read_image`.
    """
    parts = read_image(elf).parts()
    remove_formats(elf.parent)
    hex_file = elf.with_name(HEX_NAME)
    hex_file.write_text(intel_hex(parts), encoding="ascii")
    binaries = {}
    for address, content in parts:
        name = "firmware.bin" if len(parts) == 1 else f"firmware-{address:08x}.bin"
        binaries[address] = elf.with_name(name)
        binaries[address].write_bytes(content)
    return Formats(hex_file, binaries)


def format_names(folder: Path) -> list[str]:
    """Return the names of the files in a build folder that `write_formats` wrote."""
    return sorted(
        path.name
        for pattern in (HEX_NAME, "firmware.bin", "firmware-*.bin")
        for path in folder.glob(pattern)
    )


def remove_formats(folder: Path) -> None:
    """Remove the files that `write_formats` wrote, so that no earlier image is flashed."""
    for name in format_names(folder):
        (folder / name).unlink()


def intel_hex(parts: Sequence[tuple[int, bytes]]) -> str:
    """Return an Intel HEX file with these addresses and bytes."""
    lines, upper = [], None
    for address, content in parts:
        at = 0
        while at < len(content):
            here = address + at
            if here // 0x10000 != upper:
                upper = here // 0x10000
                lines.append(_record(0, UPPER_ADDRESS, upper.to_bytes(2, "big")))
            count = min(RECORD_BYTES, len(content) - at, 0x10000 - here % 0x10000)
            lines.append(_record(here % 0x10000, DATA, content[at : at + count]))
            at += count
    lines.append(_record(0, END, b""))
    return "".join(f"{line}\n" for line in lines)


def _record(address: int, kind: int, content: bytes) -> str:
    """Return a record: count, address, type, content, and the checksum that makes the sum 0."""
    record = bytes([len(content), *address.to_bytes(2, "big"), kind]) + content
    return f":{record.hex().upper()}{-sum(record) % 256:02X}"
