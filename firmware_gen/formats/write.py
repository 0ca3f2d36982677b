"""Writes the files of an image for the programs that flash it.

Intel HEX has addresses, so one file has the whole image. A binary file has no addresses, so it
would have to fill the gaps of an image, and a gap may hold saves. So each part of an image between
large gaps has a binary file of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from firmware_gen.formats.elf import read_image
from firmware_gen.formats.esp import esp_image
from firmware_gen.formats.intel_hex import intel_hex
from firmware_gen.formats.uf2 import uf2

HEX_NAME, UF2_NAME, ESP_NAME = "firmware.hex", "firmware.uf2", "firmware.esp"


@dataclass(frozen=True)
class Formats:
    """The files of an image: Intel HEX, and a binary file for each part by its address.

    `uf2` is the UF2 file, and `esp` is the image for the ROM of an ESP chip; each is None if the
    board does not take such a file.
    """

    hex: Path
    binaries: dict[int, Path]
    uf2: Path | None = None
    esp: Path | None = None

    def all(self) -> tuple[Path, ...]:
        """Return the files."""
        return tuple(filter(None, (self.hex, *self.binaries.values(), self.uf2, self.esp)))


def write_formats(elf: Path, uf2_family: int | None = None, esp_chip: int | None = None) -> Formats:
    """Write the image `elf` in the other formats, into its folder.

    `uf2_family` is the number of the chip's family in a UF2 file, and `esp_chip` is the number of
    the chip in an image for the ROM of an ESP chip; None means that no such file is written.

    Raises:
        InputError, ToolError: see `read_image`.
    """
    image = read_image(elf)
    parts = image.parts()
    remove_formats(elf.parent)
    hex_file = elf.with_name(HEX_NAME)
    hex_file.write_text(intel_hex(parts), encoding="ascii")
    binaries = {}
    for address, content in parts:
        name = "firmware.bin" if len(parts) == 1 else f"firmware-{address:08x}.bin"
        binaries[address] = elf.with_name(name)
        binaries[address].write_bytes(content)
    uf2_file = None if uf2_family is None else elf.with_name(UF2_NAME)
    if uf2_file is not None and uf2_family is not None:
        uf2_file.write_bytes(uf2(parts, uf2_family))
    esp_file = None if esp_chip is None else elf.with_name(ESP_NAME)
    if esp_file is not None and esp_chip is not None:
        esp_file.write_bytes(esp_image(parts, image.entry, esp_chip))
    return Formats(hex_file, binaries, uf2_file, esp_file)


def format_names(folder: Path) -> list[str]:
    """Return the names of the files in a build folder that `write_formats` wrote."""
    return sorted(
        path.name
        for pattern in (HEX_NAME, UF2_NAME, ESP_NAME, "firmware.bin", "firmware-*.bin")
        for path in folder.glob(pattern)
    )


def remove_formats(folder: Path) -> None:
    """Remove the files that `write_formats` wrote, so that no earlier image is flashed."""
    for name in format_names(folder):
        (folder / name).unlink()
