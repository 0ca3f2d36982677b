"""Runs the image of a board with an nRF51822 in Unicorn, with strict models of its peripherals.

    python -m firmware_gen.emulators.chips.nrf51 firmware.elf board.toml

prints the path of the serial port and runs until it is stopped. CLOCK, GPIO, UART and NVMC follow
Nordic's reference manual, with the pins of the micro:bit v1. A mistake of a driver ends the
run with exit code 1 and one sentence. The other parts of the chip are missing; their use is a
mistake, too.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from firmware_gen.board.memory import Region
from firmware_gen.emulators.chips.chip import Surroundings
from firmware_gen.emulators.chips.nrf import Nrf, Traits
from firmware_gen.emulators.program import run_chip

TRAITS = Traits(
    core="cortex-m0",
    flash=Region(0x0000_0000, 0x4_0000),
    ram=Region(0x2000_0000, 0x4000),
    tx=24,
    rx=25,
    program_s=48e-6,
    erase_s=22e-3,
)


class Nrf51822(Nrf):
    """The chip."""

    def __init__(self, world: Surroundings) -> None:
        super().__init__(world, TRAITS)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a board until it is stopped; return the exit code of an error, if any."""
    return run_chip("firmware_gen.emulators.chips.nrf51", __doc__, Nrf51822, arguments)


if __name__ == "__main__":
    sys.exit(main())
