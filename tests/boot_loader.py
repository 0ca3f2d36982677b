"""The boot loaders of Arduino boards, from the sources and images of Arduino's core for AVR."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from firmware_gen.board.board import load_board
from firmware_gen.emulators.simavr import FRESH, compile_simulator
from tests.firmware_gen.export.arduino_core import HARDWARE

FOLDER = HARDWARE / "bootloaders"


@dataclass(frozen=True)
class BootLoader:
    """A board's boot loader, and the address at which the chip begins after a reset."""

    board: str
    address: int

    def image(self, folder: Path) -> Path:
        """Return the path of the boot loader's image; build it in `folder` if the core's own is too
        large.
        """
        if self.board == "mega2560":
            return FOLDER / "stk500v2" / "stk500boot_v2_mega2560.hex"
        # The image of the core is larger than the boot section of 512 bytes. So this compiles the
        # boot loader again, without the code that flashes the LED.
        image = folder / "optiboot.elf"
        flags = ["-w", "-Os", "-fno-split-wide-types", "-mrelax", "-mmcu=atmega328p"]
        flags += ["-DF_CPU=16000000L", "-DBAUD_RATE=115200", "-DLED_START_FLASHES=0"]
        flags += [f"-Wl,--section-start=.text={self.address:#x}", "-nostartfiles"]
        flags += ["-Wl,--section-start=.version=0x7ffe", "-Wl,--relax"]
        source = FOLDER / "optiboot" / "optiboot.c"
        subprocess.run(["avr-gcc", *flags, source, "-o", image], check=True)
        hex_file = image.with_suffix(".hex")
        subprocess.run(["avr-objcopy", "-O", "ihex", image, hex_file], check=True)
        return hex_file

    @contextmanager
    def running(self, folder: Path) -> Iterator[str]:
        """During the block, run a chip that has only the boot loader; give the path of its port."""
        board = load_board(self.board)
        command = [str(compile_simulator(folder)), str(self.image(folder)), board.core]
        command += [str(board.clock), "115200", str(FRESH), str(self.address)]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as chip:
            try:
                assert chip.stdout is not None
                yield next(line for line in chip.stdout if line.startswith("/dev/")).strip()
            finally:
                chip.kill()


OPTIBOOT = BootLoader("uno", 0x7E00)
STK500V2 = BootLoader("mega2560", 0x3E000)
