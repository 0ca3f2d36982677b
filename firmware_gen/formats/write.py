"""Writes the files of an image for the programs that flash it.

Intel HEX has addresses, so one file has the whole image. A binary file has no addresses, so it
would have to fill the gaps of an image, and a gap may hold saves. So each part of an image between
gaps has a binary file of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from firmware_gen.formats.intel_hex import intel_hex
from firmware_gen.formats.uf2 import uf2
from firmware_gen.image import read_image

HEX_NAME, UF2_NAME = "firmware.hex", "firmware.uf2"


@dataclass(frozen=True)
class Formats:
    """The files of an image: Intel HEX, a binary file for each part by its address, and UF2.

    `uf2` is None if the boot loader of the board does not take UF2 files.
    """

    hex: Path
    binaries: dict[int, Path]
    uf2: Path | None

    def all(self) -> tuple[Path, ...]:
        """Return the files."""
        return (self.hex, *self.binaries.values(), *((self.uf2,) if self.uf2 else ()))


def write_formats(elf: Path, uf2_family: int | None = None) -> Formats:
    """Write the image in the other formats, next to it.

    `uf2_family` is the number of the chip's family in a UF2 file; None for no such file.

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
    if uf2_family is None:
        return Formats(hex_file, binaries, None)
    uf2_file = elf.with_name(UF2_NAME)
    uf2_file.write_bytes(uf2(parts, uf2_family))
    return Formats(hex_file, binaries, uf2_file)


def format_names(folder: Path) -> list[str]:
    """Return the names of the files in a build folder that `write_formats` wrote."""
    return sorted(
        path.name
        for pattern in (HEX_NAME, UF2_NAME, "firmware.bin", "firmware-*.bin")
        for path in folder.glob(pattern)
    )


def remove_formats(folder: Path) -> None:
    """Remove the files that `write_formats` wrote, so that no earlier image is flashed."""
    for name in format_names(folder):
        (folder / name).unlink()
