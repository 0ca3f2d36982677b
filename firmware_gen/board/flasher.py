"""Describes a program, named in board.toml, that writes an image to a real device.

A board lists its flashers in order of preference, each with the command that writes an image. A
generated project has a copy of board.toml, so the command can be changed there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from firmware_gen.board.start import PLACE
from firmware_gen.formats.write import write_formats
from ska_edge.errors import OptionError

PLACES = ("elf", "hex", "uf2", "esp", "bin", "address", "bytes", "port", "folder")
"""The placeholders of a command."""
USB = re.compile("[0-9A-F]{4}:[0-9A-F]{4}")
"""Vendor and product number of a USB device."""


@dataclass(frozen=True)
class Flasher:
    """A program that writes an image to a device.

    In `command`, `{elf}`, `{hex}`, `{uf2}`, `{esp}` and `{bin}` are files of the image, `{address}`
    and `{bytes}` are the address and the size of the binary file, and `{port}` is the port that the
    user names. `{folder}` is the port of a device that is a drive: the folder of the drive. A
    command with `{bin}` runs once for each part of the image. `install` is the command that
    installs the program.

    `usb` are the vendor and product numbers of the USB devices through which the program reaches
    this board, such as "2341:0043". If the user names no port, `{port}` is the serial port of such
    a device. `drive` is a text in the file INFO_UF2.TXT of the drive that `{folder}` names, such as
    "RPI-RP2".
    """

    tool: str
    command: tuple[str, ...]
    install: str
    usb: tuple[str, ...] = ()
    drive: str | None = None

    def needs_port(self) -> bool:
        """Tell whether the command has the placeholder `{port}` or `{folder}`."""
        return not {"port", "folder"}.isdisjoint(self._names())

    def fault(self, uf2: int | None = None, esp: int | None = None) -> str | None:
        """Return what is wrong with the values of this object, or None.

        `uf2` and `esp` are the values of the board.toml keys with these names, or None.
        """
        if not self.command:
            return f"command of the flasher {self.tool!r} is empty"
        for name in self._names():
            if name not in PLACES:
                known = ", ".join(f"{{{place}}}" for place in PLACES)
                return (
                    f"command of the flasher {self.tool!r} has {{{name}}}, which is none of {known}"
                )
        if uf2 is None and "uf2" in self._names():
            return f"the flasher {self.tool!r} needs uf2, the chip's family in UF2 files"
        if esp is None and "esp" in self._names():
            return f"the flasher {self.tool!r} needs esp, the number of the ESP chip"
        for number in self.usb:
            if not USB.fullmatch(number):
                return f"usb of the flasher {self.tool!r} has {number!r}; write it as in 2341:0043"
        return None

    def commands(
        self, elf: Path, port: str | None, uf2: int | None = None, esp: int | None = None
    ) -> list[list[str]]:
        """Write the files of the image, and return the commands that flash it.

        `uf2` is the number of the chip's family in a UF2 file, and `esp` is the number of an ESP
        chip in its image; None means that no such file is written.

        Raises:
            InputError: a port is needed but missing, or given but not needed, or the command has
                `{folder}` and the port is not a folder; or the image cannot be read.
            ToolError: pyelftools is missing.
        """
        if self.needs_port() and port is None:
            raise OptionError("{name} writes through a port; name it with {port}", name=self.tool)
        if port is not None and not self.needs_port():
            raise OptionError("{name} finds the device by itself; leave {port} out", name=self.tool)
        if port is not None and "folder" in self._names() and not (port and Path(port).is_dir()):
            raise OptionError(
                "{name} writes to a drive, but {given!r} is not a folder; name the drive's folder"
                " with {port}",
                name=self.tool,
                given=port,
            )
        formats = write_formats(elf, uf2, esp)
        values = {"elf": str(elf), "hex": str(formats.hex), "port": port or ""}
        values |= {"uf2": str(formats.uf2 or ""), "esp": str(formats.esp or "")}
        values["folder"] = str(Path(port or "").resolve())
        if "bin" not in self._names():
            return [self._filled(values)]
        commands = []
        for address, path in formats.binaries.items():
            size = path.stat().st_size
            part = {"bin": str(path), "address": f"0x{address:08X}", "bytes": str(size)}
            commands.append(self._filled({**values, **part}))
        return commands

    def _filled(self, values: Mapping[str, str]) -> list[str]:
        return [PLACE.sub(lambda found: values[found[1]], part) for part in self.command]

    def _names(self) -> list[str]:
        return [name for part in self.command for name in PLACE.findall(part)]
